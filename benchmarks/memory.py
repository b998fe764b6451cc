"""Peak memory and time of `touchline spot` on a 45-minute 720p video.

The video is a minute of simulated football whose packets are repeated; what matters here is that
memory does not grow with length. Prints one JSON line.

    python benchmarks/memory.py [--minutes 45] [--size 1280x720] [--model demo]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

from touchline.simulator.dataset import simulate, video_name


def make_minute(folder: Path, size: tuple[int, int]) -> Path:
    """One simulated minute."""
    made = simulate(
        folder / "match", games=1, seed=12, minutes=1, halves=1, size=size, modalities=("video",)
    )
    return made.root / made.games[0] / video_name(1, size)


def repeat_packets(source: Path, target: Path, times: int) -> None:
    """The same packets again and again, with times that go on."""
    with av.open(str(target), "w") as out:
        stream = None
        for turn in range(times):
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(video)
                length = round(60 / video.time_base)
                for packet in container.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = stream
                    out.mux(packet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=45)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--model", default="demo")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = folder / "match.mp4"
        repeat_packets(make_minute(folder, (width, height)), video, args.minutes)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        began = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "touchline.cli.main",
            "spot",
            str(video),
            "--model",
            args.model,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result = {
        "benchmark": "memory",
        "video": args.size,
        "minutes": args.minutes,
        "model": args.model,
        "seconds": round(seconds, 1),
        "times_real_time": round(60 * args.minutes / seconds, 1),
        "peak_megabytes": round(peak / 1024),
        "peak_is_of_spot": peak > before,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
