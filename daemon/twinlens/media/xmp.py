"""The few XMP properties that decide something, spelt as exiftool spells them.

A packet is bounded in size, may not declare entities, and gives only plain values of known names:
structures, histories and everything else stay unread. exiftool is the fallback, not the rule,
because editors write XMP into nearly every picture they touch.
"""

import re
from typing import Final
from xml.etree import ElementTree

from twinlens.errors import MediaError
from twinlens.model.unjudged import XMP_TOO_LARGE

MOST_BYTES: Final = 1 << 20
_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"

_NAMES: Final = {
    "http://ns.adobe.com/xap/1.0/": "CreateDate ModifyDate CreatorTool Rating",
    "http://ns.adobe.com/exif/1.0/": (
        "DateTimeOriginal DateTimeDigitized GPSTimeStamp=GPSDateTime GPSLatitude GPSLongitude "
        "ImageUniqueID"
    ),
    "http://ns.adobe.com/tiff/1.0/": "Make Model Orientation DateTime Software",
    "http://ns.adobe.com/photoshop/1.0/": "DateCreated",
    "http://ns.adobe.com/pdfx/1.3/": "CreationDate",
    "http://ns.adobe.com/exif/1.0/aux/": "SerialNumber Lens ImageNumber",
    "http://cipa.jp/exif/1.0/": "BodySerialNumber=SerialNumber LensModel",
    "http://ns.adobe.com/xap/1.0/mm/": "DocumentID OriginalDocumentID",
    "http://ns.google.com/photos/1.0/camera/": (
        "MotionPhoto MotionPhotoVersion MotionPhotoPresentationTimestampUs MicroVideo "
        "MicroVideoVersion MicroVideoOffset BurstID BurstPrimary SpecialTypeID"
    ),
}
"""Namespace to property names; `Property=Tag` where exiftool names it otherwise."""
_TAGS: Final = {
    f"{{{namespace}}}{name.partition('=')[0]}": name.partition("=")[2] or name
    for namespace, names in _NAMES.items()
    for name in names.split()
}
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?\s*(\S*))?")
_COORDINATE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEWnsew])")


def read_xmp(packet: bytes) -> dict[str, str]:
    """Tags of an XMP packet or sidecar, `XMP:Name` to text; positions in signed degrees.

    Raises `MediaError` for a packet that is too large, declares entities or is not XML.
    """
    if len(packet) > MOST_BYTES:
        raise MediaError(XMP_TOO_LARGE)
    text = _decoded(packet)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise MediaError("XMP with declarations")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise MediaError(f"XMP that is not XML: {error}") from error
    tags: dict[str, str] = {}
    for description in root.iter(_RDF + "Description"):
        values = list(description.attrib.items())
        values += [(child.tag, child.text or "") for child in description if len(child) == 0]
        for key, value in values:
            if key in _TAGS:
                tags.setdefault("XMP:" + _TAGS[key], _as_exiftool(value.strip()))
    return tags


def _decoded(packet: bytes) -> str:
    """Text without byte order marks, padding and XML declaration (which would name an encoding)."""
    if packet.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = packet.decode("utf-16", "replace")
    else:
        text = packet.decode("utf-8", "replace")
    text = text.strip("\ufeff\0 \t\r\n")
    # A second mark after the packet's header is common and is not allowed by XML.
    text = text.replace("\ufeff", "")
    return re.sub(r"^<\?xml[^>]*\?>", "", text).lstrip()


def _as_exiftool(value: str) -> str:
    date = _DATE.fullmatch(value)
    if date:
        day = ":".join(date.group(1, 2, 3))
        return f"{day} {date[4]}{date[5] or ''}{date[6] or ''}" if date[4] else day
    position = _COORDINATE.fullmatch(value)
    if position:
        degrees = int(position[1]) + float(position[2]) / 60 + float(position[3] or 0) / 3600
        return repr(-degrees if position[4] in "SWsw" else degrees)
    return value
