"""Time cutting a reel by copying against encoding the same clips anew, from one file in one run.

Twenty simulated seconds are encoded with key frames every 2 s and every 10 s, and their coded
pictures and sound are repeated to 45 minutes of 1280x720. A reel of 3 minutes is cut from each,
once with `--cut encode` (the floor) and once copied, and its pictures are compared with those of
the source: copied ones to the bit, encoded ones by their signal-to-noise ratio. Its sound is looked
for in the source's at both ends and in the middle of every clip. Prints one JSON line for each
distance of key frames.

    python benchmarks/cutting.py [--minutes 45] [--seconds 180] [--clips 14] [--repeats 3] \\
        [--key-frames 2 10]
"""

import argparse
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

from touchline.editing.finish import Finish
from touchline.editing.render import render_reel
from touchline.media.audio import read_audio
from touchline.media.encoders import SOFTWARE
from touchline.media.video import read_frames
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel
from touchline.simulator.dataset import simulate, video_name

SIZE = (1280, 720)
RATE = Fraction(25)
SOUND_RATE = 48_000
PIECE_SECONDS = 20
HEARD_SECONDS = 0.5
"""How much sound is compared at each place of a clip."""
FADE_SECONDS = 0.1
"""What is left out at the ends of a clip, where its sound fades."""
EARLY = 1e-6
"""Of a picture: what rounding may take from a time."""
REACH_SECONDS = 0.25
"""How far the sound is looked for."""


def simulated(folder: Path) -> Path:
    """A short simulated video."""
    made = simulate(
        folder / "game", games=1, seed=3, minutes=PIECE_SECONDS / 60, halves=1, size=SIZE,
        modalities=("video",),
    )  # fmt: skip
    return made.root / made.games[0] / video_name(1, SIZE)


def encoded(source: Path, target: Path, keyframe_seconds: float) -> Path:
    """The video encoded with key frames at a distance, with noise for sound."""
    noise = np.random.default_rng(0).standard_normal((SOUND_RATE * PIECE_SECONDS, 2)) / 20
    with (
        VideoWriter(
            target, SIZE, RATE, audio_rate=SOUND_RATE, crf=21, keyframe_seconds=keyframe_seconds
        ) as writer,
        read_frames(source) as frames,
    ):
        writer.write_audio(noise.astype(np.float32))
        for frame in islice(frames, round(PIECE_SECONDS * RATE)):
            writer.write(frame.pixels)
    return target


def repeated(piece: Path, target: Path, minutes: float) -> Path:
    """The coded pictures and sound of a file again and again."""
    with av.open(str(piece)) as given, av.open(str(target), "w") as made:
        streams = {s.index: made.add_stream_from_template(s, opaque=True) for s in given.streams}
        packets = [p for p in given.demux() if p.dts is not None]
        lengths = {
            index: sum(p.duration for p in packets if p.stream.index == index) for index in streams
        }
        for place in range(round(minutes * 60 / PIECE_SECONDS)):
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.stream = streams[packet.stream.index]
                again.time_base = packet.time_base
                shift = place * lengths[packet.stream.index]
                again.pts, again.dts = packet.pts + shift, packet.dts + shift
                again.duration, again.is_keyframe = packet.duration, packet.is_keyframe
                made.mux(again)
    return target


def reel_of(video: Path, minutes: float, seconds: float, clips: int) -> Reel:
    """Clips of one length that begin anywhere, one in each part of the match."""
    draw = random.Random(1)
    part, length = minutes * 60 / clips, seconds / clips
    starts = [part * k + draw.uniform(0, part - length - 1) for k in range(clips)]
    return Reel(tuple(Clip(video.name, start, start + length) for start in starts))


def lumas(path: Path, clips: Reel | None = None) -> Iterator[np.ndarray]:
    """The pictures of a file, or of clips of it."""
    spans = [(0.0, None)] if clips is None else [(c.start_seconds, c.end_seconds) for c in clips]
    for start, end in spans:
        rate = None if clips is None else RATE
        with read_frames(
            path, start_seconds=start, end_seconds=end, rate=rate, colours="luma"
        ) as frames:
            for frame in frames:
                yield frame.pixels


