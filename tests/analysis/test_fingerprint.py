"""Hashes of real and of meaningless pictures."""

import io
from pathlib import Path
from random import Random

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from twinlens.analysis.fingerprint import fingerprint
from twinlens.media.thumbnails import small


@pytest.fixture(scope="module")
def falcon(photos: Path) -> Image.Image:
    with Image.open(photos / "makers/immich-nature/prairie_falcon.jpg") as image:
        return image.convert("L")


def test_hashes_are_those_of_imagehash(falcon: Image.Image) -> None:
    found = fingerprint(falcon)

    assert found.phash == int(str(imagehash.phash(falcon)), 16)
    assert (found.dhash ^ int(str(imagehash.dhash(falcon)), 16)).bit_count() <= 2
    assert (found.ahash ^ int(str(imagehash.average_hash(falcon)), 16)).bit_count() <= 2
    assert (found.whash ^ int(str(imagehash.whash(falcon, image_scale=32)), 16)).bit_count() <= 2
    assert not found.is_degenerate


def test_a_smaller_copy_hashes_alike(falcon: Image.Image) -> None:
    half = falcon.resize((falcon.width // 2, falcon.height // 2))

    assert (fingerprint(half).phash ^ fingerprint(falcon).phash).bit_count() <= 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lenscap_1.jpg", "black"),
        ("overexposed_1.jpg", "white"),
        ("sky_1.jpg", "flat"),
        ("scan_invoice_1.png", "one tone"),
        ("Screenshot_20210102-091500.png", "one tone"),
    ],
)
def test_real_pictures_of_nothing_are_degenerate(photos: Path, name: str, reason: str) -> None:
    with Image.open(photos / "dups/flats" / name) as image:
        found = fingerprint(image.convert("L"))

    assert (found.is_degenerate, found.reason) == (True, reason)


def test_a_picture_half_black_and_half_grey_is_degenerate() -> None:
    image = Image.new("L", (640, 480))
    image.paste(140, (0, 240, 640, 480))

    assert fingerprint(image).is_degenerate


def test_a_gradient_has_no_detail_to_hash() -> None:
    assert fingerprint(Image.linear_gradient("L")).reason == "no detail"


def test_line_art_is_degenerate() -> None:
    image = Image.new("L", (600, 800), 255)
    draw = ImageDraw.Draw(image)
    for row in range(100, 700, 24):
        draw.line((60, row, 540, row), fill=0, width=5)

    assert fingerprint(image.filter(ImageFilter.GaussianBlur(0.3))).is_degenerate


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("make", ["chat", "letter", "chart"])
@pytest.mark.parametrize("quality", [None, 90, 60])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_rendered_screen_or_page_is_degenerate(
    make: str, is_dark: bool, quality: int | None, scale: float
) -> None:
    for seed in range(3):
        found = fingerprint(_as_seen(_DRAWN[make](seed, is_dark), quality, scale))

        assert found.is_degenerate


def test_a_silhouette_before_the_sky_is_a_photograph() -> None:
    noise = np.random.default_rng(4)
    sky = np.linspace(200, 120, 900)[:, None] * np.ones((1, 1200))
    draw = Random(4)
    mask = Image.new("L", (1200, 900))
    pen = ImageDraw.Draw(mask)
    for _ in range(30):
        ends = (draw.randint(0, 1200), 900, draw.randint(0, 1200), draw.randint(0, 600))
        pen.line(ends, fill=255, width=draw.randint(4, 20))
    branches = np.asarray(mask.filter(ImageFilter.GaussianBlur(1.2))) / 255
    picture = sky * (1 - branches) + 12 * branches + noise.normal(0, 2, sky.shape)

    whole = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))

    assert fingerprint(_as_seen(whole, 90, 1.0)).reason is None


def test_no_photograph_of_a_camera_counts_as_drawn(photos: Path) -> None:
    paths = [path for place in ("makers", "burst") for path in (photos / place).rglob("*")]
    pictures = sorted(path for path in paths if path.suffix.lower() in (".jpg", ".jpeg"))
    drawn = []
    for path in pictures:
        with Image.open(path) as image:
            image.draft("L", (240, 240))
            if fingerprint(small(image.convert("L"))).reason == "drawn":
                drawn.append(path.name)

    assert len(pictures) > 50
    assert drawn == []


def _as_seen(picture: Image.Image, quality: int | None, scale: float) -> Image.Image:
    """The thumbnail of a file: shrunk, coded (PNG without a quality), reduced."""
    size = (round(picture.width * scale), round(picture.height * scale))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    if quality is not None:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality)
        picture = Image.open(stream)
    return small(picture.convert("L"))


def _text(draw: Random, words: int) -> str:
    return " ".join("".join(draw.choices("abcdefghilmnoprstu", k=5)) for _ in range(words))


def _chat(seed: int, is_dark: bool) -> Image.Image:
    paper, own, other, ink = (
        ((17, 27, 33), (0, 92, 75), (32, 44, 51), "white")
        if is_dark
        else ((236, 229, 221), (220, 248, 198), (255, 255, 255), "black")
    )
    draw = Random(seed)
    picture = Image.new("RGB", (720, 1280), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 720, 100), fill=(7, 94, 84))
    top = 120
    while top < 1150:
        is_own, lines = draw.random() < 0.5, draw.randint(1, 4)
        left, width = (160, 540) if is_own else (20, 480)
        bottom = top + 24 + 34 * lines
        pen.rounded_rectangle((left, top, left + width, bottom), 18, fill=own if is_own else other)
        for line in range(lines):
            place = (left + 15, top + 10 + 34 * line)
            pen.text(place, _text(draw, 5), fill=ink, font_size=28)
        top = bottom + 20
    return picture


def _letter(seed: int, is_dark: bool) -> Image.Image:
    paper, ink = ("black", "white") if is_dark else ((252, 250, 245), (30, 30, 30))
    draw = Random(seed)
    picture = Image.new("RGB", (1000, 1400), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 1000, 160), fill=(20, 60, 160))
    pen.ellipse((40, 20, 160, 140), fill=(250, 200, 0))
    for row in range(30):
        pen.text((80, 220 + row * 38), _text(draw, 9), fill=ink, font_size=28)
    return picture


def _chart(seed: int, is_dark: bool) -> Image.Image:
    draw = Random(seed)
    picture = Image.new("RGB", (1000, 700), "black" if is_dark else "white")
    pen = ImageDraw.Draw(picture)
    pen.line((80, 40, 80, 640, 960, 640), fill="white" if is_dark else "black", width=3)
    for bar in range(12):
        height = draw.randint(50, 550)
        pen.rectangle((100 + bar * 70, 640 - height, 150 + bar * 70, 640), fill=(70, 130, 180))
    return picture


_DRAWN = {"chat": _chat, "letter": _letter, "chart": _chart}


def test_a_dark_photograph_with_detail_is_not_degenerate(falcon: Image.Image) -> None:
    night = falcon.point([value // 4 for value in range(256)])

    assert not fingerprint(night).is_degenerate


def test_hashes_fit_64_unsigned_bits(falcon: Image.Image) -> None:
    found = fingerprint(falcon)

    assert all(0 <= value < 2**64 for value in (found.phash, found.dhash, found.ahash, found.whash))
