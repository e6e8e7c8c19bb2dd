"""A DNG as a camera writes it: a JPEG preview in front, and the sensor's own data behind it."""

import struct
from datetime import datetime
from fractions import Fraction

import numpy as np

from painting import SEED

Value = bytes | str | int | tuple[int, ...] | tuple[Fraction, ...]
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL = 1, 2, 3, 4, 5
_WIDTHS = {_BYTE: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8}
_BLACK, _WHITE = 512, 15_512


def negative_of(
    preview: bytes, preview_size: tuple[int, int], taken: datetime, number: int
) -> bytes:
    """The bytes of a DNG 1.4 (Adobe's specification) of the size of its preview, 16 bits a pixel.

    Nobody develops it here: the sensor's data is noise, different for each `number`.
    """
    width, height = preview_size
    random = np.random.default_rng((SEED, number))
    sensor = random.integers(_BLACK, _WHITE, (height, width), np.uint16).astype("<u2").tobytes()
    at_preview = 8
    at_sensor = at_preview + len(preview) + len(preview) % 2
    at_details = at_sensor + len(sensor)
    when = taken.strftime("%Y:%m:%d %H:%M:%S")
    details = _directory({0x9003: (_ASCII, when), 0x9004: (_ASCII, when)}, at_details)
    at_sensor_directory = at_details + len(details)
    sensor_directory = _directory(
        {
            **_picture(width, height, (at_sensor, len(sensor)), kind=0),
            0x0102: (_SHORT, 16),
            0x0103: (_SHORT, 1),
            0x0106: (_SHORT, 32_803),
            0x0115: (_SHORT, 1),
            0x828D: (_SHORT, (2, 2)),
            0x828E: (_BYTE, b"\0\1\1\2"),
            0xC61A: (_SHORT, _BLACK),
            0xC61D: (_SHORT, _WHITE),
        },
        at_sensor_directory,
    )
    at_first = at_sensor_directory + len(sensor_directory)
    one, none = Fraction(1), Fraction(0)
    first = _directory(
        {
            **_picture(width, height, (at_preview, len(preview)), kind=1),
            0x0102: (_SHORT, (8, 8, 8)),
            0x0103: (_SHORT, 7),
            0x0106: (_SHORT, 6),
            0x010F: (_ASCII, "Canon"),
            0x0110: (_ASCII, "Canon EOS R6"),
            0x0112: (_SHORT, 1),
            0x0115: (_SHORT, 3),
            0x0132: (_ASCII, when),
            0x014A: (_LONG, at_sensor_directory),
            0x8769: (_LONG, at_details),
            0xC612: (_BYTE, b"\1\4\0\0"),
            0xC613: (_BYTE, b"\1\1\0\0"),
            0xC614: (_ASCII, "Canon EOS R6"),
            0xC621: (_RATIONAL, (one, none, none, none, one, none, none, none, one)),
            0xC628: (_RATIONAL, (one, one, one)),
            0xC65A: (_SHORT, 21),
        },
        at_first,
    )
    header = b"II*\0" + struct.pack("<I", at_first)
    gap = bytes(len(preview) % 2)
    return b"".join((header, preview, gap, sensor, details, sensor_directory, first))


def _picture(
    width: int, height: int, strip: tuple[int, int], kind: int
) -> dict[int, tuple[int, Value]]:
    """The tags that each picture of a TIFF has; `strip` is its offset and length in bytes."""
    return {
        0x00FE: (_LONG, kind),
        0x0100: (_LONG, width),
        0x0101: (_LONG, height),
        0x0111: (_LONG, strip[0]),
        0x0116: (_LONG, height),
        0x0117: (_LONG, strip[1]),
    }


def _directory(tags: dict[int, tuple[int, Value]], offset: int) -> bytes:
    """A directory of a TIFF that stands at `offset`, with its values behind it."""
    entries, values = [], b""
    at_values = offset + 2 + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        packed = _packed(kind, value)
        count = len(packed) // _WIDTHS[kind]
        if len(packed) > 4:
            where = struct.pack("<I", at_values + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            where = packed.ljust(4, b"\0")
        entries.append(struct.pack("<HHI", tag, kind, count) + where)
    return struct.pack("<H", len(tags)) + b"".join(entries) + bytes(4) + values


def _packed(kind: int, value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("ascii") + b"\0"
    if isinstance(value, int):
        return struct.pack("<H" if kind == _SHORT else "<I", value)
    if kind == _RATIONAL:
        parts = [Fraction(part) for part in value]
        return b"".join(struct.pack("<II", part.numerator, part.denominator) for part in parts)
    return b"".join(struct.pack("<H" if kind == _SHORT else "<I", part) for part in value)
