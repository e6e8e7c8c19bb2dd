"""What is done to a picture in the labelled set: every transformation by name, with its truth.

`RE_ENCODED` shows the same picture, `SIMILAR` one that was edited, `SMALL_EDITS` one that was
edited so little that it is hard to tell. Each gives the bytes of a file.
"""

import io
import random
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Made = Callable[[Image.Image, bytes | None], bytes]
"""From the upright RGB picture and its EXIF, or none, to a file."""

JPEG: Final = "JPEG"


def coded(picture: Image.Image, exif: bytes | None, form: str = JPEG, **options: Any) -> bytes:
    """The bytes of a file; JPEG at quality 90 unless told otherwise."""
    stream = io.BytesIO()
    if exif is not None:
        options["exif"] = exif
    options.setdefault("quality", 90)
    picture.save(stream, form, **options)
    return stream.getvalue()


def _quality(quality: int) -> Made:
    return lambda picture, exif: coded(picture, exif, quality=quality)


def _resized(percent: int) -> Made:
    def make(picture: Image.Image, exif: bytes | None) -> bytes:
        size = tuple(max(1, round(side * percent / 100)) for side in picture.size)
        return coded(picture.resize(size, Image.Resampling.LANCZOS), exif)

    return make


def _format(form: str, **options: Any) -> Made:
    return lambda picture, exif: coded(picture, exif, form, **options)


def _turned(turn: Image.Transpose) -> Made:
    return lambda picture, exif: coded(picture.transpose(turn), exif)


def _edited(edit: Callable[[Image.Image], Image.Image]) -> Made:
    return lambda picture, exif: coded(edit(picture), exif)


def _cropped(*edges: float) -> Made:
    def edit(picture: Image.Image) -> Image.Image:
        width, height = picture.size
        left, top, right, bottom = (edge / 100 for edge in edges)
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return picture.crop(tuple(round(place) for place in box))  # type: ignore[arg-type]

    return _edited(edit)


def _one_sided(percent: float, side: int) -> Made:
    return _cropped(*(percent if one == side else 0 for one in range(4)))


def _bordered(percent: float, colour: str) -> Made:
    return _edited(
        lambda picture: ImageOps.expand(picture, round(min(picture.size) * percent / 100), colour)
    )


