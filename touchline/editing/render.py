"""Rendering a reel from its videos: frame-exact, with sound, as one file that browsers play."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from pathlib import Path

from touchline.editing.copied_cut import LEAST_COPIED_SHARE, CopiedReel, plan_copies, write_copies
from touchline.editing.cuts import snap_to_cuts
from touchline.editing.finish import OUTRO_SECONDS, PLAIN, Finish
from touchline.editing.framing import Frame, frame_in
from touchline.editing.graphics import Graphics
from touchline.editing.hand_framing import track_of
from touchline.editing.overlay import Pixels, draw_card, fit_picture, read_picture
from touchline.editing.sound import AUDIO_RATE, HeardClip, ReelSound
from touchline.editing.sources import VideoPaths, video_of_clip
from touchline.errors import InputError, MediaError
from touchline.media.encoders import AUTO, SOFTWARE, X264, Encoder, chosen_encoder
from touchline.media.painting import painter
from touchline.media.splicing import Painter
from touchline.media.video import VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel
from touchline.runtime.progress import Progress

_MOST_MISSING_SECONDS = 0.5
"""By how much a file may be shorter than its clips, as pictures are counted, before it is said."""

_EARLY = Fraction(1, 100)
"""Share of a picture by which a time stamp may be rounded down."""

_MOST_FRAMES = 30
"""A second: more of interlaced pictures are as fluent as they are."""


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
        finish: whether pictures are copied or encoded; music and loudness.
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
        graphics=Graphics.of(reel, finish, labels=burn_labels),
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
        made = self._written()
        return replace(made, warnings=(*made.warnings, *self._missing()))

    def _missing(self) -> Iterator[str]:
        """That the file is shorter than the reel: pictures that a video states are not in it."""
        length = probe(self.path).duration_seconds - self._outro_seconds
        if self.reel.seconds - length > _MOST_MISSING_SECONDS:
            yield (
                f"only {length:.1f} of {self.reel.seconds:.1f} s could be cut: "
                "the video is damaged or cut off"
            )

    def _written(self) -> Reel:
        copies = self._copies()
        if isinstance(copies, CopiedReel):
            try:
                self._write_copies(copies)
                return replace(self.reel, warnings=(*self.reel.warnings, *self._unused()))
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
        remark = self._encode()
        warnings = self.reel.warnings if remark is None else (*self.reel.warnings, remark)
        if not copies or self.finish.cut == "encode":
            return replace(self.reel, warnings=warnings)
        so = "all pictures are encoded anew"
        if self.finish.keep_hdr and any(info.colours is None for info in self.infos):
            so += ", and HDR is tone-mapped to BT.709"
        return replace(self.reel, warnings=(*warnings, f"{copies}; so {so}"))

    def _unused(self) -> Iterator[str]:
        """The options that change nothing where pictures are copied."""
        if self.finish.encoder not in (AUTO, SOFTWARE):
            yield (
                f"--encoder {self.finish.encoder} changes nothing, as the pictures are copied: "
                "--cut encode encodes them"
            )

    def _copies(self) -> CopiedReel | str:
        """How pictures are copied; or why not, in words, empty where nothing else was asked for."""
        if self.finish.cut == "encode":
            return ""
        if self.aspect is not None:
            return "--aspect: pictures are cut to shape" if self.finish.cut == "copy" else ""
        sources = [info.path for info in self.infos]
        found = plan_copies(
            self.reel.clips,
            sources,
            self.graphics.stretches,
            self.finish.keep_hdr,
            adds_pictures=self.finish.outro is not None,
        )
        is_drawn = self.graphics.covered_share(self.reel) > 1 - LEAST_COPIED_SHARE
        asked_for = isinstance(found, str) and is_drawn and self.finish.cut == "auto"
        return "" if asked_for else found

    def _sound(self, clips: Sequence[HeardClip]) -> ReelSound | None:
        """The sound of the reel; None where there is none."""
        if self.finish.music is None and not any(clip.info.has_audio for clip in clips):
            return None
        rest = self._outro_seconds
        return ReelSound(clips, self.finish, track=self.audio_track, rest_seconds=rest)

    @property
    def _outro_seconds(self) -> float:
        return 0.0 if self.finish.outro is None else OUTRO_SECONDS

    def _outro(self, size: tuple[int, int]) -> Pixels | None:
        if self.finish.outro is None:
            return None
        if isinstance(self.finish.outro, str):
            return draw_card(size, self.finish.outro)
        return fit_picture(size, read_picture(self.finish.outro))

    def _write_copies(self, copies: CopiedReel) -> None:
        write_copies(
            copies,
            self.path,
            painters=[self._painter(clip) for clip in self.reel],
            sound=self._sound(copies.heard(self.infos)),
            outro=self._outro(copies.coding.size),
            comment=self.comment,
            progress=self.progress,
        )

    def _painter(self, clip: Clip) -> Painter | None:
        if not self.graphics.stretches(clip):
            return None
        return painter(lambda pixels, seconds: self.graphics.draw(pixels, clip, seconds))

    def _encode(self) -> str | None:
        """Encode all pictures; a remark where that is not done as asked for."""
        width, height = self.infos[0].size if self._frame is None else self._frame.window
        even = (width + width % 2, height + height % 2)
        encoder, remark = chosen_encoder(self.finish.encoder, even)
        try:
            self._write_encoded(encoder)
            return remark
        except MediaError as error:
            if not encoder.is_hardware or error.where != str(self.path):
                raise
            self._write_encoded(X264)
            return f"{encoder.name}: {error.what}; {X264.name} is used"

    @property
    def _frame(self) -> Frame | None:
        return None if self.aspect is None else frame_in(*self.infos[0].size, self.aspect)

    def _write_encoded(self, encoder: Encoder) -> None:
        first, shown = self.infos[0], self._frame
        starts = [
            _first_shown(clip, info) for clip, info in zip(self.reel, self.infos, strict=True)
        ]
        heard = [
            HeardClip(info, start, Fraction(clip.end_seconds) - start)
            for clip, info, start in zip(self.reel, self.infos, starts, strict=True)
        ]
        sound = self._sound(heard)
        with VideoWriter(
            self.path,
            shown.window if shown else first.size,
            first.frame_rate * (2 if self._makes_fields else 1),
            audio_rate=None if sound is None else AUDIO_RATE,
            audio_channels=2 if sound is None else sound.channels,
            comment=self.comment,
            colours=first.colours,
            encoder=encoder,
        ) as writer:
            outro = self._outro(writer.size)
            shares = accumulate(clip.seconds / self.reel.seconds for clip in self.reel)
            for number, (clip, share) in enumerate(zip(self.reel, shares, strict=True)):
                before = writer.samples_due
                self._write_pictures(writer, clip, self.infos[number], starts[number], shown)
                if sound is not None:
                    due = writer.samples_due - before
                    for block in sound.of(number, starts[number], due):
                        writer.write_audio(block)
                if self.progress is not None:
                    self.progress(share)
            if outro is not None:
                before = writer.samples_due
                for _ in range(round(OUTRO_SECONDS * writer.rate)):
                    writer.write(outro)
                for block in () if sound is None else sound.silence(writer.samples_due - before):
                    writer.write_audio(block)
            for block in () if sound is None else sound.finish():
                writer.write_audio(block)

    @property
    def _makes_fields(self) -> bool:
        """Whether each field of the first video becomes a picture: 50i is shown as 50 a second."""
        first = self.infos[0]
        return self.deinterlace and first.is_interlaced and first.frame_rate <= _MOST_FRAMES

    def _write_pictures(
        self,
        writer: VideoWriter,
        clip: Clip,
        info: VideoInfo,
        start: Fraction,
        shown: Frame | None,
    ) -> None:
        # The picture in the middle of each of ours is at most half of it early or late.
        first = start + 1 / (2 * writer.rate)
        count = ceil((Fraction(clip.end_seconds) - start) * writer.rate - _EARLY)
        track = None if shown is None else track_of(clip, info.path)
        before = writer.frames_written
        with read_frames(
            info.path,
            rate=writer.rate,
            size=shown.picture if shown else self.infos[0].size,
            start_seconds=first,
            end_seconds=start + max(count, 1) / writer.rate,
            colours="shown",
            deinterlace="fields" if self._makes_fields else self.deinterlace,
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


def _first_shown(clip: Clip, info: VideoInfo) -> Fraction:
    """When the picture that is on show at the start of a clip begins, and its sound with it.

    Of a variable rate it is the start itself.
    """
    start, rate = Fraction(clip.start_seconds), info.nominal_rate
    return start if rate is None else floor(start * rate + _EARLY) / rate


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
