"""The picture that a camera put into its RAW for showing: decoded instead of the sensor's data."""

import io
import re
from collections.abc import Mapping
from typing import Final

from PIL import Image

from twinlens.media.decoding import decode
from twinlens.media.exiftool import ExifTool, ExifToolError
from twinlens.media.reading import Content

PREVIEW_TAGS: Final = ("JpgFromRaw", "PreviewImage", "OtherImage", "ThumbnailImage", "PreviewTIFF")

_MOST_BYTES = 48 << 20
_LEAST_BYTES = 512
_TRIES = 3
_BINARY = re.compile(r"\(Binary data (\d+) bytes")
_SIDEWAYS = (5, 6, 7, 8)


def raw_thumbnail(
    content: Content,
    tags: Mapping[str, str],
    tool: ExifTool,
    most_pixels: int,
    *,
    orientation: int | None,
    is_landscape: bool,
) -> Image.Image | None:
    """An upright grey thumbnail from the largest preview that decodes; None where there is none.

    `orientation` is the RAW's, `is_landscape` says how its pixels are stored. Previews are stored
    like the sensor and turned as the RAW says, except those that are upright already.
    """
    for tag in _largest_first(tags)[:_TRIES]:
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
    return None


def _largest_first(tags: Mapping[str, str]) -> list[str]:
    """The preview tags among the tags, by size; what is too small to be a picture is left out."""
    sizes = {
        tag: int(match[1])
        for tag, value in tags.items()
        if tag.partition(":")[2] in PREVIEW_TAGS and (match := _BINARY.match(value))
    }
    fitting = [tag for tag, size in sizes.items() if _LEAST_BYTES <= size <= _MOST_BYTES]
    return sorted(fitting, key=lambda tag: (-sizes[tag], tag))
