"""XML of Premiere and Final Cut Pro 7 (``xmeml``), only read: what the first sequence shows.

Times are whole frames: those of a track count at the rate of its sequence, ``in`` and ``out`` of a
clip at the rate of the clip, from the first frame of its file.
"""

import re
from fractions import Fraction

from touchline.formats.base import EVENT_FIELDS, Format, SourceFile
from touchline.formats.edit_lists import video_name_from_url
from touchline.formats.left_out import LeftOut
from touchline.formats.markup import Element, mentions, parse_xml
from touchline.formats.sequences import (
    MAX_NESTING,
    Marker,
    Part,
    Shot,
    reel_of,
    stacked,
    too_large,
)
from touchline.reel import Reel

_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,12})?")
_DEFAULT_BASE = "30"
_UNKNOWN = -1
"""What stands for an end of a clip that a transition covers."""


def read_xmeml(source: SourceFile) -> Reel:
    """Read what the first sequence shows: an upper track covers those below it.

    Nested sequences are flattened, markers become events, and what has no video is named in the
    warnings.

    Raises:
        FormatError: not such XML, no sequence, or a time that is no number of frames.
    """
    root = parse_xml(source, "xmeml")
    if root.tag != "xmeml":
        raise source.error("the root element is not <xmeml>")
    inside = {id(nested) for clip in root.iter("clipitem") for nested in clip.iter("sequence")}
    sequences = [found for found in root.iter("sequence") if id(found) not in inside]
    if not sequences:
        raise source.error("there is no <sequence> in it", remedy="export a sequence")
    reader = _Reader(source, root)
    for other in sequences[1:]:
        reader.left_out.add("other sequence", _text(other, "name"))
    part, length = reader.sequence(sequences[0])
    return reel_of(source, part, reader.left_out, (Fraction(0), length))


