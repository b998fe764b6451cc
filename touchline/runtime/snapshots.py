"""The state of long work as a file: numbers, texts, arrays, collections, and plain objects of ours.

A zip of the structure as JSON and of the bytes of all arrays, one after the other. Reading it runs
nothing: objects are made of their fields, and only of classes of the modules that the reader names.
"""

import importlib
import json
import zipfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.errors import FormatError
from touchline.runtime.atomic import atomic_write

Node = dict[str, Any]

_STRUCTURE, _ARRAYS = "structure.json", "arrays.bin"
_COLLECTIONS: dict[str, type[Any]] = {"list": list, "tuple": tuple, "set": set, "deque": deque}


def write_snapshot(path: Path, state: object) -> None:
    """Write a state, whole or not at all. What is the same object stays one.

    Raises:
        TypeError: it holds something that is neither data nor an object of plain fields.
    """
    taking = _Taking()
    root = taking.value(state)
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_STRUCTURE, json.dumps({"root": root, "nodes": taking.nodes}))
        with archive.open(_ARRAYS, "w", force_zip64=True) as file:
            for array in taking.arrays:
                file.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")


def read_snapshot(path: Path, modules: Sequence[str]) -> Any:
    """Read a state.

    Args:
        modules: beginnings of the names of modules whose classes may be in it.

    Raises:
        FormatError: it is damaged, or holds an object of another class.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_ARRAYS) as file:
            document = json.loads(archive.read(_STRUCTURE))
            giving = _Giving(document["nodes"], file.read, modules)
            state = giving.value(document["root"])
            if file.read(1):
                raise ValueError("bytes are left over")
            return state
    except (zipfile.BadZipFile, EOFError, ValueError, LookupError, TypeError, AttributeError) as e:
        raise FormatError("is not a snapshot that can be read", where=path) from e


class _Taking:
    """Values to nodes, each object once, and the arrays among them."""

    def __init__(self) -> None:
        self.nodes: list[Node | None] = []
        self.arrays: list[npt.NDArray[Any]] = []
        self._known: dict[int, tuple[int, object]] = {}  # the object stays, so its id does, too

    def value(self, value: object) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if id(value) not in self._known:
            number = len(self.nodes)
            self._known[id(value)] = number, value
            self.nodes.append(None)
            self.nodes[number] = self._node(value)
        return [self._known[id(value)][0]]

    def _node(self, value: object) -> Node:
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value)
        if type(value) is dict:
            pairs = [[self.value(key), self.value(item)] for key, item in value.items()]
            return {"kind": "dict", "items": pairs}
        if isinstance(value, list | tuple | set | deque):
            node: Node = {"kind": type(value).__name__, "items": [self.value(v) for v in value]}
            if node["kind"] not in _COLLECTIONS:
                raise TypeError(f"{type(value)} cannot be kept")
            return node | ({"longest": value.maxlen} if isinstance(value, deque) else {})
        if not hasattr(value, "__dict__") or isinstance(value, type) or callable(value):
            raise TypeError(f"{type(value)} cannot be kept")
        fields = {name: self.value(item) for name, item in vars(value).items()}
        return {"kind": "object", "class": _name_of(type(value)), "fields": fields}

    def _array(self, value: "npt.NDArray[Any] | np.generic") -> Node:
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise TypeError("an array of objects cannot be kept")
        self.arrays.append(array)
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {"kind": kind, "dtype": array.dtype.str, "shape": array.shape}


class _Giving:
    """Nodes to values, in the order in which they were taken, which is that of the arrays."""

    def __init__(self, nodes: list[Node], read: Any, modules: Sequence[str]) -> None:
        self._nodes = nodes
        self._read = read
        self._modules = modules
        self._made: dict[int, Any] = {}

    def value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        (number,) = value
        if number not in self._made:
            self._make(number, self._nodes[number])
        return self._made[number]

    def _make(self, number: int, node: Node) -> None:
        kind = node["kind"]
        if kind in ("array", "scalar"):
            self._made[number] = self._array(node)
        elif kind == "dict":
            made: dict[Any, Any] = {}
            self._made[number] = made
            made.update((self.value(key), self.value(item)) for key, item in node["items"])
        elif kind == "object":
            self._made[number] = one = self._empty(node["class"])
            for name, item in node["fields"].items():
                object.__setattr__(one, name, self.value(item))
        else:
            items = [self.value(item) for item in node["items"]]
            own = _COLLECTIONS[kind]
            self._made[number] = deque(items, node["longest"]) if kind == "deque" else own(items)

    def _array(self, node: Node) -> Any:
        dtype, shape = np.dtype(node["dtype"]), tuple(node["shape"])
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        data = bytearray(self._read(size))
        array = np.frombuffer(data, dtype).reshape(shape) if size else np.zeros(shape, dtype)
        return array if node["kind"] == "array" else array[()]

    def _empty(self, name: str) -> Any:
        module, _, qualified = name.partition(":")
        if not any(module == own or module.startswith(f"{own}.") for own in self._modules):
            raise ValueError(f"objects of {module} are not allowed")
        one = getattr(importlib.import_module(module), qualified)
        if not isinstance(one, type) or one.__module__ != module:
            raise ValueError(f"{name} is no class")
        return object.__new__(one)


def _name_of(one: type) -> str:
    return f"{one.__module__}:{one.__qualname__}"
