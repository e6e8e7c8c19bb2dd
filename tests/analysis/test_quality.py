"""Of two copies of a picture the technically better one gets the higher score."""

from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from twinlens.analysis.quality import quality_score

NAMES = ("prairie_falcon.jpg", "tanners_ridge.jpg", "wood_anemones.jpg", "el_torcal_rocks.jpg")


@pytest.fixture(scope="module", params=NAMES)
def picture(photos: Path, request: pytest.FixtureRequest) -> Image.Image:
    with Image.open(photos / "makers/immich-nature" / request.param) as image:
        return image.convert("L")


def score(image: Image.Image) -> float:
    return quality_score(image, image.width, image.height)


def test_a_score_lies_between_0_and_100(picture: Image.Image) -> None:
    assert 0 < score(picture) < 100


def test_each_blur_lowers_the_score(picture: Image.Image) -> None:
    blurred = [picture.filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 3, 6, 12)]

    scores = [score(image) for image in blurred]

    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_darkening_lowers_the_score(picture: Image.Image) -> None:
    dark = picture.point([value // 5 for value in range(256)])

    assert score(dark) < score(picture)


def test_blowing_out_lowers_the_score(picture: Image.Image) -> None:
    bright = picture.point([min(255, 120 + value * 2) for value in range(256)])

    assert score(bright) < score(picture)


def test_each_downsizing_lowers_the_score(picture: Image.Image) -> None:
    copies = [
        picture.resize((picture.width // n, picture.height // n), Image.Resampling.LANCZOS)
        for n in (1, 2, 3, 5, 8)
    ]

    scores = [score(copy) for copy in copies]

    assert scores == sorted(scores, reverse=True)


def test_nothing_at_all_scores_0() -> None:
    assert quality_score(Image.new("L", (1, 1)), 1, 1) == 0
