"""Turns the bytes of a picture into one small, upright, grey thumbnail and the facts around it.

The only place where Pillow opens anything. Only formats of the allow-list are tried, each only for
content that looks like it; what is too large to decode, or damaged, keeps the facts of its header.
Decoding is strict: half a picture is an error, not a picture with a grey half.
"""

import io
import os
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final, cast

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from twinlens.media.exif import EmbeddedTags, read_embedded
from twinlens.media.headers import stated_size
from twinlens.media.heif import HeifLayout, read_layout
from twinlens.media.image_data import has_more_scans
from twinlens.media.thumbnails import DRAFT_SIDE, chroma, grey, small, upright
from twinlens.model.unjudged import NO_DECODER, OUT_OF_MEMORY, TOO_LARGE

_FORMATS: Final = {
    "image/jpeg": (JpegImagePlugin.JpegImageFile.format,),
    "image/png": (PngImagePlugin.PngImageFile.format,),
    "image/webp": (WebPImagePlugin.WebPImageFile.format,),
    "image/gif": (GifImagePlugin.GifImageFile.format,),
    "image/tiff": (TiffImagePlugin.TiffImageFile.format,),
    "image/bmp": (BmpImagePlugin.BmpImageFile.format,),
    "image/jp2": (Jpeg2KImagePlugin.Jpeg2KImageFile.format,),
    "image/x-j2c": (Jpeg2KImagePlugin.Jpeg2KImageFile.format,),
    "image/x-icon": (IcoImagePlugin.IcoImageFile.format,),
    "image/avif": (AvifImagePlugin.AvifImageFile.format,),
    **dict.fromkeys(
        ("image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"), ("HEIF",)
    ),
}
_BOXED: Final = frozenset({"HEIF", "AVIF"})
_DRAFT_FACTOR = 8
_MOST_SCANS: Final = 500
"""An encoder writes about ten. Each is a pass over all blocks: libjpeg-turbo advises this limit
against files of 200 kB that keep a decoder busy for hours (its report LJT-01, issue 3)."""
_ORIENTATION_OF_QUARTERS: Final = {1: 8, 2: 3, 3: 6}
_ORIENTATION_TAG = 0x0112
_TEXT_TOO_LARGE = "broken: its text is larger than allowed"
_IS_OUT_OF_MEMORY: Final = re.compile(r"out of memory|^(de|en)coder error -9\b")
_PLAIN_WORDS: Final = (
    (re.compile(r"^(de|en)coder error -?\d+|^decoding error"), "its pixels cannot be decoded"),
    (re.compile(r"seek value|seek out of range"), "it points to a place outside of itself"),
)
"""What Pillow's own words mean, where they are a programmer's."""
_DECODER_ERRORS: Final = (
    *(OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError),
    *(EOFError, RuntimeError, NotImplementedError, OverflowError, ZeroDivisionError),
    *(AssertionError, struct.error, Image.DecompressionBombError),
)
"""What Pillow's decoders were seen to raise on damaged and hostile files."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came out of a picture: size as stored, `orientation` 1 to 8 as the file states it, and
    the thumbnail with its colours, or the error that stood in its way."""

    width: int | None = None
    height: int | None = None
    embedded: EmbeddedTags = field(default_factory=EmbeddedTags)
    thumbnail: Image.Image | None = None
    chroma: Image.Image | None = None
    error: str | None = None

    @property
    def orientation(self) -> int | None:
        return self.embedded.orientation


def register_decoders() -> None:
    """Make HEIC known to Pillow, one thread a picture (a worker has one core). Once a process."""
    pillow_heif.register_heif_opener(decode_threads=1)


