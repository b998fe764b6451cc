"""Whole files, changed in a few places: what fuzzing tries."""

from hypothesis import strategies as st

EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40]


@st.composite
def changes(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with a few places overwritten, cut out, repeated or filled in."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        length = draw(st.integers(0, 16))
        kind = draw(st.sampled_from(["number", "bytes", "cut", "repeat", "end"]))
        if kind == "number":
            width = draw(st.sampled_from([1, 2, 4, 8]))
            value = draw(st.sampled_from(EDGES)) & ((1 << 8 * width) - 1)
            order = draw(st.sampled_from(["big", "little"]))
            changed[at : at + width] = value.to_bytes(width, order)  # type: ignore[arg-type]
        elif kind == "bytes":
            changed[at : at + length] = draw(st.binary(max_size=16))
        elif kind == "cut":
            del changed[at : at + length * 8]
        elif kind == "repeat":
            changed[at:at] = changed[at : at + length * 16] * draw(st.integers(1, 8))
        else:
            del changed[at:]
    return bytes(changed)
