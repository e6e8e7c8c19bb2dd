"""The dates in IPTC-IIM records, as Photoshop keeps them in a JPEG."""

from typing import Final

_TAGS: Final = {
    (2, 55): "IPTC:DateCreated",
    (2, 60): "IPTC:TimeCreated",
    (2, 62): "IPTC:DigitalCreationDate",
    (2, 63): "IPTC:DigitalCreationTime",
}
_MARK = 0x1C
_MOST_RECORDS = 4096
_LONG = 0x8000


def read_iptc(block: bytes) -> dict[str, str]:
    """Tags of an IPTC block in exiftool's spelling; it stops at the first byte out of place."""
    tags: dict[str, str] = {}
    at = 0
    for _ in range(_MOST_RECORDS):
        if at + 5 > len(block) or block[at] != _MARK:
            break
        key = (block[at + 1], block[at + 2])
        length = int.from_bytes(block[at + 3 : at + 5], "big")
        if length & _LONG:
            break
        value = block[at + 5 : at + 5 + length].decode("latin-1").strip("\0 ")
        at += 5 + length
        if key in _TAGS:
            tags.setdefault(_TAGS[key], _as_exiftool(value))
    return tags


def _as_exiftool(value: str) -> str:
    """`20190501` and `102030+0200`, with the colons that exiftool puts in."""
    if len(value) == 8 and value.isdigit():
        return f"{value[:4]}:{value[4:6]}:{value[6:]}"
    if len(value) in (6, 11) and value[:6].isdigit():
        zone = f"{value[6:9]}:{value[9:]}" if len(value) == 11 else ""
        return f"{value[:2]}:{value[2:4]}:{value[4:6]}{zone}"
    return value
