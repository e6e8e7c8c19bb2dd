"""What a file is, decided by its content.

A name never changes what a content is: the same bytes may lie under many names, seen in any order.
Where the content leaves a choice (which TIFF-based RAW, which sidecar), `as_named` makes it for one
file and its name. Nothing here decodes.
"""

import re
from typing import Final

from twinlens.analysis.extensions import (
    EMPTY,
    MEDIA_BY_EXTENSION,
    TIFF_RAW_BY_EXTENSION,
    UNKNOWN,
    extension_of,
    promised_by,
    promises_a_picture,
)
from twinlens.analysis.ifd import Directories, ReadAt, read_directories
from twinlens.model.picture import Kind, MediaType

HEAD_BYTES: Final = 64 * 1024
"""How much of a file's beginning `recognise` wants to see; less is allowed."""

_SIGNATURES: Final = (
    (b"\xff\xd8\xff", MediaType("image/jpeg", Kind.IMAGE)),
    (b"\x89PNG\r\n\x1a\n", MediaType("image/png", Kind.IMAGE)),
    (b"GIF87a", MediaType("image/gif", Kind.IMAGE)),
    (b"GIF89a", MediaType("image/gif", Kind.IMAGE)),
    (b"\0\0\0\x0cjP  \r\n\x87\n", MediaType("image/jp2", Kind.IMAGE)),
    (b"\0\0\0\x0cJXL \r\n\x87\n", MediaType("image/jxl", Kind.IMAGE)),
    (b"\xff\x0a", MediaType("image/jxl", Kind.IMAGE)),
    (b"\xff\x4f\xff\x51", MediaType("image/x-j2c", Kind.IMAGE)),
    (b"FUJIFILMCCD-RAW", MediaType("image/x-fujifilm-raf", Kind.RAW)),
    (b"II\x1a\0\0\0HEAPCCDR", MediaType("image/x-canon-crw", Kind.RAW)),
    (b"\0MRM", MediaType("image/x-minolta-mrw", Kind.RAW)),
    (b"FOVb", MediaType("image/x-sigma-x3f", Kind.RAW)),
    (b"IIRO", MediaType("image/x-olympus-orf", Kind.RAW)),
    (b"IIRS", MediaType("image/x-olympus-orf", Kind.RAW)),
    (b"MMOR", MediaType("image/x-olympus-orf", Kind.RAW)),
    (b"ARRI\x12\x34\x56\x78", MediaType("image/x-raw", Kind.RAW)),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", MediaType("video/x-ms-wmv", Kind.VIDEO)),
    (b"FLV\x01", MediaType("video/x-flv", Kind.VIDEO)),
    (b"\0\0\x01\xba", MediaType("video/mpeg", Kind.VIDEO)),
    (b"\0\0\x01\xb3", MediaType("video/mpeg", Kind.VIDEO)),
    (b"8BPS", MediaType("image/vnd.adobe.photoshop", Kind.OTHER)),
    (b"%PDF-", MediaType("application/pdf", Kind.OTHER)),
    (b"%!PS", MediaType("application/postscript", Kind.OTHER)),
    (b"AT&TFORM", MediaType("image/vnd.djvu", Kind.OTHER)),
    (b"SIMPLE  =", MediaType("image/fits", Kind.OTHER)),
    (b"PK\x03\x04", MediaType("application/zip", Kind.OTHER)),
    (b"\x1f\x8b", MediaType("application/x-gzip", Kind.OTHER)),
    (b"\0\x05\x16\x07", MediaType("application/unknown", Kind.OTHER)),
)
_TIFF_STARTS: Final = (b"II*\0", b"MM\0*")
_BIG_TIFF_STARTS: Final = (b"II+\0", b"MM\0+")
_PANASONIC_START: Final = b"IIU\0"

_BRANDS: Final = {
    b"heic": "image/heic",
    **dict.fromkeys((b"heix", b"heim", b"heis", b"mif1", b"miaf"), "image/heif"),
    **dict.fromkeys((b"hevc", b"hevx"), "image/heic-sequence"),
    b"msf1": "image/heif-sequence",
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    b"crx ": "image/x-canon-cr3",
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"M4V ", b"M4VH", b"M4VP"), "video/x-m4v"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), "audio/mp4"),
}
"""The `ftyp` brands that stand for something else than an MP4 video."""
_QUICKTIME_BOXES: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})

