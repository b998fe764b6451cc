"""Published files made on the spot: Keras weights, and pickles as scikit-learn writes them."""

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np


def keras_file(path: Path, depths: tuple[int, ...], classifier: bool = True) -> Path:
    """Weights as Keras saves them: a group per layer, which holds a group of its name."""
    import h5py

    from touchline.models.resnet_keras import KerasResNet, KerasResNetConfig

    network = KerasResNet(KerasResNetConfig(depths))
    names = {"running_mean": "moving_mean", "running_var": "moving_variance"}
    with h5py.File(path, "w") as file:
        for key, value in network.state_dict().items():
            *layers, entry = key.split(".")
            if entry == "num_batches_tracked":
                continue
            kind = layers[-1]
            is_norm = "bn" in kind
            number = kind[-1]
            layer = kind if len(layers) == 1 else f"{layers[0]}_{number}_{kind[:-1]}"
            own = {
                "weight": "gamma" if is_norm else "kernel",
                "bias": "beta" if is_norm else "bias",
            }
            name = f"{layer}/{layer}/{names.get(entry) or own[entry]}:0"
            kernel = value.ndim == 4
            file[name] = value.permute(2, 3, 1, 0).numpy() if kernel else value.numpy()
        if classifier:
            file["predictions/predictions/kernel:0"] = np.zeros((2048, 10), np.float32)
    return path


def sklearn_pickle(attributes: dict[str, Any], module: str, protocol: int) -> bytes:
    """As scikit-learn pickles a PCA, which need not be installed."""
    known: Any = types.ModuleType(module)
    known.PCA = type("PCA", (), {"__module__": module})
    fitted = known.PCA()
    fitted.__dict__ = attributes
    parents = {module.rpartition(".")[0]: types.ModuleType("d"), "sklearn": types.ModuleType("s")}
    before = {name: sys.modules.get(name) for name in (module, *parents)}
    sys.modules.update({module: known, **parents})
    try:
        return pickle.dumps(fitted, protocol)
    finally:
        for name, value in before.items():
            if value is None:
                sys.modules.pop(name)
            else:
                sys.modules[name] = value


def write_pca_pickles(folder: Path, width: int, dims: int) -> tuple[Path, Path]:
    """A PCA and its average, of random numbers."""
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(width, dims)))[0].T.astype(np.float32)
    fitted = {
        "whiten": False,
        "components_": components,
        "mean_": rng.normal(0, 1e-6, width).astype(np.float32),
        "explained_variance_": np.arange(dims, 0, -1.0),
    }
    pca, average = folder / "pca_512_TF2.pkl", folder / "average_512_TF2.pkl"
    pca.write_bytes(sklearn_pickle(fitted, "sklearn.decomposition.pca", 4))
    average.write_bytes(pickle.dumps(rng.random(width).astype(np.float32), 4))
    return pca, average
