"""Hashes of real and of meaningless pictures."""

from pathlib import Path

import imagehash
import pytest
from PIL import Image, ImageDraw, ImageFilter

from twinlens.analysis.fingerprint import fingerprint


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


def test_a_dark_photograph_with_detail_is_not_degenerate(falcon: Image.Image) -> None:
    night = falcon.point([value // 4 for value in range(256)])

    assert not fingerprint(night).is_degenerate


def test_hashes_fit_64_unsigned_bits(falcon: Image.Image) -> None:
    found = fingerprint(falcon)

    assert all(0 <= value < 2**64 for value in (found.phash, found.dhash, found.ahash, found.whash))