def decode(
    stream: BinaryIO,
    media_type: str,
    most_pixels: int,
    *,
    orientation: int | None = None,
    is_header_enough: bool = False,
) -> Decoded:
    """Decode a picture of a known media type; damage is told in `error`, never raised.

    `orientation` replaces what the file says (a RAW's preview is turned as its RAW says). With
    `is_header_enough` nothing is decoded. Raises only MemoryError.
    """
    formats = _FORMATS.get(media_type)
    if formats is None:
        return Decoded(error=f"{NO_DECODER} {media_type}")
    layout = _layout(stream) if formats[0] in _BOXED else None
    found = Decoded()
    with warnings.catch_warnings():
        # Pillow warns of damaged EXIF and large pictures; both are dealt with here.
        warnings.simplefilter("ignore")
        try:
            with _most_pixels(None):
                image = Image.open(stream, formats=[name for name in formats if name])
        except _DECODER_ERRORS as error:
            return _refused(stream, layout, _words(error))
        with image:
            found = _with_header(found, image, layout)
            if not is_header_enough:
                found = _with_thumbnail(found, image, most_pixels, orientation)
    if layout and layout.is_truncated and found.error is None:
        found = replace(found, error="truncated")
    return found


def _refused(stream: BinaryIO, layout: HeifLayout | None, error: str) -> Decoded:
    """What is known of a picture that Pillow does not open."""
    stream.seek(0)
    width, height = stated_size(stream.read(64)) or (None, None)
    if layout is not None:
        width, height = layout.width, layout.height
    # exiftool would unpack a text of any size.
    embedded = EmbeddedTags(is_complete=error == _TEXT_TOO_LARGE)
    return Decoded(width, height, embedded, error=error)


def _layout(stream: BinaryIO) -> HeifLayout:
    head = stream.read(1 << 20)
    size = stream.seek(0, 2)
    stream.seek(0)
    return read_layout(head, size)


def _with_header(found: Decoded, image: Image.Image, layout: HeifLayout | None) -> Decoded:
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Pillow already gives the size as it will be when turned upright.
        width, height = int(image.tag_v2[256]), int(image.tag_v2[257])
    elif isinstance(image, GifImagePlugin.GifImageFile) and image.fp is not None:
        width, height = _screen_size(image) or image.size
    # A PNG may carry its tags behind the pixels: they are read after decoding.
    embedded = EmbeddedTags() if image.format == "PNG" else read_embedded(image)
    if layout is not None and image.format == "HEIF":
        # pillow-heif turns the picture, states 1 in its EXIF, and keeps apart what stood there.
        stated = image.info.get("original_orientation")
        embedded.orientation = stated if stated in range(1, 9) else embedded.orientation
        if layout.width and layout.height:
            width, height = layout.width, layout.height
            if embedded.orientation in (None, 1):
                turned = _ORIENTATION_OF_QUARTERS.get(layout.quarters)
                embedded.orientation = turned or embedded.orientation
    return replace(found, width=width, height=height, embedded=embedded)


def _screen_size(image: GifImagePlugin.GifImageFile) -> tuple[int, int] | None:
    """A GIF's own size: a frame larger than it makes Pillow widen the picture."""
    stream = cast(BinaryIO, image.fp)
    place = stream.tell()
    stream.seek(6)
    size = struct.unpack("<HH", stream.read(4))
    stream.seek(place)
    return size if all(size) else None


def _with_thumbnail(
    found: Decoded, image: Image.Image, most_pixels: int, orientation: int | None
) -> Decoded:
    error = None
    thumbnail = colours = None
    full = image.size
    if image.format in ("JPEG", "MPO"):
        error = _draft(image, most_pixels)
    elif _pixels(image) > most_pixels:
        error = _too_many(image)
    if error is None:
        try:
            with _most_pixels(most_pixels), _quiet_libtiff(image.format):
                image.load()
            turn = orientation or _pending_turn(image, found)
            seen = _whole_pixels(image, full)
            thumbnail = upright(small(grey(seen)), turn)
            colours = _turned(chroma(seen), turn)
        except _DECODER_ERRORS as problem:
            error = _words(problem)
    if image.format == "PNG":
        embedded = EmbeddedTags(is_complete=error == _TEXT_TOO_LARGE)
        if error is None:
            embedded = read_embedded(image)
        found = replace(found, embedded=embedded)
        if thumbnail is not None and orientation is None:
            thumbnail = upright(thumbnail, embedded.orientation)
            colours = _turned(colours, embedded.orientation)
    return replace(found, thumbnail=thumbnail, chroma=colours, error=error)


