"""PCA: exact, in one pass, as published, and of the right features."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from published_files import sklearn_pickle

from touchline.errors import CheckpointError, ConfigError, InputError
from touchline.features.pca import Covariance, Pca, PcaExtractor, fit_pca, read_pca
from touchline.features.pickles import read_pickle
from touchline.features.store import write_features
from touchline.zoo.identity import FeatureIdentity

rng = np.random.default_rng(5)
MIXED = (rng.normal(size=(3000, 12)) @ rng.normal(size=(12, 12)) + 50).astype(np.float32)


def exact(rows: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    centred = rows - rows.mean(0, dtype=np.float64)
    _, values, vectors = np.linalg.svd(centred, full_matrices=False)
    return vectors[:dims], values[:dims] ** 2 / (len(rows) - 1)


def test_one_pass_finds_what_the_whole_matrix_has(tmp_path):
    paths = []
    for number, part in enumerate(np.array_split(MIXED, 4)):
        paths.append(tmp_path / f"{number}.npy")
        np.save(paths[-1], part)
    pca = fit_pca(paths, 5)
    components, variance = exact(MIXED, 5)
    np.testing.assert_allclose(np.abs(pca.components @ components.T), np.eye(5), atol=1e-6)
    np.testing.assert_allclose(pca.explained_variance, variance, rtol=1e-6)
    np.testing.assert_allclose(pca.mean, MIXED.mean(0, dtype=np.float64), rtol=1e-9)
    reduced = pca.apply(MIXED)
    assert reduced.shape == (3000, 5) and reduced.dtype == np.float32
    np.testing.assert_allclose(np.var(reduced, axis=0, ddof=1), variance, rtol=1e-3)


def test_a_far_mean_costs_no_digits():
    covariance = Covariance()
    shifted = MIXED[:, :4].astype(np.float64) + 1e6
    for part in np.array_split(shifted, 9):
        covariance.add(part)
    _, variance = exact(shifted, 4)
    np.testing.assert_allclose(covariance.components(4).explained_variance, variance, rtol=1e-6)


def test_it_is_stored_with_what_it_was_fitted_on(tmp_path):
    covariance = Covariance()
    covariance.add(MIXED)
    identity = FeatureIdentity(name="resnet152", weights="a" * 64, rate="2/1")
    pca = covariance.components(3, identity)
    pca.save(tmp_path / "pca.safetensors")
    again = read_pca(tmp_path / "pca.safetensors")
    np.testing.assert_array_equal(again.components, pca.components)
    assert again.fitted_on == identity
    assert [path.name for path in tmp_path.iterdir()] == ["pca.safetensors"]


class Given:
    """An extractor that gives these rows."""

    suffix, engine = "given", "numpy"

    def __init__(self, **identity) -> None:
        self.identity = FeatureIdentity(**({"name": "given", "rate": "2/1"} | identity))

    def extract(self, source, write, report):
        from touchline.features.extractor import Extraction

        write(MIXED)
        return Extraction(0.0)

    def close(self) -> None:
        pass


def test_features_of_another_extractor_are_not_reduced(tmp_path):
    source = tmp_path / "v.mkv"
    source.write_bytes(b"v")
    write_features(tmp_path / "1_given.npy", Given(), source)
    path = tmp_path / "pca.safetensors"
    fit_pca([tmp_path / "1_given.npy"], 4).save(path)
    reduced = PcaExtractor(Given(rate="5/1"), path)
    assert reduced.suffix == "given_PCA4"
    described = write_features(tmp_path / "1_given_PCA4.npy", reduced, source)
    assert described.dims == 4 and "pca" in described.identity.settings
    with pytest.raises(ConfigError, match="fitted on other features"):
        PcaExtractor(Given(weights="b" * 64), path)
    write_features(tmp_path / "2_given.npy", Given(weights="b" * 64), source)
    with pytest.raises(ConfigError, match="do not fit"):
        fit_pca([tmp_path / "1_given.npy", tmp_path / "2_given.npy"], 4)


def test_what_cannot_be_fitted_or_applied_is_refused(tmp_path):
    with pytest.raises(InputError, match="no features"):
        fit_pca([], 4)
    path = tmp_path / "1.npy"
    np.save(path, MIXED[:5])
    with pytest.raises(ConfigError, match="1 to 4"):
        fit_pca([path], 5)
    np.save(path, np.where(MIXED > 60, np.nan, MIXED))
    with pytest.raises(InputError, match="not finite"):
        fit_pca([path], 2)
    pca = Pca(np.zeros(3), np.eye(3), np.ones(3))
    with pytest.raises(ConfigError, match="cannot take rows of 4"):
        pca.apply(np.zeros((2, 4)))


class Executes:
    def __reduce__(self):
        return (print, ("a pickle was run",))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("module", ["sklearn.decomposition.pca", "sklearn.decomposition._pca"])
def test_published_pickles_are_read_and_applied(module, protocol, tmp_path, shared: Path):
    average = np.load(shared / "data/parity/resnet_tf2_average.npy")
    assert average.shape == (2048,) and average.mean() == pytest.approx(0.5075, abs=1e-4)
    components = np.linalg.qr(rng.normal(size=(2048, 6)))[0].T.astype(np.float32)
    mean = rng.normal(0, 1e-6, 2048).astype(np.float32)
    fitted = {
        "n_components": 6,
        "whiten": False,
        "components_": np.asfortranarray(components),
        "mean_": mean,
        "noise_variance_": np.float64(0.5),
        "explained_variance_": np.arange(6, 0, -1.0),
        "random_state": None,
    }
    (tmp_path / "pca.pkl").write_bytes(sklearn_pickle(fitted, module, protocol))
    (tmp_path / "average.pkl").write_bytes(pickle.dumps(average, protocol))
    pca = read_pca(tmp_path / "pca.pkl", tmp_path / "average.pkl")
    rows = rng.random((9, 2048)).astype(np.float32)
    np.testing.assert_allclose(pca.apply(rows), (rows - average - mean) @ components.T, atol=1e-4)
    assert read_pca(tmp_path / "pca.pkl", shared / "data/parity/resnet_tf2_average.npy").dims == 6


HOSTILE = {
    "a call": pickle.dumps(Executes()),
    "a call inside": pickle.dumps({"mean_": Executes()}),
    "an object array": pickle.dumps(np.array([Executes()], dtype=object)),
    "a dictionary": pickle.dumps({"mean_": 1}),
    "os.system": b"cos\nsystem\n(S'echo run'\ntR.",
    "eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "getattr of numpy": b"cnumpy\nload\n(S'x'\ntR.",
    "nothing": b"",
    "text": b"hello",
    "cut short": pickle.dumps(np.zeros(100))[:80],
    "too few numbers": pickle.dumps(np.zeros(4)).replace(b"\x04\x85", b"\x09\x85"),
    "a huge shape": b"cnumpy.core.multiarray\n_reconstruct\n(tR(I1\n(I999999999999\nt"
    b"cnumpy\ndtype\n(S'f8'\ntRI00\nS'x'\ntb.",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_pickles_that_hold_more_are_refused_and_not_run(data, tmp_path, capsys):
    path = tmp_path / "pca.pkl"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"pca\.pkl"):
        read_pickle(path)
    with pytest.raises(CheckpointError):
        read_pca(path)
    assert capsys.readouterr().out == ""


def test_files_that_are_no_pca_are_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "pca.safetensors"
    for tensors, metadata in (
        ({"mean": np.zeros(3)}, {"touchline": '{"pca": 1}'}),
        ({"mean": np.zeros(3)}, {}),
        ({"mean": np.zeros(3)}, {"touchline": "["}),
        (
            {"mean": np.zeros(3), "components": np.eye(2), "explained_variance": np.ones(2)},
            {"touchline": '{"pca": 1}'},
        ),
    ):
        save_file(tensors, path, metadata)
        with pytest.raises(CheckpointError, match="PCA"):
            read_pca(path)
    path.write_bytes(b"not safetensors")
    with pytest.raises(CheckpointError):
        read_pca(path)
