"""Features of a small dataset on two Ray nodes on one machine, one of which dies in the middle.

Extracts a simulated dataset in one process, then over two nodes of one core each. When a quarter
is done and a half is under way on the second node, that node is killed, as by a power cut. After
that every file must be there, equal to the last bit to that of the single process, with nothing
half-written beside it. Prints one JSON line; leaves with 1 if anything was lost or differs.

    python benchmarks/ray_cluster.py [--games 2] [--minutes 3] [--features demo,fft]
        [--precision auto] [--dataset DIR]
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from touchline.batch.executor import AUTO, Executor, LocalExecutor, Observer, open_executor
from touchline.batch.features import extract, plan_extraction
from touchline.batch.summary import Outcome
from touchline.features.extractor import Placement
from touchline.features.extractors import ExtractorSpec
from touchline.simulator.dataset import simulate

STORE_BYTES = 100_000_000


def make_features(
    root: Path, out: Path, names: str, precision: str, executor: Executor, observer: Observer
) -> list[Outcome]:
    """The features of a dataset, with one thread for each network."""
    placement = Placement("auto", precision, threads=1)
    specs = [ExtractorSpec(name, placement=placement) for name in names.split(",")]
    tasks = plan_extraction(root, specs, out=out)
    return [outcome for _, outcome in extract(tasks, executor=executor, observer=observer)]


def digests(folder: Path) -> dict[str, str]:
    """The checksum of every array below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.npy"))
    }


class Killer:
    """Kills a node while it is at work, once enough is done, and keeps what is told of it."""

    def __init__(self, cluster: Cluster, node: object, enough: float) -> None:
        self.cluster = cluster
        self.node = node
        self.enough = enough
        self.name = ""
        self.was_at_work_on = 0
        self.done_then = 0.0
        self.remarks: list[str] = []
        self._done = 0.0

    def progress(self, done: float) -> None:
        self._done = done

    def nodes(self, counts: Mapping[str, int]) -> None:
        number = next((n for name, n in counts.items() if name == self.name), 0)
        if number and self._done >= self.enough and not self.was_at_work_on:
            self.was_at_work_on, self.done_then = number, self._done
            self.cluster.remove_node(self.node, allow_graceful=False)

    def remark(self, line: str) -> None:
        self.remarks.append(line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--features", default="demo,fft")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--dataset", type=Path, help="one there is already, instead of simulating")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = args.dataset or folder / "dataset"
        if args.dataset is None:
            modalities = ("video", "audio")
            simulate(root, games=args.games, seed=21, minutes=args.minutes, modalities=modalities)
        began = time.perf_counter()
        make_features(
            root, folder / "one", args.features, args.precision, LocalExecutor(1), Observer()
        )
        alone_seconds = time.perf_counter() - began
        node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
        cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
        second = cluster.add_node(**node)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        try:
            out = folder / "two"
            out.mkdir()
            killer = Killer(cluster, second, len(digests(folder / "one")) / 4)
            with open_executor(AUTO, reads=[root], writes=out) as executor:
                killer.name = executor.nodes[second.node_id]
                began = time.perf_counter()
                outcomes = make_features(
                    root,
                    out,
                    args.features,
                    args.precision,
                    executor,
                    Observer(killer.progress, killer.nodes, killer.remark),
                )
                seconds = time.perf_counter() - began
        finally:
            ray.shutdown()
            cluster.shutdown()
        expected, found = digests(folder / "one"), digests(out)
        result = {
            "benchmark": "ray_cluster",
            "features": args.features,
            "files": len(expected),
            "node_killed_while_at_work_on": killer.was_at_work_on,
            "done_when_killed": round(killer.done_then, 2),
            "started_again": len(killer.remarks),
            "failed": sum(outcome.status == "failed" for outcome in outcomes),
            "lost": len(expected.keys() - found.keys()),
            "bit_identical": found == expected,
            "unfinished_files_left": len(list(out.rglob("*.part"))),
            "seconds_alone": round(alone_seconds, 1),
            "seconds_on_cluster": round(seconds, 1),
        }
    print(json.dumps(result))
    good = result["bit_identical"] and result["started_again"] and not result["failed"]
    return 0 if good and not result["unfinished_files_left"] else 1


if __name__ == "__main__":
    sys.exit(main())
