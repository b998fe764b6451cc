"""A recording, or a still picture, read whole: where the parts of a broadcast's reading meet."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from touchline.broadcast import ocr
from touchline.broadcast.bug_decoding import ScoreBugResult
from touchline.broadcast.bug_text import BugText
from touchline.broadcast.goal_evidence import evidence_of
from touchline.broadcast.goals import Evidence
from touchline.broadcast.one_pass import PassReport, PictureObserver, SoundObserver, observe
from touchline.broadcast.result import Broadcast, Bug, Curve, Moment, Span
from touchline.broadcast.score_bug import RATE, ScoreBugObserver
from touchline.broadcast.signals import SignalReader, Signals
from touchline.broadcast.still_bug import read_still
from touchline.broadcast.stills import read_picture
from touchline.errors import FormatError
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.video import VideoInfo, probe
from touchline.media.views import View

MAX_WIDTH = 1920
"""Larger pictures are made smaller before a bug is looked for."""

_NOT_KEPT = "_reader"
"""The networks that read text: they have no state."""

WITHOUT_OCR = "the score was not read: pip install 'touchline[broadcast]' would"


class BroadcastReader:
    """What looks at and listens to a recording in one pass, and what it says at the end.

    Without rapidocr it reads sound, cuts and replays only.

    Args:
        info: what the file says of itself.
        threads: processor threads of each part.

    Attributes:
        pictures: who looks at what, for `touchline.broadcast.one_pass`.
        sounds: who listens.
    """

    def __init__(self, info: VideoInfo, *, threads: int | None = None) -> None:
        self._signals = SignalReader()
        self._bug: ScoreBugObserver | None = None
        self.pictures: tuple[tuple[View, PictureObserver], ...] = self._signals.pictures
        self.sounds: tuple[SoundObserver, ...] = self._signals.sounds
        if ocr.is_installed():
            self._bug = ScoreBugObserver(ocr.TextReader(threads))
            self.pictures = (*self.pictures, (_bug_view(info), self._bug))

    def kept(self) -> dict[str, dict[str, object]]:
        """What those who look have gathered so far, for `touchline.runtime.snapshots`.

        Not what is heard: a network that tells speech does not give its state away.
        """
        return {name: _fields(one) for name, one in self._looking.items()}

    def go_on(self, kept: Mapping[str, Mapping[str, object]]) -> None:
        """Take over what those who look had gathered in an earlier pass.

        Raises:
            FormatError: it is of other observers.
        """
        looking = self._looking
        for name, one in looking.items():
            if kept.keys() != looking.keys() or kept[name].keys() != _fields(one).keys():
                raise FormatError("what was kept of a pass is of other observers")
        for name, one in looking.items():
            vars(one).update(kept[name])

    @property
    def _looking(self) -> dict[str, object]:
        bug = {} if self._bug is None else {"bug": self._bug}
        return {**self._signals.looking, **bug}

    def finish(self, report: PassReport, evidence: Sequence[Evidence] = ()) -> Broadcast:
        """All that the recording says, after the pass.

        Args:
            report: of the pass.
            evidence: of the moments of goals from elsewhere, such as a network, which is added
                to that of sound and replays.
        """
        if self._bug is not None:  # first, so that never all of the memory is needed at once
            self._bug.end(report.seconds)
        signals = self._signals.finish(report.seconds, report.sound_end_seconds is not None)
        remarks = list(report.notes)
        if signals.sound is not None and signals.sound.is_silent:
            remarks.append("the sound is silent")
        said: ScoreBugResult | None = None
        if self._bug is None:
            remarks.append(WITHOUT_OCR)
        else:
            said = self._bug.finish([*evidence, *evidence_of(signals)], report.seconds)
            remarks.extend(said.remarks)
        return _broadcast(report, said, signals, tuple(remarks))


def _fields(observer: object) -> dict[str, object]:
    return {name: value for name, value in vars(observer).items() if name != _NOT_KEPT}


def _bug_view(info: VideoInfo) -> View:
    scale = min(1.0, MAX_WIDTH / info.width)
    size = None if scale == 1.0 else (MAX_WIDTH, max(1, round(info.height * scale)))
    return View(size, Fraction(RATE))


def _broadcast(
    report: PassReport, said: ScoreBugResult | None, signals: Signals, remarks: tuple[str, ...]
) -> Broadcast:
    curve = signals.excitement
    whistles = () if signals.sound is None else signals.sound.whistles
    return Broadcast(
        report.info.path.name,
        report.seconds,
        teams=None if said is None else said.teams,
        halves=None if said is None else said.halves,
        readings=None if said is None else said.readings,
        goals=None if said is None else said.goals,
        replays=tuple(Span(r.start_seconds, r.end_seconds) for r in signals.replays),
        cuts_seconds=tuple(cut.seconds for cut in signals.cuts),
        whistles=tuple(Moment(one.seconds, one.confidence) for one in whistles),
        excitement=Curve(curve.rate, tuple(float(value) for value in curve.values)),
        moments=tuple(Moment(one.seconds, one.value, one.reason) for one in curve.moments),
        has_sound=signals.sound is not None and not signals.sound.is_silent,
        remarks=remarks,
        bug_box=None if said is None else said.box,
    )


def read_recording(
    video: str | Path,
    *,
    progress: Callable[[float, float], None] | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Broadcast:
    """Read a recording in one pass and in constant memory.

    Args:
        video: file to read.
        progress: called with the seconds done and the stated length; may raise to stop.
        threads: processor threads of each part.
        limits: bounds on what is read.

    Raises:
        MediaError: the file cannot be opened, or has no picture that can be decoded.
    """
    reader = BroadcastReader(probe(video, limits), threads=threads)
    report = observe(
        video, reader.pictures, reader.sounds, progress=progress, threads=threads, limits=limits
    )
    return reader.finish(report)


def read_still_file(path: str | Path, threads: int | None = None) -> Bug | None:
    """What the score bug of a still picture says; None where there is none.

    Raises:
        MediaError: the file is no picture, or is damaged.
        MissingExtraError: no text can be read here.
    """
    picture = read_picture(path)
    said = read_still(picture, ocr.TextReader(threads))
    return None if said is None else bug_of(said)


def bug_of(said: BugText) -> Bug:
    """A reading of a bug as it is reported."""
    box = said.box
    named = said.home is not None and said.away is not None
    return Bug(
        (box.left, box.top, box.right, box.bottom),
        (said.home, said.away) if named else None,
        said.score,
        said.match_seconds,
        said.added_minutes,
        said.half,
        said.aggregate,
        said.confidence,
    )
