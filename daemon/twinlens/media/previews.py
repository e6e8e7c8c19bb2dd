"""The picture that a camera put into its RAW for showing: decoded instead of the sensor's data."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Final

from PIL import Image

from twinlens.analysis.ifd import read_directories
from twinlens.media.decoding import decode
from twinlens.media.exiftool import ExifTool, ExifToolError
from twinlens.media.reading import Content

_NAMES: Final = frozenset(
    {"JpgFromRaw", "PreviewImage", "OtherImage", "ThumbnailImage", "PreviewTIFF"}
)
_CRW: Final = "image/x-canon-crw"
_IN_CRW: Final = ["MakerNotes:JpgFromRaw", "MakerNotes:ThumbnailImage"]

_MOST_BYTES = 48 << 20
_LEAST_BYTES = 512
_TRIES = 3
_BINARY = re.compile(r"\(Binary data (\d+) bytes")
_SIDEWAYS = (5, 6, 7, 8)
_TIFF_STARTS = (b"II*\0", b"MM\0*")


def preview_names(media_type: str) -> frozenset[str]:
    """The tags to ask for beside the others, to learn which previews a RAW has and how large.

    Not of a CRW: exiftool 12.57, once it has given one's bytes, gives the bytes of every later one
    where only the length was asked, and takes seconds to write them down as text.
    """
    return frozenset() if media_type == _CRW else _NAMES


def previews_in(tags: Mapping[str, str], media_type: str) -> list[str]:
    """The previews of a RAW, largest first; without those too small to be a picture."""
    if media_type == _CRW:
        return _IN_CRW
    sizes = {
        tag: int(match[1])
        for tag, value in tags.items()
        if tag.partition(":")[2] in _NAMES and (match := _BINARY.match(value))
    }
    fitting = [tag for tag, size in sizes.items() if _LEAST_BYTES <= size <= _MOST_BYTES]
    return sorted(fitting, key=lambda tag: (-sizes[tag], tag))


def raw_thumbnail(
    content: Content,
    previews: Sequence[str],
    tool: ExifTool,
    most_pixels: int,
    *,
    orientation: int | None,
    is_landscape: bool,
) -> Image.Image | None:
    """An upright grey thumbnail from the first preview that decodes; None where none does.

    `orientation` is the RAW's, `is_landscape` says how its pixels are stored. Previews are stored
    like the sensor and turned as the RAW says, except those that are upright already.
    """
    for tag in previews[:_TRIES]:
        try:
            data = tool.read_binary(content.path_for_programs(), tag, _MOST_BYTES)
        except ExifToolError:
            continue
        media_type = "image/jpeg" if data.startswith(b"\xff\xd8") else "image/tiff"
        header = decode(io.BytesIO(data), media_type, most_pixels, is_header_enough=True)
        turn = orientation or 1
        if turn in _SIDEWAYS and header.width and header.height:
            is_upright_already = is_landscape and header.height > header.width
            turn = 1 if is_upright_already else turn
        decoded = decode(io.BytesIO(data), media_type, most_pixels, orientation=turn)
        if decoded.thumbnail is not None:
            return decoded.thumbnail
    return _first_directory(content, most_pixels)


def _first_directory(content: Content, most_pixels: int) -> Image.Image | None:
    """The first picture of a RAW that is a TIFF and calls it a reduced one (many DNGs)."""
    if not content.head.startswith(_TIFF_STARTS):
        return None
    if not read_directories(content.read_at).is_reduced:
        return None
    with content.open() as stream:
        return decode(stream, "image/tiff", most_pixels).thumbnail
