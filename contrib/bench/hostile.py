"""Files that are broken, huge, or made to hurt whoever decodes them: twenty, each another one."""

import os
import random
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

VERSION = 1
"""Raised when the files change."""

_SEED = 20_240_602
_MIB = 1 << 20
_HUGE = 200 * _MIB
_ENDLESS_SEGMENTS = 2_000_000
_ENDLESS_SCANS = 20_000


def write_hostile(folder: Path, picture: bytes) -> list[Path]:
    """Write all of them, made from the bytes of one JPEG where they need any; returns their paths.

    Nobody opens the huge one here: it is a hole that takes no room on the disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in _CONTENTS.items():
        path = folder / name
        path.write_bytes(content(picture))
        if name.startswith("hole"):
            os.truncate(path, _HUGE)
        paths.append(path)
    return paths


def _noise(size: int) -> bytes:
    return random.Random(_SEED).randbytes(size)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _png(width: int, height: int, bits: int, pixels: bytes, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    body = _chunk(b"IHDR", header) + b"".join(more) + _chunk(b"IDAT", pixels)
    return b"\x89PNG\r\n\x1a\n" + body + _chunk(b"IEND", b"")


@lru_cache
def _zeros(size: int) -> bytes:
    """So many zeros, deflated: a second's work for the large ones, whose result is small."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(_MIB)) for _ in range(size // _MIB)]
    return b"".join([*parts, packer.compress(bytes(size % _MIB)), packer.flush()])


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def _many_scans(_: bytes) -> bytes:
    """A progressive JPEG of 196 megapixels with thousands of empty scans: each costs a pass over
    the whole picture, so that 200 kB keep a decoder busy for hours.
    """
    frame = struct.pack(">BHHB", 8, 14_000, 14_000, 1) + b"\x01\x11\x00"
    one_code = bytes([1, *[0] * 15, 0])
    tables = _segment(0xDB, b"\0" + b"\x01" * 64) + _segment(0xC4, b"\0" + one_code)
    tables += _segment(0xC4, b"\x10" + one_code)
    first = _segment(0xDA, b"\x01\x01\x00\x00\x00\x00")
    again = _segment(0xDA, b"\x01\x01\x00\x01\x3f\x00")
    scans = first + again * _ENDLESS_SCANS
    return b"\xff\xd8" + tables + _segment(0xC2, frame) + scans + b"\xff\xd9"


def _looping_exif(picture: bytes) -> bytes:
    """A JPEG whose EXIF directory names itself as the next one."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    directory = struct.pack("<H", 1) + entry + struct.pack("<I", 8)
    return b"\xff\xd8" + _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + directory) + picture[2:]


def _looping_tiff(_: bytes) -> bytes:
    entries = [(0x0100, 4, 1, 64), (0x0101, 4, 1, 64), (0x014A, 4, 1, 8)]
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", 8)


def _boxes(brand: bytes) -> bytes:
    """The start of a HEIC or MP4, and then nothing that belongs there."""
    kind = b"ftyp" + brand + bytes(4) + brand
    return struct.pack(">I", 4 + len(kind)) + kind + struct.pack(">I", 1 << 30) + b"meta"


_CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "empty.jpg": lambda _: b"",
    "half.jpg": lambda picture: picture[: len(picture) // 2],
    "header-only.jpg": lambda picture: picture[:200],
    "noise.jpg": lambda picture: picture[:2] + _noise(100_000),
    "damaged.jpg": lambda picture: picture[:-40_000] + _noise(20_000) + picture[-20_000:],
    "a-png.jpg": lambda _: _png(640, 480, 8, _zeros(641 * 480)),
    "a-jpeg.png": lambda picture: picture,
    "a-letter.jpg": lambda _: b"Dear grandmother, here are the pictures.\n" * 200,
    "bomb-of-3600-megapixels.png": lambda _: _png(60_000, 60_000, 1, _zeros(7501 * 60_000)),
    "large-of-196-megapixels.png": lambda _: _png(14_000, 14_000, 8, _zeros(14_001 * 14_000)),
    "long-words.png": lambda _: _png(
        64, 64, 8, _zeros(65 * 64), _chunk(b"zTXt", b"Comment\0\0" + _zeros(256 * _MIB))
    ),
    "hole-of-200-mb.jpg": lambda picture: picture,
    "endless-segments.jpg": lambda _: b"\xff\xd8" + _segment(0xE5, b"") * _ENDLESS_SEGMENTS,
    "endless-fill.jpg": lambda _: b"\xff\xd8" + b"\xff" * (8 * _MIB),
    "endless-scans.jpg": _many_scans,
    "looping-exif.jpg": _looping_exif,
    "looping.tif": _looping_tiff,
    "no-boxes.heic": lambda _: _boxes(b"heic"),
    "no-boxes.mp4": lambda _: _boxes(b"isom"),
    "no-sensor.cr2": lambda _: b"II*\0\x10\0\0\0CR\x02\0" + _noise(50_000),
}