def _watermark(picture: Image.Image) -> Image.Image:
    layer = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    size = max(10, picture.width // 12)
    place = (picture.width * 0.5, picture.height * 0.8)
    pen = ImageDraw.Draw(layer)
    pen.text(place, "© studio", fill=(255, 255, 255, 150), font_size=size)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _overlay(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    pen = ImageDraw.Draw(copy)
    size = max(10, picture.width // 10)
    pen.text((picture.width * 0.1, picture.height * 0.08), "Summer 2019", fill="yellow",
             font_size=size, stroke_width=max(1, size // 12), stroke_fill="black")  # fmt: skip
    return copy


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L").convert("RGB")


def _brightness(factor: float) -> Made:
    return _edited(lambda picture: ImageEnhance.Brightness(picture).enhance(factor))


def _contrast(factor: float) -> Made:
    return _edited(lambda picture: ImageEnhance.Contrast(picture).enhance(factor))


def _saturation(factor: float) -> Made:
    return _edited(lambda picture: ImageEnhance.Color(picture).enhance(factor))


def _white_balance(red: float, blue: float) -> Made:
    table = [min(255, round(value * by)) for by in (red, 1.0, blue) for value in range(256)]
    return _edited(lambda picture: picture.point(table))


def _stamped(text: str, colour: tuple[int, int, int, int], percent: float) -> Made:
    """A line of text at the lower right, its height a share of the shorter side."""

    def edit(picture: Image.Image) -> Image.Image:
        layer = Image.new("RGBA", picture.size, (*colour[:3], 0))
        size = max(8, round(min(picture.size) * percent / 100))
        place = (picture.width * 0.97, picture.height * 0.97)
        ImageDraw.Draw(layer).text(place, text, fill=colour, font_size=size, anchor="rd")
        return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")

    return _edited(edit)


def _filtered(kind: ImageFilter.Filter) -> Made:
    return _edited(lambda picture: picture.filter(kind))


def _sepia(share: float) -> Made:
    def edit(picture: Image.Image) -> Image.Image:
        brown = ImageOps.colorize(ImageOps.grayscale(picture), (20, 10, 0), (255, 240, 200))
        return Image.blend(picture, brown, share)

    return _edited(edit)


def _vignette(share: float) -> Made:
    def edit(picture: Image.Image) -> Image.Image:
        down = np.linspace(-1, 1, picture.height)[:, None]
        across = np.linspace(-1, 1, picture.width)[None, :]
        light = 1 - share * (down * down + across * across) / 2
        return Image.fromarray((np.asarray(picture) * light[..., None]).astype(np.uint8))

    return _edited(edit)


RE_ENCODED: Final[dict[str, Made]] = {
    **{f"quality {quality}": _quality(quality) for quality in (95, 85, 70, 50, 30)},
    **{f"resize {percent} %": _resized(percent) for percent in (90, 75, 50, 25, 10)},
    "to PNG": _format("PNG"),
    "to WebP": _format("WEBP", quality=80),
    "to HEIC": _format("HEIF", quality=60),
    "to AVIF": _format("AVIF", quality=60, speed=9),
    "metadata stripped": lambda picture, exif: coded(picture, None, quality=95),
    "rotate 90": _turned(Image.Transpose.ROTATE_90),
    "rotate 180": _turned(Image.Transpose.ROTATE_180),
    "rotate 270": _turned(Image.Transpose.ROTATE_270),
    "mirror": _turned(Image.Transpose.FLIP_LEFT_RIGHT),
}
CROPS: Final = (1, 2, 3, 5, 8, 10, 15)
SIMILAR: Final[dict[str, Made]] = {
    "brightness +20 %": _brightness(1.2),
    "brightness -20 %": _brightness(0.8),
    "contrast +20 %": _contrast(1.2),
    "contrast -20 %": _contrast(0.8),
    "grey": _edited(_grey),
    **{f"crop {n} % each edge": _cropped(n, n, n, n) for n in CROPS},
    **{f"crop {n} % one edge": _one_sided(n, i % 4) for i, n in enumerate(CROPS)},
    "border 4 %": _bordered(4, "white"),
    "border 8 % black": _bordered(8, "black"),
    "watermark": _edited(_watermark),
    "text overlay": _edited(_overlay),
}

_ORANGE: Final = (255, 140, 0, 255)
SMALL_EDITS: Final[dict[str, Made]] = {
    "saturation +10 %": _saturation(1.1),
    "saturation -10 %": _saturation(0.9),
    "saturation +20 %": _saturation(1.2),
    "white balance 2 %": _white_balance(1.02, 0.97),
    "white balance 5 %": _white_balance(1.05, 0.95),
    "date of 2 % height": _stamped("12.05.'87 14:02", _ORANGE, 2),
    "date of 4 % height": _stamped("12.05.'87 14:02", _ORANGE, 4),
    "signature of 3 % height": _stamped("© J. Doe", (255, 255, 255, 255), 3),
    "half transparent signature of 4 %": _stamped("© J. Doe", (255, 255, 255, 128), 4),
    "blur by 8 pixels": _filtered(ImageFilter.GaussianBlur(8)),
    "unsharp mask 200 %": _filtered(ImageFilter.UnsharpMask(3, 200)),
    "sepia 30 %": _sepia(0.3),
    "vignette 10 %": _vignette(0.1),
    "brightness +3 %": _brightness(1.03),
}


def shot(seconds: str, camera: tuple[str, str] = ("Canon", "Canon EOS R6")) -> bytes:
    """EXIF of a capture at `2021:05:06 10:20:SS`, with a fraction where `seconds` has one."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = camera
    details = exif.get_ifd(0x8769)
    whole, _, fraction = seconds.partition(".")
    details[0x9003] = details[0x9004] = f"2021:05:06 10:20:{whole}"
    if fraction:
        details[0x9291] = fraction
    return exif.tobytes()


def series(picture: Image.Image, seed: int, *, has_fractions: bool) -> list[bytes]:
    """Five frames of a made burst: the window moves 0.5 to 3 % between them, each has its own
    noise. Without fractions all were taken within one second.
    """
    draw = random.Random(seed)
    noise = np.random.default_rng(seed)
    frames = []
    for number, percent in enumerate((0.0, 0.5, 1.0, 2.0, 3.0)):
        left, top = (0.03 + draw.choice((-1, 1)) * percent / 100 for _ in range(2))
        width, height = picture.size
        corner = (round(left * width), round(top * height))
        box = (*corner, corner[0] + round(0.94 * width), corner[1] + round(0.94 * height))
        values = np.asarray(picture.crop(box)).astype(np.float32)
        values += noise.normal(0, 4, values.shape)
        frame = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
        seconds = f"11.{number * 12 + 10:02}" if has_fractions else "11"
        frames.append(coded(frame, shot(seconds)))
    return frames
