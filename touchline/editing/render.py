"""Rendering a reel from its videos: frame-exact, with sound, as one file that browsers play."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from touchline.editing.copied_cut import CopiedReel, plan_copies, write_copies
from touchline.editing.cuts import snap_to_cuts
from touchline.editing.finish import PLAIN, Finish
from touchline.editing.framing import Frame, follow_play, frame_in
from touchline.editing.graphics import Graphics
from touchline.editing.sound import AUDIO_RATE, channels_of, clip_sound
from touchline.editing.sources import VideoPaths, video_of_clip
from touchline.errors import InputError, MediaError
from touchline.media.painting import painter
from touchline.media.splicing import Painter
from touchline.media.video import VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel
from touchline.runtime.progress import Progress
from touchline.scores import FloatArray


def render_reel(
    reel: Reel,
    path: str | Path,
    video: VideoPaths,
    *,
    burn_labels: bool = False,
    snap: bool = True,
    aspect: Fraction | None = None,
    deinterlace: bool = True,
    audio_track: int | None = None,
    finish: Finish = PLAIN,
    comment: str | None = None,
    progress: Progress | None = None,
) -> Reel:
    """Render a reel as a video file.

    Pictures are copied as they are coded where that is possible and none is drawn on; else size and
    frame rate are those of the first clip's video, and other videos are converted.

    Args:
        video: the file to cut from, or one per half.
        burn_labels: draw labels and the titles of clips into the picture.
        snap: move the ends of clips to nearby camera cuts.
        aspect: aspect ratio of the picture, for a window that follows the play; None for the
            aspect ratio of the video. A part of a small picture is enlarged.
        deinterlace: fill in the lines of interlaced pictures.
        audio_track: number of the sound track, from 1; None for the one that a player plays.
        finish: whether pictures are copied or encoded.
        comment: a text stored in the file's metadata.
        progress: called with the fraction done, 0 to 1.

    Returns:
        The reel as rendered; its warnings say why pictures were not copied.

    Raises:
        InputError: an empty reel, a half without a video, a clip beyond the end, an output that
            would overwrite a video, or pictures that cannot be copied and must be.
        MediaError: a video cannot be read or the file cannot be written.
    """
    refuse_empty(reel)
    reel = inside_videos(reel, video)
    infos = {source: probe(source) for source in _sources(reel, video)}
    refuse_overwriting(Path(path), infos)
    if snap:
        reel = snap_to_cuts(reel, lambda clip: video_of_clip(clip, video))
    work = _Work(
        reel=reel,
        path=Path(path),
        infos=[infos[video_of_clip(clip, video)] for clip in reel],
        graphics=Graphics.of(reel, labels=burn_labels),
        aspect=aspect,
        deinterlace=deinterlace,
        audio_track=audio_track,
        finish=finish,
        comment=comment,
        progress=progress,
    )
    return work.write()


@dataclass(frozen=True)
class _Work:
    """A reel to be written, and the videos of its clips."""

    reel: Reel
    path: Path
    infos: list[VideoInfo]
    graphics: Graphics
    aspect: Fraction | None
    deinterlace: bool
    audio_track: int | None
    finish: Finish
    comment: str | None
    progress: Progress | None

    def write(self) -> Reel:
        """Write the file, by copying where that is possible."""
        copies = self._copies()
        if isinstance(copies, CopiedReel):
            try:
                self._write_copies(copies)
                return self.reel
            except MediaError as error:
                if error.where == str(self.path) or self.finish.cut == "copy":
                    raise
                copies = f"{Path(str(error.where)).name}: {error.what}"
        if copies and self.finish.cut == "copy":
            what, _, why = copies.partition(": ")
            raise InputError(
                f"its pictures cannot be copied: {why or what}",
                where=what,
                remedy="leave --cut copy out: they are encoded anew then",
            )
        self._write_encoded()
        if not copies or self.finish.cut == "encode":
            return self.reel
        warnings = (*self.reel.warnings, f"{copies}; so all pictures are encoded anew")
        return replace(self.reel, warnings=warnings)

    def _copies(self) -> CopiedReel | str:
        """How pictures are copied; or why not, in words, empty where nothing else was asked for."""
        if self.finish.cut == "encode":
            return ""
        if self.aspect is not None:
            return "--aspect: pictures are cut to shape" if self.finish.cut == "copy" else ""
        sources = [info.path for info in self.infos]
        found = plan_copies(self.reel.clips, sources, self.graphics.stretches, self.finish.keep_hdr)
        drawn_only = isinstance(found, str) and self.graphics.cover(self.reel)
        return "" if drawn_only and self.finish.cut == "auto" else found

    @property
    def _has_audio(self) -> bool:
        return any(info.has_audio for info in self.infos)

    def _write_copies(self, copies: CopiedReel) -> None:
        channels = channels_of(self.infos, self.audio_track)

        def sound(number: int, start: Fraction, samples: int) -> Iterable[FloatArray]:
            return clip_sound(self.infos[number], start, samples, self.audio_track, channels)

        write_copies(
            copies,
            self.path,
            painters=[self._painter(clip) for clip in self.reel],
            sound=sound if self._has_audio else None,
            channels=channels,
            comment=self.comment,
            progress=self.progress,
        )

    def _painter(self, clip: Clip) -> Painter | None:
        if not self.graphics.stretches(clip):
            return None
        return painter(lambda pixels, seconds: self.graphics.draw(pixels, clip, seconds))

    def _write_encoded(self) -> None:
        first = self.infos[0]
        shown = None if self.aspect is None else frame_in(*first.size, self.aspect)
        channels = channels_of(self.infos, self.audio_track)
        with VideoWriter(
            self.path,
            shown.window if shown else first.size,
            first.frame_rate,
            audio_rate=AUDIO_RATE if self._has_audio else None,
            audio_channels=channels,
            comment=self.comment,
        ) as writer:
            shares = accumulate(clip.seconds / self.reel.seconds for clip in self.reel)
            for clip, info, share in zip(self.reel, self.infos, shares, strict=True):
                before = writer.frames_written
                self._write_pictures(writer, clip, info, shown)
                if self._has_audio:
                    due = [
                        round(n * AUDIO_RATE / first.frame_rate)
                        for n in (before, writer.frames_written)
                    ]
                    for chunk in clip_sound(
                        info, clip.start_seconds, due[1] - due[0], self.audio_track, channels
                    ):
                        writer.write_audio(chunk)
                if self.progress is not None:
                    self.progress(share)

    def _write_pictures(
        self, writer: VideoWriter, clip: Clip, info: VideoInfo, shown: Frame | None
    ) -> None:
        track = shown and follow_play(info.path, clip.start_seconds, clip.end_seconds)
        before = writer.frames_written
        with read_frames(
            info.path,
            rate=writer.rate,
            size=shown.picture if shown else self.infos[0].size,
            start_seconds=clip.start_seconds,
            end_seconds=clip.end_seconds,
            deinterlace=self.deinterlace,
        ) as frames:
            for frame in frames:
                pixels = frame.pixels
                if track and shown:
                    pixels = track.crop(pixels, shown.window, frame.seconds)
                writer.write(self.graphics.draw(pixels, clip, frame.seconds))
        if writer.frames_written == before:
            raise InputError(
                f"no frame can be read for the clip at {clip.start_seconds:.1f} s",
                where=info.path,
                remedy="the file is damaged there: remove the clip",
            )


def refuse_empty(reel: Reel, remedy: str = "choose from more events") -> None:
    """Check that there is something to show.

    Raises:
        InputError: the reel has no clips.
    """
    if not len(reel):
        raise InputError("the reel is empty: there is no event to show", remedy=remedy)


def refuse_overwriting(output: Path, inputs: Iterable[Path]) -> None:
    """Check that an output is none of its inputs.

    Raises:
        InputError: it would overwrite one of them.
    """
    for given in inputs:
        if output.exists() and given.exists() and output.samefile(given):
            raise InputError(
                "is an input and would be overwritten",
                where=output,
                remedy="give another name with -o",
            )


def inside_videos(reel: Reel, video: VideoPaths) -> Reel:
    """The reel with its clips cut at the end of their videos.

    Raises:
        InputError: a clip or one of its events is beyond the end. MediaError: a video cannot be
            read.
    """
    lengths = {source: probe(source).duration_seconds for source in _sources(reel, video)}
    clips = []
    for clip in reel:
        source = video_of_clip(clip, video)
        length = lengths[source]
        last = max((event.seconds for event in clip.events), default=clip.start_seconds)
        if max(last, clip.start_seconds) >= length:
            what = "clip" if last <= clip.start_seconds else "event"
            raise InputError(
                f"the {what} at {max(last, clip.start_seconds):.1f} s is beyond the end "
                f"({length:.1f} s)",
                where=source,
                remedy="check that the events belong to this video",
            )
        clips.append(replace(clip, end_seconds=min(clip.end_seconds, length)))
    return replace(reel, clips=tuple(clips))


def _sources(reel: Reel, video: VideoPaths) -> list[Path]:
    return list(dict.fromkeys(video_of_clip(clip, video) for clip in reel))
