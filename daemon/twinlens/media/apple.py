"""The maker notes of Apple's phones: what ties bursts and live photos together.

Half of all pictures on a family's disk are a phone's, and for these few values exiftool would cost
a third of a picture's time. Layout: `Apple iOS`, a version, a byte order, one TIFF directory;
offsets count from the start of the notes.
"""

import struct
from typing import Final

_START: Final = b"Apple iOS\0"
_TAGS: Final = {0x000B: "MakerNotes:BurstUUID", 0x0011: "MakerNotes:ContentIdentifier"}
_DIRECTORY = 14
_ASCII = 2
_MOST_ENTRIES = 256
_LONGEST = 256


def is_apple(notes: bytes) -> bool:
    """True for notes that `read_apple` reads."""
    return notes.startswith(_START)


def read_apple(notes: bytes) -> dict[str, str]:
    """Burst and live photo identifiers from the notes; what lies outside them is left out."""
    order = "<" if notes[12:14] == b"II" else ">"
    tags: dict[str, str] = {}
    try:
        (count,) = struct.unpack_from(order + "H", notes, _DIRECTORY)
        for index in range(min(count, _MOST_ENTRIES)):
            entry = _DIRECTORY + 2 + 12 * index
            number, form, length, start = struct.unpack_from(order + "HHII", notes, entry)
            if number in _TAGS and form == _ASCII and 4 < length <= _LONGEST:
                text = notes[start : start + length].partition(b"\0")[0]
                tags[_TAGS[number]] = text.decode("ascii", "replace")
    except struct.error:
        pass
    return tags
