"""From a decoded picture to the small, upright ones that all hashes are made of: a grey one, and a
tiny one for its colours."""

from typing import Any, Final

import numpy as np
from PIL import Image

from twinlens.model.miniature import CHROMA_SIDE

THUMBNAIL_SIDE: Final = 256
"""A thumbnail's shorter side is at least this long, where the picture's is."""
DRAFT_SIDE: Final = 240
"""Enough for a JPEG, which is decoded at a half, a quarter, an eighth: cameras' sizes are often
multiples of it (VGA, 1280x960, 2560x1920), and come out at just this."""
_CLIPPED_SIDE: Final = 8 * CHROMA_SIDE
_GREY_MODES: Final = frozenset({"1", "L", "LA", "La", "I", "F"})

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def grey(image: Image.Image) -> Image.Image:
    """One channel of 8 bits; what is transparent is seen on white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _scaled(image)
    if image.mode == "LAB":
        return image.getchannel("L")
    if image.mode == "YCbCr":
        return image.getchannel("Y")
    if image.has_transparency_data:
        luma, alpha = image.convert("RGBA").convert("LA").split()
        return Image.composite(luma, Image.new("L", luma.size, 255), alpha)
    if image.mode == "HSV":
        image = image.convert("RGB")
    return image if image.mode == "L" else image.convert("L")


def _scaled(image: Image.Image) -> Image.Image:
    """8 bits from 16 and more: Pillow's own conversion clips everything over 255 to white."""
    values: Any = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255 / (high - low)) if high > low else values * 0
    else:
        values = np.clip(values, 0, None)
        values = values >> max(0, int(values.max()).bit_length() - 8)
    return Image.fromarray(values.astype(np.uint8))


def chroma(image: Image.Image) -> Image.Image | None:
    """A tiny YCbCr picture; None where there is no colour or it is not worth reading.

    Each of its pixels is the mean of exactly its part, so that a turned or resized copy has equal
    ones.
    """
    if image.mode in _GREY_MODES or image.mode.startswith("I;") or image.mode == "LAB":
        return None
    if image.has_transparency_data or image.mode == "P":
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if image.mode not in ("RGB", "YCbCr"):
        image = image.convert("RGB")
    side = _CLIPPED_SIDE
    little = image.resize((side, side), Image.Resampling.BOX, reducing_gap=3.0)
    if little.mode == "YCbCr":
        # What a JPEG stores may lie outside of RGB, and is cut off in every copy of another format.
        little = little.convert("RGB")
    return little.convert("YCbCr").resize((CHROMA_SIDE, CHROMA_SIDE), Image.Resampling.BOX)


def small(image: Image.Image) -> Image.Image:
    """Reduced by a whole factor, as far as the shorter side keeps `THUMBNAIL_SIDE` pixels.

    What is left over is cut off evenly at both edges: a last row made of a part would stretch the
    picture to one side, and a turned copy to the other.
    """
    factor = min(image.size) // THUMBNAIL_SIDE
    if factor < 2:
        return image
    left, top = (side % factor // 2 for side in image.size)
    right, bottom = (side - side % factor for side in image.size)
    return image.reduce(factor, (left, top, left + right, top + bottom))


def upright(image: Image.Image, orientation: int | None) -> Image.Image:
    """Turned as an EXIF orientation says; 1, None and nonsense leave it as it is."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