def compared(source: Path, reel: Reel, made: Path) -> dict[str, float]:
    """How the pictures of a reel compare to those that it should show."""
    exact, worst, count = 0, 0.0, 0
    for wanted, found in zip(lumas(source, reel), lumas(made), strict=True):
        error = float(np.mean((wanted.astype(np.float32) - found) ** 2))
        exact += error == 0
        worst = max(worst, error)
        count += 1
    psnr = None if worst == 0 else round(10 * float(np.log10(255**2 / worst)), 1)
    return {"pictures": count, "equal_to_the_bit": exact, "least_psnr_db": psnr}


def sound(path: Path, start: float, length: float) -> np.ndarray:
    """Sound of a file between two times, all channels together."""
    blocks = list(read_audio(path, SOUND_RATE, start, start + length))
    return np.concatenate(blocks)


def sound_offsets(source: Path, reel: Reel, made: Path) -> list[float]:
    """Milliseconds by which the sound of a reel is late against its pictures, at every place."""
    offsets, shown = [], 0
    for clip in reel:
        first = math.floor(clip.start_seconds * RATE + EARLY)
        count = math.ceil((clip.end_seconds - clip.start_seconds) * RATE - EARLY)
        last = count / RATE - HEARD_SECONDS - FADE_SECONDS
        for place in (FADE_SECONDS, (FADE_SECONDS + last) / 2, last):
            wanted = sound(source, float(first / RATE + place), HEARD_SECONDS)
            begin = max(0.0, float(shown / RATE + place) - REACH_SECONDS)
            found = sound(made, begin, HEARD_SECONDS + 2 * REACH_SECONDS)
            size = len(wanted) + len(found)
            product = np.fft.rfft(found, size) * np.conj(np.fft.rfft(wanted, size))
            lag = int(np.argmax(np.fft.irfft(product, size)[: len(found) - len(wanted)]))
            offsets.append(1000 * (begin + lag / SOUND_RATE - float(shown / RATE + place)))
        shown += count
    return offsets


def timed(source: Path, reel: Reel, target: Path, cut: str, repeats: int) -> tuple[float, float]:
    """Median seconds and processor seconds."""
    wall, work = [], []
    for _ in range(repeats):
        begun, spent = time.perf_counter(), time.process_time()
        render_reel(reel, target, source, snap=False, finish=Finish(cut, encoder=SOFTWARE))
        wall.append(time.perf_counter() - begun)
        work.append(time.process_time() - spent)
    return statistics.median(wall), statistics.median(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--clips", type=int, default=14)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--key-frames", type=float, nargs="+", default=[2, 10], help="every so many seconds"
    )
    parser.add_argument("--video", type=Path, help="20 s to repeat, if not simulated ones")
    parser.add_argument("--folder", type=Path, help="where the files are made; they are removed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as made:
        folder = Path(made)
        pictures = arguments.video or simulated(folder)
        for distance in arguments.key_frames:
            piece = encoded(pictures, folder / f"piece-{distance:g}.mp4", distance)
            source = repeated(piece, folder / f"source-{distance:g}.mp4", arguments.minutes)
            reel = reel_of(source, arguments.minutes, arguments.seconds, arguments.clips)
            floor = timed(source, reel, folder / "anew.mp4", "encode", arguments.repeats)
            copied = timed(source, reel, folder / "reel.mp4", "copy", arguments.repeats)
            result = {
                "key_frames_every_s": distance,
                "encoded_anew_s": round(floor[0], 2),
                "encoded_anew_processor_s": round(floor[1], 2),
                "copied_s": round(copied[0], 2),
                "copied_processor_s": round(copied[1], 2),
                "ratio": round(floor[0] / copied[0], 1),
                "processor_ratio": round(floor[1] / copied[1], 1),
                **compared(source, reel, folder / "reel.mp4"),
                "sound_off_ms": round(
                    max(map(abs, sound_offsets(source, reel, folder / "reel.mp4"))), 1
                ),
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
