"""The directories of a TIFF, read for the few questions that tell a RAW from a picture.

Nothing here raises or reads a picture: an entry that lies outside the file is left out, and the
walk is bounded in directories and entries, whatever the file says.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

ReadAt = Callable[[int, int], bytes]
"""(offset, number of bytes) to the bytes there, fewer where the file ends."""

_MAKE = 0x010F
_NEW_SUBFILE_TYPE = 0x00FE
_COMPRESSION = 0x0103
_PHOTOMETRIC = 0x0106
_SUB_DIRECTORIES = 0x014A
_DNG_VERSION = 0xC612
_COLOR_FILTER_ARRAY = 32803
_SENSOR_COMPRESSIONS: Final = frozenset({32767, 32770, 34713, 65535})
"""Sony, Samsung, Nikon and Pentax RAW: the compressions that nothing but a RAW uses (exiftool,
TagNames/EXIF)."""
_SHORT = 3
_MOST_ENTRIES = 512
_MOST_DIRECTORIES = 16
_MOST_SUB_DIRECTORIES = 8
_LONGEST_MAKE = 64


@dataclass(frozen=True, slots=True)
class Directories:
    """What the directories say: `make` is that of IFD0, upper case and stripped."""

    make: str = ""
    is_dng: bool = False
    is_reduced: bool = False
    """IFD0 calls itself a reduced version of another picture in the file."""
    has_sub_directories: bool = False
    has_sensor_data: bool = False
    """A picture in the file is the sensor's own data, not yet developed."""


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    type: int
    count: int
    at: int
    """Where the four bytes stand that hold the value or its offset."""
    value: int


def read_directories(read_at: ReadAt) -> Directories:
    """Read the directories of the TIFF that `read_at` gives; what cannot be read is left out."""
    start = read_at(0, 8)
    if len(start) < 8:
        return Directories()
    order = "<" if start[:2] == b"II" else ">"
    (first,) = struct.unpack(order + "I", start[4:])
    make = ""
    is_dng = is_reduced = has_sub_directories = has_sensor_data = False
    waiting, seen = [first], set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        offset = waiting.pop(0)
        if offset in seen or not offset:
            continue
        seen.add(offset)
        for entry in _entries(read_at, order, offset):
            if entry.tag == _SUB_DIRECTORIES:
                waiting.extend(_offsets(read_at, order, entry))
            elif _is_sensor_data(entry):
                has_sensor_data = True
            if offset != first:
                continue
            if entry.tag == _MAKE:
                make = _text(read_at, entry)
            elif entry.tag == _NEW_SUBFILE_TYPE:
                is_reduced = entry.value == 1
            has_sub_directories |= entry.tag == _SUB_DIRECTORIES
            is_dng |= entry.tag == _DNG_VERSION
        waiting.append(_next_directory(read_at, order, offset))
    return Directories(make, is_dng, is_reduced, has_sub_directories, has_sensor_data)


def _entries(read_at: ReadAt, order: str, offset: int) -> Iterator[_Entry]:
    count = _number(read_at(offset, 2), order + "H")
    packed = read_at(offset + 2, 12 * min(count, _MOST_ENTRIES))
    for index in range(len(packed) // 12):
        tag, kind, length, value = struct.unpack_from(order + "HHII", packed, 12 * index)
        if kind == _SHORT and length == 1:
            (value,) = struct.unpack_from(order + "H", packed, 12 * index + 8)
        yield _Entry(tag, kind, length, offset + 2 + 12 * index + 8, value)


def _next_directory(read_at: ReadAt, order: str, offset: int) -> int:
    count = _number(read_at(offset, 2), order + "H")
    return _number(read_at(offset + 2 + 12 * count, 4), order + "I")


def _offsets(read_at: ReadAt, order: str, entry: _Entry) -> list[int]:
    if entry.count == 1:
        return [entry.value]
    packed = read_at(entry.value, 4 * min(entry.count, _MOST_SUB_DIRECTORIES))
    return [_number(packed[at : at + 4], order + "I") for at in range(0, len(packed), 4)]


def _is_sensor_data(entry: _Entry) -> bool:
    if entry.count != 1:
        return False
    if entry.tag == _PHOTOMETRIC:
        return entry.value == _COLOR_FILTER_ARRAY
    return entry.tag == _COMPRESSION and entry.value in _SENSOR_COMPRESSIONS


def _number(packed: bytes, form: str) -> int:
    """The unsigned number; 0 where the file ends before it."""
    if len(packed) < struct.calcsize(form):
        return 0
    return int(struct.unpack(form, packed)[0])


def _text(read_at: ReadAt, entry: _Entry) -> str:
    raw = read_at(entry.at if entry.count <= 4 else entry.value, min(entry.count, _LONGEST_MAKE))
    return raw.split(b"\0")[0].decode("ascii", "replace").strip().upper()
