"""Model folders made on the spot, for tests of the zoo and the engines."""

from pathlib import Path

import torch

from touchline.engines.networks import config_dict, save_weights
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.models.tdeed import TDEED
from touchline.zoo.cards import CardLabels, ModelCard, write_card
from touchline.zoo.store import ModelFolder, sha256_of

torch.set_num_threads(1)


def small_network(
    arch: str = "rny002_gsm", head: str = "gru", clip_len: int = 6, modality: str = "rgb"
) -> E2ESpot:
    """Random weights whose batch norms and gates do something."""
    torch.manual_seed(0)
    network = E2ESpot(E2ESpotConfig(arch, head, 3, clip_len, modality)).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.7, 1.3)
            elif name.endswith("running_mean") or ".gsm.conv3D." in name:
                tensor.normal_(0, 0.1)
    return network


def write_folder(
    folder: Path,
    network: E2ESpot | TDEED,
    *,
    half: bool = False,
    size: tuple[int, int] = (64, 48),
    crop: int | None = None,
    overlap: float | None = None,
) -> ModelFolder:
    """A folder with a card and weights."""
    folder.mkdir(parents=True)
    save_weights(network, folder / "model.safetensors", half=half)
    card = ModelCard(
        name=folder.name,
        system="tdeed" if isinstance(network, TDEED) else "e2e-spot",
        config=config_dict(network.config),
        labels=CardLabels(name="custom", labels=("a", "b", "c")),
        rate="25/12",
        width=size[0],
        height=size[1],
        crop=crop,
        overlap=overlap,
        files={"model.safetensors": sha256_of(folder / "model.safetensors")},
    )
    write_card(card, folder / "card.json")
    return ModelFolder(folder, card)
