"""Everything that picture and sound say besides the score bug, put together from one pass."""

from dataclasses import dataclass

from touchline.broadcast.cuts import APART_SECONDS, Cut, CutFinder
from touchline.broadcast.excitement import Excitement, excitement
from touchline.broadcast.one_pass import THUMBNAIL, PictureObserver
from touchline.broadcast.replays import ShownReplay, replays_between
from touchline.broadcast.shots import Shot, ShotClassifier
from touchline.broadcast.sound import SoundListener, SoundTrack
from touchline.broadcast.speech import SpeechDetector
from touchline.broadcast.wipes import Wipe, WipeFinder
from touchline.media.views import View


@dataclass(frozen=True, eq=False)
class Signals:
    """What a recording says by its picture and sound.

    Attributes:
        cuts: changes of shot, wipes among them, in order of time.
        wipes: occurrences of the broadcaster's own animation.
        replays: what lies between wipes.
        shots: what is shown from one cut to the next.
        sound: None where the recording has none.
        excitement: the curve and its peaks.
    """

    cuts: tuple[Cut, ...]
    wipes: tuple[Wipe, ...]
    replays: tuple[ShownReplay, ...]
    shots: tuple[Shot, ...]
    sound: SoundTrack | None
    excitement: Excitement


class SignalReader:
    """The observers of a pass, and what they say together at its end.

    Args:
        detector: what tells speech; the best that is installed if None.

    Attributes:
        pictures: who looks at what, for `touchline.broadcast.one_pass.observe`.
        sounds: who listens.
    """

    def __init__(self, detector: SpeechDetector | None = None) -> None:
        self._cuts = CutFinder()
        self._wipes = WipeFinder()
        self._shots = ShotClassifier()
        self._sound = SoundListener(detector)
        self.pictures: tuple[tuple[View, PictureObserver], ...] = (
            (THUMBNAIL, self._cuts),
            (THUMBNAIL, self._wipes),
            (THUMBNAIL, self._shots),
        )
        self.sounds = (self._sound,)

    @property
    def looking(self) -> dict[str, object]:
        """Those who look, by name: all that a later pass needs of them, besides the sound."""
        return {"cuts": self._cuts, "wipes": self._wipes, "shots": self._shots}

    def finish(self, duration_seconds: float, has_sound: bool = True) -> Signals:
        """All signals, after the last picture and sound.

        Args:
            duration_seconds: length of the recording.
            has_sound: whether it has sound.
        """
        wipes = self._wipes.finish()
        cuts = with_wipes(self._cuts.finish(), wipes)
        shots = self._shots.finish(cuts, duration_seconds)
        looks = [(s.start_seconds, s.end_seconds) for s in shots if s.kind == "wide"]
        replays = replays_between(wipes, looks)
        sound = self._sound.finish() if has_sound else None
        curve = excitement(duration_seconds, sound, replays, shots)
        return Signals(cuts, wipes, replays, shots, sound, curve)


def with_wipes(cuts: tuple[Cut, ...], wipes: tuple[Wipe, ...]) -> tuple[Cut, ...]:
    """Cuts with the wipes among them; what seemed to be cuts within a wipe is part of it."""
    spans = [
        (
            min(wipe.start_seconds, wipe.seconds - APART_SECONDS),
            max(wipe.end_seconds, wipe.seconds + APART_SECONDS),
        )
        for wipe in wipes
    ]
    free = [c for c in cuts if not any(start <= c.seconds <= end for start, end in spans)]
    own = [Cut(wipe.seconds, "wipe", wipe.confidence) for wipe in wipes]
    return tuple(sorted([*free, *own]))
