"""Put a trained run into the package as the model `demo`: half the bytes, ONNX beside weights.

    python benchmarks/pack_demo.py RUN [--metrics metrics.json]

The metrics, where given, go into the card as they are.
"""

import argparse
import json
from pathlib import Path

from touchline.engines.export import export_onnx
from touchline.engines.networks import load_network, save_weights
from touchline.zoo.cards import CARD_FILE, write_card
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder, find, sha256_of

TARGET = Path(__file__).parents[1] / "touchline" / "zoo" / "models" / "demo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--metrics", type=Path, help="JSON to put into the card")
    args = parser.parse_args()
    run = find(args.run)
    TARGET.mkdir(parents=True, exist_ok=True)
    save_weights(load_network(run), TARGET / WEIGHTS_FILE, half=True)
    metrics = json.loads(args.metrics.read_text()) if args.metrics else run.card.metrics
    card = run.card.model_copy(
        update={
            "name": "demo",
            "files": {WEIGHTS_FILE: sha256_of(TARGET / WEIGHTS_FILE)},
            "storage": {WEIGHTS_FILE: "fp16"},
            "source": "benchmarks/train_demo.sh; matches 0 to 28 of simulator seed 910001",
            "metrics": metrics,
        }
    )
    write_card(card, TARGET / CARD_FILE)
    export_onnx(ModelFolder(TARGET, card), storage="fp16")
    size = sum(path.stat().st_size for path in TARGET.iterdir())
    print(f"{TARGET}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
