"""What is drawn into the pictures of a reel, and where."""

from dataclasses import dataclass
from fractions import Fraction

from touchline.colours import class_colour
from touchline.editing.overlay import Pixels, Rgb, draw_labels
from touchline.labels import LabelSet, label_set_of
from touchline.reel import Clip, Reel

TITLE_SECONDS = 4
BEFORE_SECONDS = 1
AFTER_SECONDS = 3
"""How long the caption of an event is shown before and after it."""

_TITLE_COLOUR = (240, 240, 240)


@dataclass(frozen=True)
class Graphics:
    """What is drawn into a reel.

    Attributes:
        labels: classes of the captions of events; None for no captions.
    """

    labels: LabelSet | None = None

    @classmethod
    def of(cls, reel: Reel, *, labels: bool) -> "Graphics":
        """What is drawn into a reel with or without the captions of its events."""
        names = tuple(dict.fromkeys(event.label for clip in reel for event in clip.events))
        return cls(label_set_of(names or ("-",)) if labels else None)

    def stretches(self, clip: Clip) -> list[tuple[Fraction, Fraction]]:
        """The stretches [start, end) of a clip's video in which something is drawn."""
        found = []
        if self.labels is not None:
            found += [
                (e.seconds - BEFORE_SECONDS, e.seconds + AFTER_SECONDS + 1e-6) for e in clip.events
            ]
            if clip.title:
                found.append((clip.start_seconds - 1, clip.start_seconds + TITLE_SECONDS))
        return [(Fraction(start), Fraction(end)) for start, end in found]

    def cover(self, reel: Reel) -> bool:
        """Whether something is drawn into any clip."""
        return any(self.stretches(clip) for clip in reel)

    def draw(self, pixels: Pixels, clip: Clip, seconds: float) -> Pixels:
        """The picture of a clip at a time with what is drawn into it."""
        if self.labels is None:
            return pixels
        return draw_labels(pixels, self._captions(clip, seconds, self.labels))

    def _captions(self, clip: Clip, seconds: float, labels: LabelSet) -> list[tuple[str, Rgb]]:
        """The captions at a time: those of events near it, below the title of the clip during its
        first seconds."""
        near = [
            event
            for event in clip.events
            if event.seconds - BEFORE_SECONDS <= seconds <= event.seconds + AFTER_SECONDS
        ]
        names = dict.fromkeys(event.label for event in near)
        lines = [(name, class_colour(labels, name)) for name in names]
        if clip.title and clip.title not in names and seconds < clip.start_seconds + TITLE_SECONDS:
            lines.insert(0, (clip.title, _TITLE_COLOUR))
        return lines
