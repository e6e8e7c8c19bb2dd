"""The image-data hash: a digest of the coded pixels of a file without anything said about them.

Two files that share it show the same picture bit for bit and differ in metadata only: rated,
stripped, re-dated. What is hashed, and what is left out:

- JPEG (ITU T.81): every segment from SOI to EOI but APPn and COM, and the scans' data. What
  follows EOI (a trailer, the pictures of an MPF, a video) does not count. An Adobe marker's colour
  transform does, where it is not the one that decoders take without it.
- PNG: IHDR, PLTE, tRNS, gAMA, sRGB, cHRM and IDAT, with all IDAT joined.
- WebP: the payloads of VP8, VP8L and ALPH; of an animation nothing.

Orientation is metadata here: equal data may be shown turned. The ICC profile is left out. A TIFF,
HEIC or AVIF, whose pixels lie spread over the file, has no digest. Damage gives None, never an
error. It is a BLAKE3, because every picture pays for it beside its SHA-256: it proves as much, and
takes a part of the time of the quickest that hashlib has without instructions for SHA.
"""

import re
import struct
from collections.abc import Iterator
from itertools import chain
from typing import Final

from blake3 import blake3

_DIGEST_BYTES: Final = 20
_MOST_PARTS: Final = 100_000
"""A file in more pieces than this was made to be slow."""

_EOI: Final = 0xD9
_SOS: Final = 0xDA
_COM: Final = 0xFE
_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sRGB", b"cHRM"})
_WEBP_KEPT: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH"})


class _UnclearError(Exception):
    """The container does not hold together."""


def image_digest(data: bytes, media_type: str) -> str | None:
    """The digest of the coded pixels, hexadecimal, led by the format's name; None where there is
    none. `data` is the whole file.
    """
    readers = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
    reader = readers.get(media_type)
    if reader is None:
        return None
    digest = blake3()
    view = memoryview(data)
    try:
        for count, part in enumerate(reader(view)):
            if count > _MOST_PARTS:
                return None
            digest.update(part)
    except (_UnclearError, struct.error):
        return None
    return f"{media_type.removeprefix('image/')}:{digest.hexdigest(length=_DIGEST_BYTES)}"


def has_more_scans(data: bytes, most: int) -> bool:
    """Whether a JPEG has more than `most` scans before its end.

    Read as a decoder reads it, which passes over what stands between two segments and does not
    belong there: each scan it comes to costs a pass over the whole picture.
    """
    scans, place = 0, 2
    while scans <= most:
        found = _MARKER.search(data, place)
        if found is None or (marker := found[0][1]) == _EOI:
            return False
        place = found.end()
        if marker not in _STANDALONE:
            scans += marker == _SOS
            place += int.from_bytes(data[place : place + 2], "big")
    return True


def _jpeg(data: memoryview) -> Iterator[bytes | memoryview]:
    if bytes(data[:2]) != b"\xff\xd8":
        raise _UnclearError
    whole = data.obj
    assert isinstance(whole, bytes)
    place = 2
    has_scan = False
    while True:
        if place + 1 >= len(data) or data[place] != 0xFF:
            raise _UnclearError
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker == _EOI:
            if not has_scan:
                raise _UnclearError
            return
        elif marker in _STANDALONE:
            yield data[place : place + 2]
            place += 2
        else:
            (length,) = struct.unpack_from(">H", data, place + 2)
            after = place + 2 + length
            if length < 2 or after > len(data):
                raise _UnclearError
            if 0xE0 <= marker <= 0xEF:
                yield _jpeg_colours(data[place + 1 : after])
            elif marker != _COM:
                yield data[place:after]
            if marker == _SOS:
                has_scan = True
                end = _end_of_scan(whole, after)
                yield data[after:end]
                after = end
            place = after


def _jpeg_colours(segment: memoryview) -> bytes:
    """What of an application's segment decides how the components become colours."""
    payload = bytes(segment[3:15])
    if segment[0] == 0xEE and payload.startswith(b"Adobe") and payload[11:12] != b"\1":
        return b"Adobe" + payload[11:12]
    return b""


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the next marker stands that is neither a stuffed byte nor a restart."""
    found = _MARKER.search(data, place)
    if found is None:
        raise _UnclearError
    return found.start()


def _png(data: memoryview) -> Iterator[bytes | memoryview]:
    if bytes(data[:8]) != _PNG_START:
        raise _UnclearError
    place = 8
    pixels: list[memoryview] = []
    for _ in range(_MOST_PARTS):
        (length,) = struct.unpack_from(">I", data, place)
        name = bytes(data[place + 4 : place + 8])
        after = place + 12 + length
        if after > len(data) or name == b"acTL":
            raise _UnclearError
        if name == b"IEND":
            break
        if name == b"IDAT":
            pixels.append(data[place + 8 : after - 4])
        elif name in _PNG_KEPT:
            yield data[place : after - 4]
        place = after
    else:
        raise _UnclearError
    if not pixels:
        raise _UnclearError
    yield from chain((b"IDAT",), pixels)


def _webp(data: memoryview) -> Iterator[bytes | memoryview]:
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"WEBP":
        raise _UnclearError
    (stated,) = struct.unpack_from("<I", data, 4)
    end = stated + 8
    if end > len(data):
        raise _UnclearError
    place = 12
    has_pixels = False
    while place + 8 <= end:
        name = bytes(data[place : place + 4])
        (length,) = struct.unpack_from("<I", data, place + 4)
        after = place + 8 + length
        if after > end or name in (b"ANIM", b"ANMF"):
            raise _UnclearError
        if name in _WEBP_KEPT:
            has_pixels = has_pixels or name != b"ALPH"
            yield data[place:after]
        place = after + (length & 1)
    if not has_pixels:
        raise _UnclearError
