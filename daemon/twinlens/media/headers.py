"""The size a header states, for pictures that Pillow refuses before it tells their size."""

import struct
import zlib


def stated_size(head: bytes) -> tuple[int, int] | None:
    """Width and height from the first 64 bytes of a PNG or WebP; None where they are not sound."""
    try:
        size = _png(head) if head.startswith(b"\x89PNG") else _webp(head)
    except struct.error:
        return None
    return size if size and all(size) else None


def _png(head: bytes) -> tuple[int, int] | None:
    kind, width, height = struct.unpack_from(">4sII", head, 12)
    (checksum,) = struct.unpack_from(">I", head, 29)
    is_sound = kind == b"IHDR" and zlib.crc32(head[12:29]) == checksum
    return (width, height) if is_sound else None


def _webp(head: bytes) -> tuple[int, int] | None:
    """The three layouts of https://developers.google.com/speed/webp/docs/riff_container."""
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    form = head[12:16]
    if form == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if form == b"VP8L":
        bits = struct.unpack_from("<I", head, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")
