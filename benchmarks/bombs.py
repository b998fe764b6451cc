"""Memory and processor time that small hostile files cost, each in a fresh process.

Prints one JSON line for each file: what was done with it, its size, the peak memory of the process
(``VmHWM``) and its processor time, those of an ordinary small file under the same action (the
floor), and what the answer was.

    python benchmarks/bombs.py [NAME ...]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from mp4_boxes import fragment, three_pictures, track, write_mp4  # noqa: E402
from small_videos import write_video  # noqa: E402

ACTIONS = {
    "open": "from touchline.media.opening import open_media\nopen_media(PATH)",
    "read": "from touchline.media.video import read_frames\n"
    "print(sum(1 for _ in read_frames(PATH, rate=25, size=(224, 224))), 'frames')",
    "recipe": "from touchline.training.config import load_recipe\nload_recipe(PATH)",
    "weights": "from touchline.importers.checkpoints import read_checkpoint\n"
    "print(len(read_checkpoint(PATH)), 'entries')",
}

RUN = """
import resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 121))
PATH = Path(sys.argv[1])
try:
    exec(sys.argv[2])
except Exception as error:
    print(f"{type(error).__name__}: {error}".replace("\\n", " ")[:160])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(int(peak) >> 10, round(time.process_time(), 2))
"""

PLAIN = [60] * 3
HOUR = 3600 * 25


def write_text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def sparse_attachment(path: Path) -> Path:
    """A Matroska file of one picture track and 100 MiB of attachment."""

    def element(identifier: str, content: bytes) -> bytes:
        return bytes.fromhex(identifier) + (len(content) | 1 << 56).to_bytes(8, "big") + content

    video = element("e0", element("b0", b"\x60") + element("ba", b"\x36"))
    entry = element("d7", b"\1") + element("73c5", b"\1") + element("83", b"\1")
    tracks = element("1654ae6b", element("ae", entry + element("86", b"V_MJPEG") + video))
    held = element("466e", b"a.bin") + element("4660", b"application/x") + element("46ae", b"\1")
    attached = element("1941a469", element("61a7", held + element("465c", bytes(100 << 20))))
    info = element("1549a966", element("2ad7b1", b"\x0f\x42\x40"))
    head = element("1a45dfa3", element("4282", b"matroska"))
    path.write_bytes(head + element("18538067", info + tracks + attached))
    return path


def deep_groups(path: Path, depth: int = 3000) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        group = file
        for _ in range(depth):
            group = group.create_group("g")
        group["kernel"] = [0.0]
    return path


def empty_entries(path: Path, count: int = 300_000) -> Path:
    entry = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = b"{" + b",".join(entry % number for number in range(count)) + b"}"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def aliases(path: Path) -> Path:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return write_text(path, "\n".join(lines) + "\n")


BOMBS: dict[str, tuple[str, str, Callable[[Path], Path]]] = {
    "6,000,000 samples stated": ("open", "a.mp4", lambda path: write_mp4(
        path, track(sizes=[], durations=[(6_000_000, 1)], claimed=6_000_000, size_of_all=1))),
    "5,000 edits of 14,000 samples": ("open", "a.mp4", lambda path: write_mp4(
        path, track(sizes=[1] * 14_000, durations=[(14_000, 1)], edits=[(560_000, 0)] * 5000))),
    "30 fragments of 2^24 samples": ("open", "a.mp4", lambda path: write_mp4(
        path, track(sizes=[], durations=[], chunks=[]), behind=fragment(1 << 24) * 30)),
    "an attachment of 100 MiB": ("open", "a.mkv", sparse_attachment),
    "three pictures in three hours": ("read", "a.mp4", lambda path: three_pictures(
        path, [(3, HOUR)])),
    "durations of 2^31 ticks": ("read", "a.mp4", lambda path: three_pictures(
        path, [(3, 0x7FFFFFFF)], 1_000_000)),
    "a time scale of 0": ("read", "a.mp4", lambda path: three_pictures(path, [(3, 1)], 0)),
    "aliases of aliases": ("recipe", "a.yaml", aliases),
    "100,000 brackets": ("recipe", "a.yaml", lambda path: write_text(path, "[" * 100_000)),
    "HDF5 groups 3,000 deep": ("weights", "a.h5", deep_groups),
    "300,000 empty tensors": ("weights", "a.safetensors", empty_entries),
}  # fmt: skip

FLOORS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "open": ("a.mp4", lambda path: write_video(path, 50)),
    "read": ("a.mp4", lambda path: write_video(path, 50)),
    "recipe": ("a.yaml", lambda path: write_text(path, "system: netvlad\n")),
    "weights": ("a.safetensors", lambda path: empty_entries(path, 100)),
}


def measured(action: str, path: Path) -> tuple[int, float, str]:
    """Peak memory in MiB, processor time in seconds, and the last line said before them."""
    words = [sys.executable, "-c", RUN, str(path), ACTIONS[action]]
    done = subprocess.run(words, capture_output=True, text=True)
    *said, figures = done.stdout.splitlines() or ["", ""]
    if not figures:
        return 0, 0.0, f"ended by signal {-done.returncode}"
    peak, seconds = figures.split()
    return int(peak), float(seconds), said[-1] if said else "done"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of: {', '.join(BOMBS)}")
    names = parser.parse_args().names or list(BOMBS)
    with tempfile.TemporaryDirectory() as folder:
        floors: dict[str, tuple[int, float, str]] = {}
        for name in names:
            action, file, make = BOMBS[name]
            if action not in floors:
                ordinary, make_ordinary = FLOORS[action]
                floors[action] = measured(action, make_ordinary(Path(folder, f"floor-{ordinary}")))
            path = make(Path(folder, file))
            peak, seconds, said = measured(action, path)
            line = {
                "file": name, "bytes": path.stat().st_size, "action": action,
                "peak_mib": peak, "cpu_seconds": seconds,
                "floor_mib": floors[action][0], "floor_cpu_seconds": floors[action][1],
                "answer": said.replace(str(path), file),
            }  # fmt: skip
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