_MAKERS: Final = (
    ("NIKON", "image/x-nikon-nef"),
    ("SONY", "image/x-sony-arw"),
    ("PENTAX", "image/x-pentax-pef"),
    ("RICOH", "image/x-pentax-pef"),
    ("SAMSUNG", "image/x-samsung-srw"),
    ("HASSELBLAD", "image/x-hasselblad-3fr"),
    ("SEIKO EPSON", "image/x-epson-erf"),
    ("MAMIYA", "image/x-mamiya-mef"),
    ("EASTMAN KODAK", "image/x-kodak-kdc"),
    ("KODAK", "image/x-kodak-kdc"),
)
_TIFF_FAMILY: Final = frozenset(
    {MEDIA_BY_EXTENSION["tif"].media_type, "image/x-raw", *(media for _, media in _MAKERS)}
)
"""TIFFs whose content does not say for certain which RAW they are, or whether they are one."""
_DNG: Final = TIFF_RAW_BY_EXTENSION["dng"].media_type
_RAW: Final = MediaType("image/x-raw", Kind.RAW)
_PLAIN_TEXT: Final = MediaType("text/plain", Kind.OTHER)
_SETTINGS: Final = MEDIA_BY_EXTENSION["pp3"]
_PROPERTY_LIST: Final = MediaType("application/x-plist", Kind.OTHER)
_TAKEOUT_KEYS: Final = (b'"photoTakenTime"', b'"photoLastModifiedTime"', b'"albumData"')
_ALBUM_KEYS: Final = (b'"title"', b'"access"', b'"date"')
_LABELS: Final = {
    "text/html": "HTML",
    "text/plain": "text",
    "application/json": "JSON",
    "application/rdf+xml": "XMP",
    "application/vnd.apple.photos": "an Apple edit list",
    "application/pdf": "PDF",
    "application/zip": "a ZIP archive",
    "application/x-plist": "a property list",
    "application/x-gzip": "a gzip archive",
    "application/x-tar": "a tar archive",
    "application/postscript": "PostScript",
    "application/unknown": "an AppleDouble resource file",
    "audio/mp4": "audio",
    "image/svg+xml": "SVG",
    "image/vnd.adobe.photoshop": "a Photoshop document",
    "image/vnd.djvu": "DjVu",
    "image/fits": "FITS",
}


def recognise(head: bytes, read_at: ReadAt | None = None) -> MediaType:
    """Say what the content is whose first bytes are `head`; an empty one is nothing yet.

    `read_at` reaches the directories of a TIFF that lie beyond the head.
    """
    if not head:
        return EMPTY
    return (
        _by_tiff(head, read_at or (lambda offset, size: head[offset : offset + size]))
        or _by_signature(head)
        or _by_container(head)
        or _by_text(head)
        or UNKNOWN
    )


def as_named(media: MediaType, name: bytes) -> MediaType:
    """What one file is: its content, with the choices that the content leaves made by its name.

    A preview that a camera lays beside its own file (THM, LRV) is a sidecar, not a picture.
    """
    extension = extension_of(name)
    if (extension == "thm" and media.kind is Kind.IMAGE) or (
        extension == "lrv" and media.kind is Kind.VIDEO
    ):
        return MediaType(media.media_type, Kind.SIDECAR)
    promised = promised_by(name)
    if media.media_type in _TIFF_FAMILY and extension in TIFF_RAW_BY_EXTENSION:
        return promised
    if media.media_type == _DNG and extension == "gpr":
        return promised
    if media == _PLAIN_TEXT and (extension == "json" or promised == _SETTINGS):
        return promised
    return promised if media == _PROPERTY_LIST and extension == "aae" else media


def contradiction(name: bytes, media: MediaType) -> str | None:
    """Why a name that promises a picture is a lie about a file that is `media`; None if it is no
    lie."""
    if media.kind not in (Kind.OTHER, Kind.SIDECAR) or not promises_a_picture(name):
        return None
    label = _LABELS.get(media.media_type, "not a known picture")
    return f"named .{extension_of(name)} but is {label}"


def _by_signature(head: bytes) -> MediaType | None:
    for start, media in _SIGNATURES:
        if head.startswith(start):
            return media
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and head[15:18] == b"\0\0\0":
        return MediaType("image/bmp", Kind.IMAGE)
    if head.startswith(b"\0\0\x01\0") and 0 < int.from_bytes(head[4:6], "little") < 256:
        return MediaType("image/x-icon", Kind.IMAGE)
    if head[257:262] == b"ustar":
        return MediaType("application/x-tar", Kind.OTHER)
    return None


def _by_container(head: bytes) -> MediaType | None:
    if head.startswith(b"RIFF"):
        form = {
            b"WEBP": MediaType("image/webp", Kind.IMAGE),
            b"AVI ": MediaType("video/x-msvideo", Kind.VIDEO),
        }
        return form.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[4:8] in _QUICKTIME_BOXES:
        return MediaType("video/quicktime", Kind.VIDEO)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        is_webm = b"webm" in head[:64]
        return MediaType("video/webm" if is_webm else "video/x-matroska", Kind.VIDEO)
    for first, packet in ((0, 188), (4, 192)):
        syncs = head[first : first + 4 * packet : packet]
        if len(syncs) == 4 and syncs == b"GGGG":
            return MediaType("video/m2ts", Kind.VIDEO)
    return None


