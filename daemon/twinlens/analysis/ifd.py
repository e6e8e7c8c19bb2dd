"""The first directory of a TIFF, read from the head of a file.

It answers the few questions that tell one TIFF-based RAW from another, and refuses everything else:
it follows no offset but the first, reads no value that lies outside the head, and never raises.
"""

import struct
from dataclasses import dataclass

_MAKE = 0x010F
_NEW_SUBFILE_TYPE = 0x00FE
_SUB_DIRECTORIES = 0x014A
_DNG_VERSION = 0xC612
_MOST_ENTRIES = 512
_LONGEST_MAKE = 64


@dataclass(frozen=True, slots=True)
class FirstDirectory:
    """What IFD0 says: `make` upper case and stripped, empty where unknown."""

    make: str = ""
    is_dng: bool = False
    is_reduced: bool = False
    """IFD0 calls itself a reduced version of another picture in the file."""
    has_sub_directories: bool = False


def read_first_directory(head: bytes) -> FirstDirectory:
    """Read IFD0 of the TIFF whose first bytes are `head`; unreadable entries are left out."""
    order = "<" if head[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", head, 4)
        (count,) = struct.unpack_from(order + "H", head, start)
    except struct.error:
        return FirstDirectory()
    make = ""
    is_dng = is_reduced = has_sub_directories = False
    for index in range(min(count, _MOST_ENTRIES)):
        try:
            tag, _, length, value = struct.unpack_from(order + "HHII", head, start + 2 + 12 * index)
        except struct.error:
            break
        if tag == _MAKE:
            make = _text(head, start + 2 + 12 * index + 8 if length <= 4 else value, length)
        elif tag == _NEW_SUBFILE_TYPE:
            is_reduced = value == 1
        elif tag == _SUB_DIRECTORIES:
            has_sub_directories = True
        elif tag == _DNG_VERSION:
            is_dng = True
    return FirstDirectory(make, is_dng, is_reduced, has_sub_directories)


def _text(head: bytes, offset: int, length: int) -> str:
    raw = head[offset : offset + min(length, _LONGEST_MAKE)]
    return raw.split(b"\0")[0].decode("ascii", "replace").strip().upper()