def _turned(colours: Image.Image | None, orientation: int | None) -> Image.Image | None:
    return None if colours is None else upright(colours, orientation)


def _draft(image: Image.Image, most_pixels: int) -> str | None:
    """Have a JPEG decoded at the smallest scale that is enough; say why not where it is too large.

    At an eighth the pixels cost next to nothing, but every block is still read: eight times the
    limit is the end. A progressive one is held whole in memory, whatever the scale.
    """
    full = _pixels(image)
    is_progressive = "progressive" in image.info
    if full > most_pixels * (1 if is_progressive else _DRAFT_FACTOR):
        return _too_many(image)
    stream = image.fp  # type: ignore[attr-defined]  # every opened file has one
    # One that is too large to be held has its deadline.
    is_held = isinstance(stream, io.BytesIO)
    if is_progressive and is_held and has_more_scans(stream.getvalue(), _MOST_SCANS):
        return f"broken: more than {_MOST_SCANS} scans"
    whole = f"{image.size[0]}x{image.size[1]}"
    # YCbCr spares the conversion to RGB, and its Y is what a grey decoding would give. libjpeg
    # cannot make it from a JPEG that stores RGB.
    mode = None if _stores_rgb(image) else "YCbCr"
    image.draft(mode, (DRAFT_SIDE, DRAFT_SIDE))
    return f"{TOO_LARGE}: {whole} pixels" if _pixels(image) > most_pixels else None


def _whole_pixels(image: Image.Image, full: tuple[int, int]) -> Image.Image:
    """A JPEG decoded at a half or less, without the last row and column where these show a part:
    they stretch the picture, and a copy in another format would lie elsewhere.
    """
    scale = max(1, round(full[0] / image.width))
    width, height = full[0] // scale, full[1] // scale
    if scale == 1 or (width, height) == image.size or not width or not height:
        return image
    return image.crop((0, 0, width, height))


def _stores_rgb(image: Image.Image) -> bool:
    """As libjpeg guesses it: by Adobe's marker, else by the names of the components."""
    if "adobe_transform" in image.info:
        return bool(image.info["adobe_transform"] == 0)
    layers = [layer[0] for layer in getattr(image, "layer", ())]
    return layers == [ord(letter) for letter in "RGB"] and "jfif" not in image.info


def _pending_turn(image: Image.Image, found: Decoded) -> int | None:
    """The orientation that still has to be applied: HEIF and TIFF pictures come out turned."""
    if image.format == "HEIF":
        return None
    if image.format == "TIFF":
        pending = image.getexif().get(_ORIENTATION_TAG)
        return pending if isinstance(pending, int) else None
    return found.orientation


def _pixels(image: Image.Image) -> int:
    return image.size[0] * image.size[1]


def _too_many(image: Image.Image) -> str:
    return f"{TOO_LARGE}: {image.size[0]}x{image.size[1]} pixels"


@contextmanager
def _most_pixels(limit: int | None) -> Iterator[None]:
    """Set Pillow's own limit for frames and embedded pictures that show only while decoding.

    Pillow refuses at twice its number. It is a module's variable: a worker decodes one at a time.
    """
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None if limit is None else max(1, limit // 2)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _quiet_libtiff(image_format: str | None) -> Iterator[None]:
    """libtiff writes a line to stderr for each damaged entry: thousands for one crafted file."""
    if image_format != "TIFF":
        yield
        return
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _words(error: Exception) -> str:
    text = str(error)
    if "truncated" in text.lower():
        return "truncated"
    if isinstance(error, UnidentifiedImageError):
        return "broken: its header cannot be understood"
    if isinstance(error, Image.DecompressionBombError):
        return f"{TOO_LARGE}: a frame has more pixels than allowed"
    if "MAX_TEXT" in text:
        return _TEXT_TOO_LARGE
    if _IS_OUT_OF_MEMORY.search(text):
        return OUT_OF_MEMORY
    inner = text[:200] or type(error).__name__
    plain = next((words for pattern, words in _PLAIN_WORDS if pattern.search(text)), None)
    return f"broken: {inner}" if plain is None else f"broken: {plain} ({inner})"
