"""Tags of a picture that Pillow has opened, in exiftool's spelling, without asking exiftool.

Most pictures need nothing else. It says itself where there is more than it can read: the maker
notes of cameras, foreign segments, text chunks, damage.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from PIL import ExifTags, Image

from twinlens.errors import MediaError
from twinlens.media.apple import is_apple, read_apple
from twinlens.media.iptc import read_iptc
from twinlens.media.xmp import read_xmp

_BASE: Final = {
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x0132: "ModifyDate",
    0x4746: "Rating",
    0x882A: "TimeZoneOffset",
    0x9003: "DateTimeOriginal",
    0x9004: "CreateDate",
    0x9010: "OffsetTime",
    0x9011: "OffsetTimeOriginal",
    0x9012: "OffsetTimeDigitized",
    0x9211: "ImageNumber",
    0x9290: "SubSecTime",
    0x9291: "SubSecTimeOriginal",
    0x9292: "SubSecTimeDigitized",
    0xA420: "ImageUniqueID",
    0xA431: "SerialNumber",
    0xA433: "LensMake",
    0xA434: "LensModel",
}
_ORIENTATION: Final = 0x0112
_MAKER_NOTE: Final = 0x927C
_XMP: Final = 0x02BC
_IPTC: Final = 0x83BB
_PHOTOSHOP_IPTC: Final = 0x0404
_PLAIN_TEXT_KEYS: Final = frozenset({"xmp", "exif", "XML:com.adobe.xmp"})
_TRAVERSAL_ERRORS: Final = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error),
    *(ZeroDivisionError, OverflowError, SyntaxError, RecursionError, EOFError),
)
"""What reading damaged EXIF was seen to raise in Pillow."""


@dataclass(slots=True)
class EmbeddedTags:
    """Tags as found (`Group:Name`), the orientation (1 to 8), and whether exiftool knows more."""

    tags: dict[str, str] = field(default_factory=dict)
    orientation: int | None = None
    is_complete: bool = True
    """Nothing but maker notes was left unread."""
    has_unread_notes: bool = False


def read_embedded(image: Image.Image) -> EmbeddedTags:
    """Read what an opened picture carries; damage makes it incomplete, it never raises."""
    found = EmbeddedTags()
    for part in (_read_exif, _read_xmp, _read_iptc, _look_further):
        _contained(part, image, found)
    return found


def _contained(
    part: Callable[[Image.Image, EmbeddedTags], None], image: Image.Image, found: EmbeddedTags
) -> None:
    try:
        part(image, found)
    except _TRAVERSAL_ERRORS:
        found.is_complete = False


def _read_exif(image: Image.Image, found: EmbeddedTags) -> None:
    exif = image.getexif()
    orientation = exif.get(_ORIENTATION)
    if isinstance(orientation, int) and 1 <= orientation <= 8:
        found.orientation = orientation
    _take(exif, found)
    if _IPTC in exif or (_XMP in exif and "xmp" not in image.info):
        found.is_complete = False
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    _take(detail, found)
    notes = detail.get(_MAKER_NOTE)
    if isinstance(notes, bytes) and is_apple(notes):
        found.tags.update(read_apple(notes))
    else:
        found.has_unread_notes = notes is not None
    _read_gps(exif.get_ifd(ExifTags.IFD.GPSInfo), found.tags)


def _take(directory: Mapping[int, Any], found: EmbeddedTags) -> None:
    for number, name in _BASE.items():
        if number in directory:
            found.tags.setdefault("EXIF:" + name, _text(directory[number]))


def _text(value: object) -> str:
    """A value as exiftool prints it. EXIF text is ASCII by standard and UTF-8 in practice."""
    if isinstance(value, str):
        value = value.encode("latin-1", "replace")
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("utf-8", "replace")
    if isinstance(value, tuple | list):
        return " ".join(_text(part) for part in value[:8])
    return str(value)


def _read_gps(directory: Mapping[int, Any], tags: dict[str, str]) -> None:
    latitude = _degrees(directory.get(2), directory.get(1), "S")
    longitude = _degrees(directory.get(4), directory.get(3), "W")
    if latitude is not None and longitude is not None:
        tags["Composite:GPSLatitude"] = repr(latitude)
        tags["Composite:GPSLongitude"] = repr(longitude)
    altitude = _fraction(directory.get(6))
    if altitude is not None:
        is_below_sea = directory.get(5) in (1, b"\x01")
        tags["Composite:GPSAltitude"] = repr(float(-altitude if is_below_sea else altitude))
    clock = _fractions(directory.get(7))
    day = _text(directory.get(29, "")).strip()
    if len(clock) == 3:
        seconds = f"{float(clock[2]):09.6f}".rstrip("0").rstrip(".")
        tags["EXIF:GPSTimeStamp"] = f"{int(clock[0]):02d}:{int(clock[1]):02d}:{seconds}"
    if day:
        tags["EXIF:GPSDateStamp"] = day
    if day and len(clock) == 3:
        tags["Composite:GPSDateTime"] = f"{day} {tags['EXIF:GPSTimeStamp']}Z"


def _degrees(value: object, reference: object, negative: str) -> float | None:
    parts = _fractions(value)
    if not parts:
        return None
    degrees = float(sum(part / 60**power for power, part in enumerate(parts[:3])))
    return -degrees if _text(reference).strip().upper().startswith(negative) else degrees


def _fractions(value: object) -> list[Fraction]:
    if not isinstance(value, tuple | list):
        return []
    parts = [_fraction(part) for part in value[:3]]
    return [] if None in parts else [part for part in parts if part is not None]


def _fraction(value: Any) -> Fraction | None:
    if value is None or isinstance(value, str | bytes):
        return None
    denominator = getattr(value, "denominator", 1)
    return Fraction(int(value.numerator), int(denominator)) if denominator else None


def _read_xmp(image: Image.Image, found: EmbeddedTags) -> None:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if not packet:
        return
    try:
        tags = read_xmp(packet.encode() if isinstance(packet, str) else bytes(packet))
    except MediaError:
        found.is_complete = False
        return
    found.tags.update(tags)
    orientation = tags.get("XMP:Orientation", "")
    if found.orientation is None and orientation in list("12345678"):
        found.orientation = int(orientation)


def _read_iptc(image: Image.Image, found: EmbeddedTags) -> None:
    blocks = image.info.get("photoshop")
    if isinstance(blocks, dict) and isinstance(blocks.get(_PHOTOSHOP_IPTC), bytes):
        found.tags.update(read_iptc(blocks[_PHOTOSHOP_IPTC]))


def _look_further(image: Image.Image, found: EmbeddedTags) -> None:
    """See what only exiftool reads: a JPEG's foreign segments, a PNG's text, a sequence's times."""
    if image.format in {"AVIF", "HEIF"} and getattr(image, "n_frames", 1) > 1:
        found.is_complete = False
    for name, content in getattr(image, "applist", ()):
        is_ciff = name == "APP0" and content[6:14] == b"HEAPJPGM"
        is_picture_info = name == "APP12" and not content.startswith(b"Ducky")
        if is_ciff or is_picture_info:
            found.is_complete = False
    if image.format == "PNG" and any(
        isinstance(value, str) and key not in _PLAIN_TEXT_KEYS for key, value in image.info.items()
    ):
        found.is_complete = False
