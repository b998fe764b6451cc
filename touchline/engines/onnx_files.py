"""ONNX files of strangers, looked through before anything else reads them.

An ONNX file may name other files that its numbers lie in, and OpenVINO tries every format that it
knows on a file that is damaged. So the bytes are walked first, by the rules of protocol buffers.
"""

import mmap
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from touchline.errors import CheckpointError

MAX_ONNX_BYTES = 1 << 30
MAX_METADATA_BYTES = 1 << 20

_MOST_NESTED = 30
_MOST_FIELDS = 5_000_000

_PARTS = {
    "model": {7: "graph", 14: "metadata", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""Of each kind of message, the fields that are messages and are looked into (onnx.proto)."""

_GRAPH = 7
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


@dataclass
class OnnxContents:
    """What an ONNX file says beside its graph.

    Attributes:
        metadata: texts that its exporter left, such as the names of classes.
        has_graph: whether there is one.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    has_graph: bool = False


def inspect_onnx(path: Path) -> OnnxContents:
    """Look through an ONNX file without running anything.

    Raises:
        CheckpointError: it is not there, damaged, too large, holds no graph, or has its numbers
            in other files.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if not size:
                raise CheckpointError("is empty", where=path, remedy="export it again")
            if size > MAX_ONNX_BYTES:
                raise CheckpointError(
                    f"has {size >> 20} MB, over {MAX_ONNX_BYTES >> 20}",
                    where=path,
                    remedy="give a smaller network",
                )
            with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data:
                contents = _Walk(data, path).contents()
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=path) from error
    except (IndexError, ValueError, UnicodeDecodeError) as error:
        raise CheckpointError(
            "is not an ONNX file, or a damaged one", where=path, remedy="export it again"
        ) from error
    if not contents.has_graph:
        raise CheckpointError("is not an ONNX file", where=path, remedy="export it again")
    return contents


class _Walk:
    """Once through the messages of a file. Raises ValueError or IndexError on a damaged one."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._fields = 0
        self._found = OnnxContents()

    def contents(self) -> OnnxContents:
        self._message("model", 0, len(self._data), 0)
        return self._found

    def _message(self, kind: str, begin: int, end: int, depth: int) -> None:
        if depth > _MOST_NESTED:
            raise ValueError("nested too deep")
        if kind == "metadata":
            self._entry(begin, end)
            return
        for number, wire, value, stop in self._fields_of(begin, end):
            if kind == "tensor":
                self._refuse_external(number, wire, value)
            elif wire == _BYTES and (below := _PARTS[kind].get(number)):
                if kind == "model" and number == _GRAPH:
                    self._found.has_graph = True
                self._message(below, value, stop, depth + 1)

    def _refuse_external(self, number: int, wire: int, value: int) -> None:
        points_elsewhere = number == _DATA_LOCATION and wire == _VARINT and value == _EXTERNAL
        if points_elsewhere or (number == _EXTERNAL_DATA and wire == _BYTES):
            raise CheckpointError(
                "has its weights in another file (external data), which is not followed",
                where=self._path,
                remedy="save it as one file: onnx.save(onnx.load(FILE), NEW_FILE)",
            )

    def _entry(self, begin: int, end: int) -> None:
        texts = {1: "", 2: ""}
        for number, wire, value, stop in self._fields_of(begin, end):
            if wire == _BYTES and number in texts:
                if stop - value > MAX_METADATA_BYTES:
                    raise ValueError("metadata too long")
                texts[number] = self._data[value:stop].decode()
        self._found.metadata[texts[1]] = texts[2]

    def _fields_of(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """(number, wire type, value, end of the value) of each field.

        The value of bytes is where they begin.
        """
        place = begin
        while place < end:
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise ValueError("too many fields")
            key, place = self._varint(place)
            number, wire = key >> 3, key & 7
            value = place
            if wire == _VARINT:
                value, place = self._varint(place)
            elif wire == _BYTES:
                length, value = self._varint(place)
                place = value + length
            elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
                place += 8 if wire == _EIGHT_BYTES else 4
            else:
                raise ValueError("no such wire type")
            if not number or place > end:
                raise ValueError("a field ends behind its message")
            yield number, wire, value, place

    def _varint(self, place: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place
        raise ValueError("a number of more than ten bytes")
