"""Peak memory and time of `touchline spot`, or of `touchline extract`, on a 45-minute video.

The video is a minute of simulated football whose packets are repeated; what matters here is that
memory does not grow with length. Prints one JSON line. Weights of extractors are random: they
change neither time nor memory.

    python benchmarks/memory.py [--minutes 45] [--size 1280x720] [--model demo]
    python benchmarks/memory.py --features resnet152 [--minutes 45] [--size 398x224]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
from extract import SOUND, store_random_weights

from touchline.simulator.dataset import simulate, video_name


def make_minute(folder: Path, size: tuple[int, int], modalities: tuple[str, ...]) -> Path:
    """One simulated minute."""
    made = simulate(
        folder / "match", games=1, seed=12, minutes=1, halves=1, size=size, modalities=modalities
    )
    return made.root / made.games[0] / video_name(1, size)


def repeat_packets(source: Path, target: Path, times: int, seconds: float = 60) -> None:
    """The same packets, of so many seconds, again and again, with times that go on."""
    with av.open(str(target), "w") as out:
        streams: dict[int, av.stream.Stream] = {}
        for turn in range(times):
            with av.open(str(source)) as container:
                for stream in container.streams if not streams else ():
                    streams[stream.index] = out.add_stream_from_template(stream)
                for packet in container.demux():
                    if packet.dts is None:
                        continue
                    length = round(seconds / packet.stream.time_base)
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=45)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--features", help="extract these instead of spotting")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = folder / "match.mp4"
        sounds = args.features in SOUND
        minute = make_minute(folder, (width, height), ("video", "audio") if sounds else ("video",))
        repeat_packets(minute, video, args.minutes)
        os.environ["TOUCHLINE_HOME"] = str(folder / "home")
        if args.features in ("resnet152", "vggish", "vggish-half-second"):
            if os.fork() == 0:  # whose memory is not to be counted
                store_random_weights()
                os._exit(0)
            os.wait()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # a child begins as a copy
        began = time.perf_counter()
        words = ["spot", video, "--model", args.model]
        if args.features is not None:
            words = ["extract", video, "--features", args.features]
        command = [sys.executable, "-m", "touchline.cli.main", *map(str, words)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(os.waitstatus_to_exitcode(status))
        seconds = time.perf_counter() - began
        peak = used.ru_maxrss
    result = {
        "benchmark": "memory",
        "video": args.size,
        "minutes": args.minutes,
        "command": "spot" if args.features is None else "extract",
        "with": args.features or args.model,
        "seconds": round(seconds, 1),
        "times_real_time": round(60 * args.minutes / seconds, 1),
        "peak_megabytes": round(peak / 1024),
        "peak_is_of_command": peak > before,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
