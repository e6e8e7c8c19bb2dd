"""When two camera names contradict each other."""

import pytest

from twinlens.grouping.cameras import same_camera
from twinlens.grouping.moments import Agreement


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("NIKON CORPORATION", "NIKON D70"), ("Nikon", "D70")),
        (("Canon", "Canon EOS D30"), ("Canon", "EOS D30")),
        (("OLYMPUS IMAGING CORP.", "E-P3"), ("OLYMPUS CORPORATION", "E-P3")),
        (("SONY", "ZV-E10"), ("Sony ", " ZV-E10 ")),
        (("KONICA MINOLTA CAMERA, Inc.", "DiMAGE A2"), ("Konica Minolta", "DIMAGE A2")),
    ],
)
def test_one_camera_under_two_spellings_agrees(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    assert same_camera(*first, *second) is Agreement.AGREE
    assert same_camera(*second, *first) is Agreement.AGREE


def test_other_models_and_other_makers_differ() -> None:
    assert same_camera("Canon", "EOS 350D", "Canon", "EOS 70D") is Agreement.DIFFER
    assert same_camera("Canon", None, "SONY", None) is Agreement.DIFFER


def test_a_maker_alone_and_a_missing_side_say_nothing() -> None:
    assert same_camera("Canon", None, "Canon", "EOS 70D") is Agreement.UNKNOWN
    assert same_camera(None, None, "Canon", "EOS 70D") is Agreement.UNKNOWN
