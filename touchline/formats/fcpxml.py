"""Final Cut Pro XML 1.10 of reels, which DaVinci Resolve reads too; times are exact fractions."""

import re
from fractions import Fraction

from touchline.formats.base import EVENT_FIELDS, Format, Options, Source, Thing, only_reel
from touchline.formats.edit_lists import (
    address_of,
    clip_of_note,
    frames_of,
    name_in_address,
    note_of,
    plain_clip,
    rate_of_reel,
    reel_of,
    title_of,
)
from touchline.formats.markup import Element, child, mentions, new_root, parse_xml, xml_bytes
from touchline.reel import Clip, Reel
from touchline.timebase import drops_frames

VERSION = "1.10"

_NOTE = "org.touchline.clip"
_TIME = re.compile(r"\s*(-?\d{1,18})(?:/(\d{1,18}))?s\s*")
_DECIMAL_TIME = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)s\s*")


def read_fcpxml(source: Source) -> Reel:
    """Read the clips of the first project's main storyline.

    Raises:
        FormatError: no such XML, a clip of an asset that is not there, or a time that is none.
    """
    root = parse_xml(source, "fcpxml")
    if root.tag != "fcpxml":
        raise source.fault("this XML is no <fcpxml>")
    assets = {asset.get("id"): asset for asset in root.iter("asset")}
    spine = next(root.iter("spine"), None)
    if spine is None:
        raise source.fault("there is no <spine> to read clips from")
    clips = []
    for number, element in enumerate(spine, start=1):
        if element.tag not in ("asset-clip", "clip", "video"):
            continue
        place = f"clip {number}"
        inside = element.find(".//video") if element.tag == "clip" else element
        asset = assets.get(None if inside is None else inside.get("ref"))
        if asset is None:
            raise source.fault("its asset is not among the resources", place)
        clips.append(_clip(source, place, element, asset))
    return reel_of(source, clips)


def write_fcpxml(thing: Thing, options: Options) -> bytes:
    """Write one project: an asset per video, a clip and its markers per cut.

    Raises:
        FormatError: not a reel, or no frame rate.
    """
    reel = only_reel(thing, "FCPXML")
    rate = rate_of_reel(options, "FCPXML")
    root = new_root("fcpxml", version=VERSION)
    resources = child(root, "resources")
    child(resources, "format", id="r1", frameDuration=_time(1, rate))
    assets = _write_assets(resources, reel, rate, options)
    frames = [frames_of(clip, rate) for clip in reel]
    library = child(root, "library")
    project = child(child(library, "event", name=options.title), "project", name=options.title)
    total = sum(after - first for first, after in frames)
    sequence = child(
        project,
        "sequence",
        format="r1",
        duration=_time(total, rate),
        tcStart="0s",
        tcFormat="DF" if drops_frames(rate) and options.drop_frame is not False else "NDF",
    )
    spine = child(sequence, "spine")
    at = 0
    for clip, (first, after) in zip(reel, frames, strict=True):
        element = child(
            spine,
            "asset-clip",
            ref=assets[clip.video, clip.half],
            name=title_of(clip),
            offset=_time(at, rate),
            start=_time(first, rate),
            duration=_time(after - first, rate),
        )
        for event in clip.events:
            marked = round(Fraction(event.seconds) * rate)
            if first <= marked < after:
                child(
                    element,
                    "marker",
                    start=_time(marked, rate),
                    duration=_time(1, rate),
                    value=event.label,
                )
        child(child(element, "metadata"), "md", key=_NOTE, value=note_of(clip))
        at += after - first
    return xml_bytes(root, "fcpxml")


def _write_assets(
    resources: Element, reel: Reel, rate: Fraction, options: Options
) -> dict[tuple[str, int | None], str]:
    """An asset for each video; which one a clip refers to, by its video and half."""
    ends: dict[tuple[str, int | None], int] = {}
    addresses: dict[tuple[str, int | None], str] = {}
    for clip in reel:
        key = (clip.video, clip.half)
        ends[key] = max(ends.get(key, 0), frames_of(clip, rate)[1])
        addresses[key] = address_of(clip, options)
    names = {key: f"r{number}" for number, key in enumerate(ends, start=2)}
    for key, end in ends.items():
        asset = child(
            resources,
            "asset",
            id=names[key],
            name=re.split(r"[/\\]", key[0])[-1],
            start="0s",
            duration=_time(end, rate),
            hasVideo="1",
            hasAudio="1",
            format="r1",
        )
        child(asset, "media-rep", kind="original-media", src=addresses[key])
    return names


def _clip(source: Source, place: str, element: Element, asset: Element) -> Clip:
    origin = _seconds(source, place, asset.get("start", "0s"))
    start = _seconds(source, place, element.get("start", asset.get("start", "0s"))) - origin
    end = start + _seconds(source, place, element.get("duration", ""))
    for item in element.findall("./metadata/md"):
        if item.get("key") == _NOTE:
            note = item.get("value", "")
            return clip_of_note(source, place, note, float(start), float(end))
    representation = asset.find("media-rep")
    address = asset.get("src") if representation is None else representation.get("src")
    name = name_in_address(address) if address else asset.get("name") or "video"
    return plain_clip(source, place, name, float(start), float(end), element.get("name", ""))


def _time(frames: int, rate: Fraction) -> str:
    """A number of frames as FCPXML's seconds: ``1001/30000s``, whole seconds as ``5s``."""
    seconds = frames / rate
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _seconds(source: Source, place: str, text: str) -> Fraction:
    if found := _TIME.fullmatch(text):
        if int(found[2] or 1):
            return Fraction(int(found[1]), int(found[2] or 1))
    elif found := _DECIMAL_TIME.fullmatch(text):
        return Fraction(found[1])
    raise source.fault(f"{text[:40]!r} is not a time", place, "write 1001/30000s")


def _sniff(source: Source) -> bool:
    return mentions(source, b"<fcpxml")


FORMAT = Format(
    "fcpxml",
    (".fcpxml",),
    "Final Cut Pro XML, also for DaVinci Resolve",
    EVENT_FIELDS,
    read_fcpxml,
    write_fcpxml,
    _sniff,
    kinds=frozenset({"reel"}),
)
