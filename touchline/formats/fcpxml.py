"""Final Cut Pro XML 1.10 of reels, also read by DaVinci Resolve; times are exact fractions."""

import re
from fractions import Fraction

from touchline.formats.base import EVENT_FIELDS, Content, Format, Options, SourceFile, only_reel
from touchline.formats.edit_lists import (
    build_reel,
    clip_caption,
    clip_from_metadata,
    clip_without_metadata,
    frame_range,
    metadata_text,
    require_rate,
    video_name_from_url,
    video_url,
)
from touchline.formats.markup import Element, child, mentions, new_root, parse_xml, xml_bytes
from touchline.match_state import event_title
from touchline.reel import Clip, Reel
from touchline.timebase import drops_frames

VERSION = "1.10"

_METADATA = "org.touchline.clip"
_TIME = re.compile(r"\s*(-?\d{1,18})(?:/(\d{1,18}))?s\s*")
_DECIMAL_TIME = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)s\s*")


def read_fcpxml(source: SourceFile) -> Reel:
    """Read the clips of the first project's main storyline.

    Raises:
        FormatError: not FCPXML, a clip whose asset is missing, or an invalid time.
    """
    root = parse_xml(source, "fcpxml")
    if root.tag != "fcpxml":
        raise source.error("the root element is not <fcpxml>")
    assets = {asset.get("id"): asset for asset in root.iter("asset")}
    spine = next(root.iter("spine"), None)
    if spine is None:
        raise source.error("there is no <spine> with clips")
    clips = []
    for number, element in enumerate(spine, start=1):
        if element.tag not in ("asset-clip", "clip", "video"):
            continue
        place = f"clip {number}"
        inside = element.find(".//video") if element.tag == "clip" else element
        asset = assets.get(None if inside is None else inside.get("ref"))
        if asset is None:
            raise source.error("its asset is not among the resources", place)
        clips.append(_clip(source, place, element, asset))
    return build_reel(source, clips)


def write_fcpxml(content: Content, options: Options) -> bytes:
    """Write one project: an asset for each video, a clip with markers for each cut.

    Raises:
        FormatError: not a reel, or no frame rate.
    """
    reel = only_reel(content, "FCPXML")
    rate = require_rate(reel, options, "FCPXML")
    root = new_root("fcpxml", version=VERSION)
    resources = child(root, "resources")
    child(resources, "format", id="r1", frameDuration=_time(1, rate))
    assets = _write_assets(resources, reel, rate, options)
    frames = [frame_range(clip, rate) for clip in reel]
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
            name=clip_caption(clip),
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
                    value=event_title(event, clip.half),
                )
        child(child(element, "metadata"), "md", key=_METADATA, value=metadata_text(clip))
        at += after - first
    return xml_bytes(root, "fcpxml")


def _write_assets(
    resources: Element, reel: Reel, rate: Fraction, options: Options
) -> dict[tuple[str, int | None], str]:
    """Write an asset for each video; returns the asset id by video and half."""
    ends: dict[tuple[str, int | None], int] = {}
    addresses: dict[tuple[str, int | None], str] = {}
    for clip in reel:
        key = (clip.video, clip.half)
        ends[key] = max(ends.get(key, 0), frame_range(clip, rate)[1])
        addresses[key] = video_url(clip, options)
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


def _clip(source: SourceFile, place: str, element: Element, asset: Element) -> Clip:
    origin = _seconds(source, place, asset.get("start", "0s"))
    start = _seconds(source, place, element.get("start", asset.get("start", "0s"))) - origin
    end = start + _seconds(source, place, element.get("duration", ""))
    for item in element.findall("./metadata/md"):
        if item.get("key") == _METADATA:
            metadata = item.get("value", "")
            return clip_from_metadata(source, place, metadata, float(start), float(end))
    representation = asset.find("media-rep")
    address = asset.get("src") if representation is None else representation.get("src")
    name = video_name_from_url(address) if address else asset.get("name") or "video"
    return clip_without_metadata(
        source, place, name, float(start), float(end), element.get("name", "")
    )


def _time(frames: int, rate: Fraction) -> str:
    """A number of frames as an FCPXML time: ``1001/30000s``, whole seconds as ``5s``."""
    seconds = frames / rate
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _seconds(source: SourceFile, place: str, text: str) -> Fraction:
    if found := _TIME.fullmatch(text):
        if int(found[2] or 1):
            return Fraction(int(found[1]), int(found[2] or 1))
    elif found := _DECIMAL_TIME.fullmatch(text):
        return Fraction(found[1])
    raise source.error(f"{text[:40]!r} is not a time", place, "write 1001/30000s")


def _sniff(source: SourceFile) -> bool:
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
