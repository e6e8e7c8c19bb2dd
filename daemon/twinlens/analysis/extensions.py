"""What a file's extension promises, spelt as exiftool spells it.

Content decides what a file is; this table only breaks ties among TIFF-based RAWs, names an empty
file, and tells when a name promises a picture that the content is not. Source: field rules,
section 1, and the MIME table of exiftool 12.57.
"""

import os
from typing import Final

from twinlens.model.picture import Kind, MediaType

_IMAGES: Final = {
    "image/jpeg": "jpg jpeg jpe jif jfif jfi mpo",
    "image/heic": "heic heics avci",
    "image/heif": "heif heifs hif",
    "image/avif": "avif avifs",
    "image/png": "png apng",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/tiff": "tif tiff",
    "image/bmp": "bmp dib",
    "image/jp2": "jp2",
    "image/jxl": "jxl",
    "image/x-icon": "ico",
}
_TIFF_RAWS: Final = {
    "image/x-hasselblad-3fr": "3fr",
    "image/x-sony-arw": "arw",
    "image/x-raw": "bay cap dcs drf iiq mdc mos obm ptx pxn raw rwz",
    "image/x-canon-cr2": "cr2",
    "image/x-kodak-dcr": "dcr",
    "image/x-adobe-dng": "dng",
    "image/x-epson-erf": "erf",
    "image/x-hasselblad-fff": "fff",
    "image/x-gopro-gpr": "gpr",
    "image/x-kodak-k25": "k25",
    "image/x-kodak-kdc": "kdc",
    "image/x-mamiya-mef": "mef",
    "image/x-nikon-nef": "nef",
    "image/x-nikon-nrw": "nrw",
    "image/x-pentax-pef": "pef",
    "image/x-leica-rwl": "rwl",
    "image/x-sony-sr2": "sr2",
    "image/x-sony-srf": "srf",
    "image/x-samsung-srw": "srw",
}
_OTHER_RAWS: Final = {
    "image/x-raw": "ari",
    "image/x-canon-cr3": "cr3",
    "image/x-canon-crw": "crw",
    "image/x-minolta-mrw": "mrw",
    "image/x-olympus-orf": "orf ori",
    "image/x-fujifilm-raf": "raf",
    "image/x-panasonic-rw2": "rw2",
    "image/x-sigma-x3f": "x3f",
}
_VIDEOS: Final = {
    "video/mp4": "mp4 insv",
    "video/quicktime": "mov qt",
    "video/x-m4v": "m4v",
    "video/x-msvideo": "avi",
    "video/x-matroska": "mkv",
    "video/webm": "webm",
    "video/m2ts": "mts m2ts m2t ts",
    "video/3gpp": "3gp 3gpp",
    "video/3gpp2": "3g2",
    "video/mpeg": "mpg mpeg vob",
    "video/x-ms-wmv": "wmv",
}
_SIDECARS: Final = {
    "application/rdf+xml": "xmp",
    "application/vnd.apple.photos": "aae",
    "text/plain": "pp3 dop cos on1",
    "image/jpeg": "thm",
    "video/mp4": "lrv",
}
_OTHERS: Final = {"application/json": "json", "text/html": "html htm"}


def _table(kind: Kind, media_types: dict[str, str]) -> dict[str, MediaType]:
    return {
        extension: MediaType(media_type, kind)
        for media_type, extensions in media_types.items()
        for extension in extensions.split()
    }


TIFF_RAW_BY_EXTENSION: Final = _table(Kind.RAW, _TIFF_RAWS)
MEDIA_BY_EXTENSION: Final = {
    **_table(Kind.IMAGE, _IMAGES),
    **TIFF_RAW_BY_EXTENSION,
    **_table(Kind.RAW, _OTHER_RAWS),
    **_table(Kind.VIDEO, _VIDEOS),
    **_table(Kind.SIDECAR, _SIDECARS),
    **_table(Kind.OTHER, _OTHERS),
}
UNKNOWN: Final = MediaType("application/octet-stream", Kind.OTHER)
EMPTY: Final = MediaType("inode/x-empty", Kind.OTHER)
"""What file(1) calls a file without a byte."""

_AMBIGUOUS: Final = frozenset({"raw", "cap", "ts", "bay", "mdc", "dcs"})
"""Extensions that programs without pictures use as well: they promise nothing."""


def extension_of(name: bytes) -> str:
    """The lower-case extension without its dot; empty where there is none."""
    return os.path.splitext(name)[1][1:].lower().decode("ascii", "replace")


def promised_by(name: bytes) -> MediaType:
    """What the extension alone says; `UNKNOWN` where it says nothing."""
    return MEDIA_BY_EXTENSION.get(extension_of(name), UNKNOWN)


def promises_a_picture(name: bytes) -> bool:
    """True where the extension leaves no doubt that a picture or a video was meant."""
    promised = promised_by(name)
    return (
        promised.kind in (Kind.IMAGE, Kind.RAW, Kind.VIDEO) and extension_of(name) not in _AMBIGUOUS
    )
