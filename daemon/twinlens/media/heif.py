"""What the boxes of a HEIF or AVIF say of its primary picture, without decoding it.

The decoder turns the picture upright by itself and forgets the size as stored, and a broken file
it does not open at all: both are read here. Bounded, never raises.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BOXES = 4096


@dataclass(frozen=True, slots=True)
class HeifLayout:
    """The primary picture as stored, its turn (0 to 3 quarters, anticlockwise), and whether the
    file ends before its boxes do."""

    width: int | None = None
    height: int | None = None
    quarters: int = 0
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int


def read_layout(data: bytes, size: int) -> HeifLayout:
    """Read the layout from the first bytes of a file of `size` bytes (all of them, or a head)."""
    meta = None
    end = 0
    for box in _boxes(data, 0, size):
        end = max(end, box.end)
        if box.kind == b"meta" and meta is None:
            meta = box
    is_truncated = end > size
    if meta is None:
        return HeifLayout(is_truncated=is_truncated)
    inner = {box.kind: box for box in _boxes(data, meta.start + 4, min(meta.end, len(data)))}
    if b"iprp" not in inner:
        return HeifLayout(is_truncated=is_truncated)
    properties = list(_boxes(data, inner[b"iprp"].start, min(inner[b"iprp"].end, len(data))))
    primary = _primary_item(data, inner.get(b"pitm"))
    wanted = next((_associated(data, b, primary) for b in properties if b.kind == b"ipma"), [])
    container = next((b for b in properties if b.kind == b"ipco"), None)
    every = list(_boxes(data, container.start, min(container.end, len(data)))) if container else []
    width = height = None
    quarters = 0
    for index in wanted:
        if not 0 < index <= len(every):
            continue
        box = every[index - 1]
        if box.kind == b"ispe":
            width, height = _number(data, box.start + 4, 4), _number(data, box.start + 8, 4)
        elif box.kind == b"irot":
            quarters = _number(data, box.start, 1) & 3
    return HeifLayout(width or None, height or None, quarters, is_truncated)


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    """The boxes between two offsets; the last one may claim to end beyond `end`."""
    for _ in range(_MOST_BOXES):
        if start + 8 > min(end, len(data)):
            return
        length, header = _number(data, start, 4), 8
        if length == 1:
            length, header = _number(data, start + 8, 8), 16
        elif length == 0:
            length = max(end - start, header)
        if length < header:
            return
        yield _Box(data[start + 4 : start + 8], start + header, start + length)
        start += length


def _primary_item(data: bytes, box: _Box | None) -> int:
    if box is None:
        return 1
    return _number(data, box.start + 4, 4 if _number(data, box.start, 1) else 2)


def _associated(data: bytes, box: _Box, item: int) -> list[int]:
    """The 1-based indices of an item's properties, from an `ipma` box."""
    id_bytes = 4 if _number(data, box.start, 1) else 2
    index_bytes = 2 if _number(data, box.start + 3, 1) & 1 else 1
    mask = 0x7FFF if index_bytes == 2 else 0x7F
    at = box.start + 8
    for _ in range(min(_number(data, box.start + 4, 4), _MOST_BOXES)):
        found = _number(data, at, id_bytes)
        count = _number(data, at + id_bytes, 1)
        at += id_bytes + 1
        if found == item:
            return [_number(data, at + i * index_bytes, index_bytes) & mask for i in range(count)]
        at += count * index_bytes
    return []


def _number(data: bytes, at: int, count: int) -> int:
    return int.from_bytes(data[at : at + count], "big")
