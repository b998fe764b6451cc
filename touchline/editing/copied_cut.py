"""Cutting a reel by copying: groups of pictures stay as they are, borders are encoded anew."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.error import FFmpegError

from touchline.editing.finish import OUTRO_SECONDS
from touchline.editing.overlay import Pixels
from touchline.editing.sound import AUDIO_RATE, HeardClip, ReelSound
from touchline.errors import MediaError
from touchline.media.border_encoder import BorderEncoder
from touchline.media.gops import ClipPlan, CodedFile, Coding, coding_of, plan_clip
from touchline.media.painting import still_frames
from touchline.media.splicing import (
    Painter,
    ParameterSets,
    Run,
    SplicedWriter,
    runs_of,
    sets_of,
)
from touchline.media.video import VideoInfo
from touchline.reel import Clip
from touchline.runtime.progress import Progress

LEAST_COPIED_SHARE = 0.1
"""Where less can be copied, all is encoded: one quality, key frames at even distances; but not
pictures of high dynamic range, which that would tone-map."""

Stretches = Sequence[tuple[Fraction, Fraction]]


@dataclass(frozen=True)
class CopiedReel:
    """How the clips of a reel are copied.

    Attributes:
        coding: of the first clip's video; the others are alike.
        plans: one for each clip.
    """

    coding: Coding
    plans: tuple[ClipPlan, ...]

    def heard(self, infos: Sequence[VideoInfo]) -> list[HeardClip]:
        """What is heard of each clip: from its first picture to the end of its last."""
        return [
            HeardClip(
                info,
                plan.coding.seconds(plan.first),
                (plan.end - plan.first) * plan.coding.time_base,
            )
            for plan, info in zip(self.plans, infos, strict=True)
        ]

    @property
    def copied_share(self) -> float:
        """Share of the reel that is copied."""
        whole = sum(float((p.end - p.first) * p.coding.time_base) for p in self.plans)
        return sum(plan.copied_seconds for plan in self.plans) / whole


def plan_copies(
    clips: Sequence[Clip],
    sources: Sequence[Path],
    drawn: Callable[[Clip], Stretches],
    keep_hdr: bool,
    adds_pictures: bool = False,
) -> CopiedReel | str:
    """How a reel is cut by copying; or why it cannot be, in words.

    Args:
        sources: the video of each clip.
        adds_pictures: whether pictures of our own are among those of the videos.
        drawn: the stretches of a clip's video that are drawn on.

    Raises:
        MediaError: a video cannot be read.
    """
    codings: dict[Path, Coding] = {}
    for path in dict.fromkeys(sources):
        coding = coding_of(path)
        if isinstance(coding, str):
            return f"{path.name}: {coding}"
        if coding.hdr is not None and not keep_hdr:
            return f"{path.name}: it is HDR and tone-mapped"
        if (adds_pictures or any(map(drawn, clips))) and not coding.is_upright:
            return f"{path.name}: it is drawn on, and turned or stretched for display"
        codings[path] = coding
    first = codings[sources[0]]
    other = next((path for path, coding in codings.items() if not coding.fits(first)), None)
    if other is not None:
        return f"{other.name}: it is coded otherwise than {sources[0].name}"
    plans = []
    with ExitStack() as stack:
        files = {path: stack.enter_context(CodedFile(path)) for path in codings}
        for clip, path in zip(clips, sources, strict=True):
            span = Fraction(clip.start_seconds), Fraction(clip.end_seconds)
            plan = plan_clip(files[path], codings[path], *span, drawn(clip))
            if isinstance(plan, str):
                return f"{path.name}: {plan}"
            plans.append(plan)
    found = CopiedReel(first, tuple(plans))
    if found.copied_share < LEAST_COPIED_SHARE and first.hdr is None:
        return _too_little(found, sources)
    return found


def _too_little(found: CopiedReel, sources: Sequence[Path]) -> str:
    for plan, path in zip(found.plans, sources, strict=True):
        keys = [picture for picture in plan.pictures[1:] if picture.is_key]
        if keys and not any(key.is_fresh for key in keys):
            return f"{path.name}: pictures refer across its key frames (open groups)"
    return f"{sources[0].name}: too few key frames lie inside the clips"


def write_copies(
    reel: CopiedReel,
    path: Path,
    *,
    painters: Sequence[Painter | None],
    sound: ReelSound | None,
    outro: Pixels | None = None,
    comment: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a reel by copying.

    Args:
        painters: what draws on the pictures of each clip that are drawn on.
        sound: of the clips; None for a silent reel.
        outro: a picture (height, width, 3) with which the reel ends.

    Raises:
        MediaError: a picture cannot be decoded or encoded, or the file cannot be written.
    """
    sets = ParameterSets(reel.coding.codec)
    for plan in reel.plans:
        sets.add(sets_of(plan))
    with _failures(reel.coding.path), ExitStack() as stack:
        border = BorderEncoder(reel.coding, sets.free_number or 0)
        if outro is not None or any(p.copied is None for plan in reel.plans for p in plan.pieces):
            sets.add(border.sets)
        writer = stack.enter_context(
            SplicedWriter(
                path,
                reel.coding,
                sets,
                reorder_seconds=max(plan.reorder * plan.coding.time_base for plan in reel.plans),
                audio_rate=None if sound is None else AUDIO_RATE,
                audio_channels=2 if sound is None else sound.channels,
                comment=comment,
            )
        )
        paths = dict.fromkeys(plan.coding.path for plan in reel.plans)
        files = {path: stack.enter_context(CodedFile(path)) for path in paths}
        for number, (plan, paint) in enumerate(zip(reel.plans, painters, strict=True)):
            before = writer.samples_due
            for run in runs_of(plan, files[plan.coding.path], border, paint):
                writer.write(run, plan.coding.time_base)
            if sound is not None:
                start = plan.coding.seconds(plan.first)
                for block in sound.of(number, start, writer.samples_due - before):
                    writer.write_sound(block)
            if progress is not None:
                progress((number + 1) / len(reel.plans))
        if outro is not None:
            before = writer.samples_due
            stills = still_frames(outro, reel.coding, round(OUTRO_SECONDS * reel.coding.rate))
            pictures = list(border.encode(stills))
            end = len(pictures) * reel.coding.period
            writer.write(Run(pictures, end, border.sets), reel.coding.time_base)
            for block in () if sound is None else sound.silence(writer.samples_due - before):
                writer.write_sound(block)
        for block in () if sound is None else sound.finish():
            writer.write_sound(block)


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    """Turn what an encoder refuses into a MediaError."""
    try:
        yield
    except FFmpegError as error:
        raise MediaError(
            f"cannot be cut by copying ({error.strerror or error})",
            where=path,
            remedy="encode it anew: --cut encode",
        ) from error