def _by_brand(head: bytes) -> MediaType:
    end = min(int.from_bytes(head[:4], "big"), len(head), 256)
    major = head[8:12]
    compatible = [head[at : at + 4] for at in range(16, end - 3, 4)]
    if major.startswith((b"3gp", b"3gr", b"3gs", b"3ge", b"3gg")):
        return MediaType("video/3gpp", Kind.VIDEO)
    if major.startswith(b"3g2"):
        return MediaType("video/3gpp2", Kind.VIDEO)
    media_type = _BRANDS.get(major, "video/mp4")
    if media_type == "image/heif" and b"avif" in compatible and b"heic" not in compatible:
        media_type = "image/avif"
    if media_type == "image/x-canon-cr3":
        return MediaType(media_type, Kind.RAW)
    if media_type.startswith("image/"):
        return MediaType(media_type, Kind.IMAGE)
    return MediaType(media_type, Kind.VIDEO if media_type.startswith("video/") else Kind.OTHER)


def _by_tiff(head: bytes, read_at: ReadAt) -> MediaType | None:
    if head.startswith(_PANASONIC_START):
        is_leica = read_directories(read_at).make.startswith("LEICA")
        return MediaType("image/x-leica-rwl" if is_leica else "image/x-panasonic-rw2", Kind.RAW)
    if head.startswith(_BIG_TIFF_STARTS):
        return MEDIA_BY_EXTENSION["tif"]
    if not head.startswith(_TIFF_STARTS):
        return None
    if head[8:10] == b"CR" and head[10:11] == b"\x02":
        return TIFF_RAW_BY_EXTENSION["cr2"]
    if head[8:16] in (b"IIIITwaR", b"IIIIRawT", b"MMMMRawT"):
        return MediaType("image/x-raw", Kind.RAW)
    return _tiff_raw(read_directories(read_at))


def _tiff_raw(found: Directories) -> MediaType:
    """Choose among the RAWs that are TIFFs: DNG says so itself, the rest show the sensor's data.

    A TIFF that was exported from a RAW keeps the maker's name, so the maker alone proves nothing:
    without sensor data, IFD0 must also be a reduced picture with the real one below it.
    """
    if found.is_dng:
        return TIFF_RAW_BY_EXTENSION["dng"]
    if found.has_sensor_data or (found.is_reduced and found.has_sub_directories):
        for maker, media_type in _MAKERS:
            if found.make.startswith(maker):
                return MediaType(media_type, Kind.RAW)
    return _RAW if found.has_sensor_data else MEDIA_BY_EXTENSION["tif"]


def _by_text(head: bytes) -> MediaType | None:
    if head.startswith(b"bplist00"):
        return _PROPERTY_LIST
    if head.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<")):
        head = head.decode("utf-16", "replace").encode()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{") and _is_takeout(text):
        return MediaType("application/json", Kind.SIDECAR)
    if text.startswith(b"<"):
        markup = _by_markup(text)
        if markup is not None:
            return markup
    return _PLAIN_TEXT if _is_text(head) else None


def _by_markup(text: bytes) -> MediaType | None:
    start = text[:256].lower()
    if start.startswith((b"<?xpacket", b"<x:xmpmeta", b"<rdf:rdf")):
        return MEDIA_BY_EXTENSION["xmp"]
    if start.startswith(b"<?xml"):
        return _by_xml(text)
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return MEDIA_BY_EXTENSION["html"]
    return MediaType("image/svg+xml", Kind.OTHER) if start.startswith(b"<svg") else None


def _by_xml(text: bytes) -> MediaType:
    if b"adjustmentFormatIdentifier" in text or b"adjustmentBaseVersion" in text:
        return MEDIA_BY_EXTENSION["aae"]
    if re.search(rb"<(x:xmpmeta|rdf:RDF)\b", text):
        return MEDIA_BY_EXTENSION["xmp"]
    if re.search(rb"<svg\b", text):
        return MediaType("image/svg+xml", Kind.OTHER)
    if re.search(rb"<html\b", text, re.IGNORECASE):
        return MEDIA_BY_EXTENSION["html"]
    return MediaType("application/xml", Kind.OTHER)


def _is_takeout(text: bytes) -> bool:
    return any(key in text for key in _TAKEOUT_KEYS) or all(key in text for key in _ALBUM_KEYS)


def _is_text(head: bytes) -> bool:
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character that the end of the head cuts
    return True
