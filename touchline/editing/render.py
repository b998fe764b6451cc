"""Rendering a reel from its videos: frame-exact, with sound, as one file that browsers play."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from touchline.colours import class_colour
from touchline.editing.cuts import snap_to_cuts
from touchline.editing.framing import Frame, follow_play, frame_in
from touchline.editing.overlay import draw_labels
from touchline.editing.sources import VideoPaths, video_of_clip
from touchline.errors import InputError
from touchline.labels import LabelSet, label_set_of
from touchline.media.audio import read_audio
from touchline.media.video import VideoInfo, probe, read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel
from touchline.runtime.progress import Progress
from touchline.scores import FloatArray

AUDIO_RATE = 48_000

_FADE_SECONDS = 0.01
"""Duration of the fade at both ends of a clip's audio, which avoids clicks."""

_TITLE_SECONDS = 4.0
_TITLE_COLOUR = (240, 240, 240)


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
    comment: str | None = None,
    progress: Progress | None = None,
) -> Reel:
    """Render a reel as a video file.

    Size and frame rate are those of the first clip's video; other videos are converted.

    Args:
        video: the file to cut from, or one per half.
        burn_labels: draw labels and the titles of clips into the picture.
        snap: move the ends of clips to nearby camera cuts.
        aspect: aspect ratio of the picture, for a window that follows the play; None for the
            aspect ratio of the video. A part of a small picture is enlarged.
        deinterlace: fill in the lines of interlaced pictures.
        audio_track: number of the sound track, from 1; None for the one that a player plays.
        comment: a text stored in the file's metadata.
        progress: called with the fraction done, 0 to 1.

    Returns:
        The reel as rendered.

    Raises:
        InputError: an empty reel, a half without a video, a clip beyond the end, or an output that
            would overwrite a video.
        MediaError: a video cannot be read or the file cannot be written.
    """
    refuse_empty(reel)
    reel = inside_videos(reel, video)
    infos = {source: probe(source) for source in _sources(reel, video)}
    refuse_overwriting(Path(path), infos)
    first = infos[video_of_clip(reel.clips[0], video)]
    has_audio = any(info.has_audio for info in infos.values())
    labels = label_set_of(tuple(dict.fromkeys(e.label for c in reel for e in c.events)) or ("-",))
    frame = None if aspect is None else frame_in(first.width, first.height, aspect)
    with VideoWriter(
        path,
        frame.window if frame else (first.width, first.height),
        first.frame_rate,
        audio_rate=AUDIO_RATE if has_audio else None,
        comment=comment,
    ) as writer:
        if snap:
            reel = snap_to_cuts(reel, lambda clip: video_of_clip(clip, video))
        total, done = reel.seconds, 0.0
        for clip in reel:
            source = video_of_clip(clip, video)
            frames = _write_pictures(
                writer, clip, source, first, labels if burn_labels else None, frame, deinterlace
            )
            if not frames:
                raise InputError(
                    f"no frame can be read for the clip at {clip.start_seconds:.1f} s",
                    where=source,
                    remedy="the file is damaged there: remove the clip",
                )
            if has_audio:
                samples = round(frames * AUDIO_RATE / first.frame_rate)
                for chunk in clip_sound(infos[source], clip.start_seconds, samples, audio_track):
                    writer.write_audio(chunk)
            done += clip.seconds
            if progress is not None:
                progress(done / total)
    return reel


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


def _write_pictures(
    writer: VideoWriter,
    clip: Clip,
    source: Path,
    target: VideoInfo,
    labels: LabelSet | None,
    shown: Frame | None,
    deinterlace: bool,
) -> int:
    """Write the frames of a clip; returns their number."""
    rate: Fraction = target.frame_rate
    count = 0
    track = shown and follow_play(source, clip.start_seconds, clip.end_seconds)
    with read_frames(
        source,
        rate=rate,
        size=shown.picture if shown else (target.width, target.height),
        start_seconds=clip.start_seconds,
        end_seconds=clip.end_seconds,
        deinterlace=deinterlace,
    ) as frames:
        for frame in frames:
            pixels = frame.pixels
            if track and shown:
                pixels = track.crop(pixels, shown.window, frame.seconds)
            if labels is not None:
                pixels = draw_labels(pixels, _captions(clip, frame.seconds, labels))
            writer.write(pixels)
            count += 1
    return count


def _captions(
    clip: Clip, seconds: float, labels: LabelSet
) -> list[tuple[str, tuple[int, int, int]]]:
    """The captions at a time: each event from one second before to three seconds after it, below
    the title of the clip during its first seconds."""
    near = [e for e in clip.events if e.seconds - 1 <= seconds <= e.seconds + 3]
    names = dict.fromkeys(event.label for event in near)
    lines = [(name, class_colour(labels, name)) for name in names]
    if clip.title and clip.title not in names and seconds < clip.start_seconds + _TITLE_SECONDS:
        lines.insert(0, (clip.title, _TITLE_COLOUR))
    return lines


def clip_sound(
    info: VideoInfo, start_seconds: float, samples: int, track: int | None = None
) -> Iterator[FloatArray]:
    """Exactly ``samples`` samples of mono audio from a time on, faded at both ends.

    After the end of the file's audio there is silence.

    Raises:
        MediaError: the audio cannot be read.
    """
    fade = int(_FADE_SECONDS * AUDIO_RATE)
    sent = 0
    if info.has_audio:
        end_seconds = start_seconds + samples / AUDIO_RATE
        sound = read_audio(
            info.path,
            AUDIO_RATE,
            start_seconds=start_seconds,
            end_seconds=end_seconds,
            track=track,
        )
        for chunk in sound:
            chunk = chunk[: samples - sent]
            at = sent + np.arange(len(chunk))
            gain = np.minimum(np.minimum(at, samples - 1 - at) / fade, 1.0)
            yield (chunk * gain).astype(np.float32)
            sent += len(chunk)
    if sent < samples:
        yield np.zeros(samples - sent, np.float32)
