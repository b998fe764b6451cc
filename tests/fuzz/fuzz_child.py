"""A process that tries one file after the other, and says how each one ended.

Standard input names a target and a file on each line; the answer is ``read``, ``refused`` or a
fault. Each file has so much processor time and memory; beyond it the process dies, which its
starter sees.
"""

import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from touchline.errors import InputError

CPU_SECONDS = 20
MEMORY_BYTES = 3 << 30


def media(path: Path) -> None:
    from touchline.media.audio import read_audio
    from touchline.media.video import probe, read_frames

    info = probe(path)
    assert 0 <= info.duration_seconds <= 4 * 3600 + 1
    for _ in islice(read_frames(path, rate=2, size=(32, 32)), 200):
        pass
    for _ in islice(read_frames(path, start_seconds=info.duration_seconds / 2), 20):
        pass
    if info.has_audio:
        for _ in islice(read_audio(path), 50):
            pass


def recipe(path: Path) -> None:
    from touchline.training.config import load_recipe

    load_recipe(path)


def weights(path: Path) -> None:
    from touchline.importers.checkpoints import open_checkpoint

    open_checkpoint(path)


def arrays(path: Path) -> None:
    if path.suffix == ".pkl":
        from touchline.features.pca import read_pca

        read_pca(path)
    else:
        from touchline.features.arrays import read_blocks

        for _ in read_blocks(path):
            pass


TARGETS: dict[str, Callable[[Path], None]] = {
    "media": media,
    "recipe": recipe,
    "weights": weights,
    "arrays": arrays,
}


def attempt(target: str, path: Path) -> str:
    import resource

    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, resource.RLIM_INFINITY))
    try:
        TARGETS[target](path)
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"fault: two lines: {str(error)!r}"
    except Exception as error:
        return f"fault: {type(error).__name__}: {str(error)[:200]!r}"
    return "read"


def main() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin:
        target, _, name = line.rstrip("\n").partition(" ")
        print(attempt(target, Path(name)), flush=True)


if __name__ == "__main__":
    main()