class _Reader:
    """Reads what elements show, in time from their own start."""

    def __init__(self, source: SourceFile, root: Element) -> None:
        self._source = source
        self.left_out = LeftOut()
        self._files = _whole(root, "file")
        self._sequences = _whole(root, "sequence")
        self._depth = 0

    def sequence(self, sequence: Element) -> tuple[Part, Fraction]:
        """What a sequence shows, and its length."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise too_large(self._source)
        rate = self._rate(sequence, None)
        layers = []
        for track in sequence.findall("./media/video/track"):
            if _text(track, "enabled").upper() == "FALSE":
                self.left_out.add("disabled track")
                continue
            layers.append(self._track(track, rate))
        part = stacked(layers, self._source).marked(self._markers(sequence, rate))
        self._depth -= 1
        length = self._frames(sequence, "duration", 0) / rate
        return part, max([length, *(shot.until for shot in part.shots)])

    def _track(self, track: Element, rate: Fraction) -> Part:
        layer = Part()
        before: Element | None = None
        for item in track:
            name = _text(item, "name")
            if item.tag == "transitionitem":
                self.left_out.add("transition", name)
            elif item.tag == "generatoritem":
                self.left_out.add("generator", name)
            elif item.tag == "clipitem":
                part = self._clip(item, before, rate)
                layer.shots.extend(part.shots)
                layer.markers.extend(part.markers)
            before = item
        return layer

    def _clip(self, item: Element, before: Element | None, rate: Fraction) -> Part:
        """What a clip shows, at its place in the sequence."""
        name = _text(item, "name")
        if _text(item, "enabled").upper() == "FALSE":
            self.left_out.add("disabled clip", name)
            return Part()
        own = self._rate(item, rate)
        first, after = (self._frames(item, key, 0) / own for key in ("in", "out"))
        at = self._placed(item, before, rate, after - first)
        shown = self._shown(item, name, after, own)
        if shown is None:
            return Part()
        part = shown.marked(self._markers(item, own)).between(first, after)
        if after <= first or not part.shots:
            self.left_out.add("clip without length", name)
        speed = self._speed(item)
        if not speed:
            self.left_out.add("freeze frame", name)
            return Part()
        if speed != 1:
            # In and out of a retimed clip count its own frames, not those of the file.
            whole = shown.between(first * speed, after * speed).moved(-first * speed)
            return whole.faster(speed).moved(at)
        return part.moved(at - first)

    def _placed(
        self, item: Element, before: Element | None, rate: Fraction, seconds: Fraction
    ) -> Fraction:
        """The time in the sequence at which a clip begins."""
        start, end = self._frames(item, "start", 0), self._frames(item, "end", 0)
        if start != _UNKNOWN:
            return start / rate
        if end != _UNKNOWN:
            return end / rate - seconds
        return Fraction(0) if before is None else self._frames(before, "start", 0) / rate

    def _shown(self, item: Element, name: str, end: Fraction, rate: Fraction) -> Part | None:
        """All that a clip can show, from the first frame of its file on."""
        nested = item.find("sequence")
        if nested is not None:
            return self.sequence(self._sequences.get(nested.get("id"), nested))[0]
        if item.find("multiclip") is not None:
            self.left_out.add("multicam clip", name)
            return None
        file = item.find("file")
        if file is None:
            self.left_out.add("clip without a file", name)
            return None
        file = self._files.get(file.get("id"), file)
        address = _text(file, "pathurl").replace("file://localhost/", "file:///", 1)
        video = video_name_from_url(address) if address else _text(file, "name") or name or "video"
        reach = max(self._frames(item, "duration", 0) / rate, end)
        shot = Shot(Fraction(0), reach, Fraction(0), video, name, place=f"clip {name[:60]!r}")
        return Part([shot] if reach > 0 else [])

    def _speed(self, item: Element) -> Fraction:
        for effect in item.findall("./filter/effect"):
            if _text(effect, "effectid") != "timeremap":
                continue
            for parameter in effect.findall("parameter"):
                if _text(parameter, "parameterid") == "speed":
                    return abs(self._number(parameter, "value", "100")) / 100
        return Fraction(1)

    def _markers(self, holder: Element, rate: Fraction) -> list[Marker]:
        return [
            (
                self._frames(marker, "in", 0) / rate,
                _text(marker, "name") or _text(marker, "comment"),
            )
            for marker in holder.findall("marker")
        ]

    def _rate(self, element: Element, default: Fraction | None) -> Fraction:
        rate = element.find("rate")
        if rate is None and default is not None:
            return default
        base = self._number(element if rate is None else rate, "timebase", _DEFAULT_BASE)
        if base <= 0:
            raise self._source.error(f"a <timebase> of {base}", _place(element))
        is_ntsc = rate is not None and _text(rate, "ntsc").upper() == "TRUE"
        return base * Fraction(1000, 1001) if is_ntsc else base

    def _frames(self, element: Element, name: str, default: int) -> Fraction:
        return self._number(element, name, str(default))

    def _number(self, element: Element, name: str, default: str) -> Fraction:
        text = _text(element, name) or default
        if _NUMBER.fullmatch(text):
            return Fraction(text)
        raise self._source.error(f"<{name}> is {text[:40]!r}, not a number", _place(element))


def _whole(root: Element, tag: str) -> dict[str | None, Element]:
    """Elements by their id: the one with content, to which empty ones of the same id refer."""
    return {item.get("id"): item for item in reversed(list(root.iter(tag))) if len(item)}


def _text(element: Element, name: str) -> str:
    found = element.find(name)
    return "" if found is None else (found.text or "").strip()


def _place(element: Element) -> str:
    return f"<{element.tag}> {_text(element, 'name')[:60]!r}"


FORMAT = Format(
    "xmeml",
    (".xml",),
    "XML of Premiere and Final Cut Pro 7",
    EVENT_FIELDS,
    read_xmeml,
    None,
    lambda source: mentions(source, b"<xmeml"),
    kinds=frozenset({"reel"}),
)
