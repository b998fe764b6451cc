""".npy files: read when they are whole and plain, refused with one line when they are not."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from touchline.errors import FormatError
from touchline.features.arrays import read_blocks, read_header


def npy(array: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


ROWS = np.arange(60, dtype=np.float32).reshape(20, 3)

BROKEN = {
    "empty file": b"",
    "text": b"not numbers at all" * 9,
    "half a header": npy(ROWS)[:40],
    "short": npy(ROWS)[:-4],
    "long": npy(ROWS) + b"more",
    "objects": npy(np.array([[1, "a"]], dtype=object), allow_pickle=True),
    "a pickle": pickle.dumps({"a": 1}),
    "words": npy(np.array([["a", "b"]])),
    "records": npy(np.zeros((2, 2), [("a", "f4")])),
    "columns": npy(np.asfortranarray(ROWS)),
    "one dimension": npy(ROWS[:, 0]),
    "no rows": npy(ROWS[:0]),
    "negative": npy(ROWS).replace(b"(20, 3)", b"(-2, 3)"),
    "endless": npy(ROWS).replace(b"(20, 3), }" + b" " * 16, b"(" + b"9" * 18 + b", 3), }"),
    "nested": npy(ROWS).replace(b"{'descr': '<f4'", b"{'descr': " + b"[" * 5, 1),
    "version 9": npy(ROWS).replace(b"NUMPY\x01", b"NUMPY\x09"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_plain_numbers_is_refused(data: bytes, tmp_path: Path):
    path = tmp_path / "1_demo.npy"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"1_demo\.npy"):
        read_header(path, ndim=2)


def test_a_missing_file_is_told_of(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_header(tmp_path / "1_demo.npy")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f2", "<f8", "|u1"])
def test_rows_come_back_block_by_block(dtype, tmp_path, monkeypatch):
    path = tmp_path / "rows.npy"
    np.save(path, ROWS.astype(dtype))
    monkeypatch.setattr("touchline.features.arrays.BLOCK_BYTES", 50)
    blocks = list(read_blocks(path))
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate(blocks), ROWS)


def test_a_file_that_shrinks_while_it_is_read_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "rows.npy"
    np.save(path, ROWS)
    monkeypatch.setattr("touchline.features.arrays.BLOCK_BYTES", 12)
    blocks = read_blocks(path)
    next(blocks)
    with path.open("rb+") as file:
        file.truncate(200)
    with pytest.raises(FormatError, match="shorter"):
        list(blocks)
