"""What is said of two pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from support.looks import miniature_of, scene, seen
from twinlens.grouping.verdicts import PRESETS, Picture, judge
from twinlens.model.groups import DuplicateClass
from twinlens.model.picture import Kind

_NORMAL = PRESETS["normal"]
_SCENE = scene(1)
_A = seen("a", _SCENE)
_STRIPPED: dict[str, Any] = {
    "captured_at": None,
    "has_subseconds": False,
    "make": None,
    "model": None,
}


def _class(a: Picture, b: Picture) -> DuplicateClass | None:
    verdict, mirrored = judge(a, b, _NORMAL), judge(b, a, _NORMAL)
    assert verdict == mirrored
    return verdict and verdict.duplicate_class


def _half(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // 2, picture.height // 2))


@pytest.mark.parametrize("facts", [{}, _STRIPPED])
@pytest.mark.parametrize("turn", [None, *Image.Transpose])
def test_a_copy_in_any_orientation_and_size_is_re_encoded(
    turn: Image.Transpose | None, facts: dict[str, Any]
) -> None:
    copy = _half(_SCENE if turn is None else _SCENE.transpose(turn))

    assert _class(_A, seen("b", copy, **facts)) is DuplicateClass.RE_ENCODED


def test_the_rule_names_what_was_compared_and_what_the_facts_say() -> None:
    verdict = judge(_A, seen("b", _half(_SCENE)), _NORMAL)

    assert verdict is not None
    assert verdict.rule.startswith("re-encoded: same capture time: 2022-03-31T11:31:56.18; ")
    assert "correlation 1.000" in verdict.rule
    assert verdict.confidence > 95


@pytest.mark.parametrize(
    "edit",
    [
        lambda picture: picture.crop((24, 18, 456, 342)),
        lambda picture: picture.crop((0, 0, 460, 360)),
        lambda picture: ImageOps.expand(picture, 20, "white"),
        lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
        lambda picture: ImageEnhance.Contrast(picture).enhance(0.8),
        lambda picture: ImageEnhance.Color(picture).enhance(0.5),
        lambda picture: ImageEnhance.Color(picture).enhance(1.1),
        lambda picture: ImageEnhance.Brightness(picture).enhance(1.03),
        lambda picture: _dated(picture, 16),
        ImageOps.grayscale,
    ],
)
def test_an_edit_is_similar(edit: Any) -> None:
    assert _class(_A, seen("b", edit(_SCENE).convert("RGB"))) is DuplicateClass.SIMILAR


def test_a_third_picture_excuses_the_place_but_no_other_colour_light_or_stamp() -> None:
    muted = ImageEnhance.Color(_SCENE).enhance(0.4)
    displaced = muted.crop((3, 2, 477, 358)).resize(muted.size, Image.Resampling.BICUBIC)
    edits = (
        ImageEnhance.Color(_SCENE).enhance(1.08),
        ImageEnhance.Brightness(_SCENE).enhance(1.025),
        _dated(_SCENE, 12),
    )

    of_place = judge(seen("a", muted), seen("b", displaced), _NORMAL)
    found = [judge(_A, seen("b", edit), _NORMAL) for edit in edits]

    assert of_place is not None
    assert (of_place.duplicate_class, of_place.needs_witness) == (DuplicateClass.SIMILAR, True)
    assert all(
        one and (one.duplicate_class, one.needs_witness) == (DuplicateClass.SIMILAR, False)
        for one in found
    )


def _dated(picture: Image.Image, size: int) -> Image.Image:
    copy = picture.copy()
    text = "12.05.'87 14:02"
    ImageDraw.Draw(copy).text((470, 350), text, fill="orange", font_size=size, anchor="rd")
    return copy


def test_a_window_that_moved_within_one_scene_is_a_frame_and_nothing() -> None:
    large = scene(3, (800, 600))
    first, second = (large.crop((x, 40, x + 640, 520)) for x in (40, 52))
    facts: dict[str, Any] = {"has_subseconds": False, "captured_at": "2022-03-31T11:31:56"}

    assert _class(seen("a", first, **facts), seen("b", second, **facts)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"captured_at": "2022-03-31T11:31:56.28"},
        {"captured_at": "2022-03-31T11:34:56", "has_subseconds": False},
        {"model": "EOS R6"},
        {"miniature": None},
        {"miniature": miniature_of(scene(2))},
        {"sha256": _A.sha256},
        {"rejected_with": frozenset({_A.sha256})},
        {"shots": frozenset({(4, 2)})},
        {"kind": Kind.RAW},
        {"kind": Kind.VIDEO},
    ],
)
def test_what_makes_them_no_duplicates_at_all(change: dict[str, Any]) -> None:
    first = replace(_A, shots=frozenset({(4, 1)}))

    assert _class(first, replace(seen("b", _SCENE), **change)) is None


def test_equal_coded_pixels_are_enough_even_for_a_flat_picture_with_another_time() -> None:
    flat = replace(_A, miniature=None, image_digest="jpeg:1")
    other = replace(flat, sha256="b" * 64, captured_at="2021-01-01T00:00:00")

    verdict = judge(flat, other, _NORMAL)

    assert verdict is not None
    assert (verdict.duplicate_class, verdict.confidence) == (DuplicateClass.RE_ENCODED, 100.0)
    assert "metadata only" in verdict.rule


def test_a_raw_is_no_duplicate_of_its_own_jpeg_and_never_more_than_similar() -> None:
    raw = replace(_A, kind=Kind.RAW, photograph_ids=frozenset({7}))
    own = seen("b", _SCENE, photograph_ids=frozenset({7}), **_STRIPPED)
    stranger = seen("c", _SCENE, **_STRIPPED)
    other_raw = seen("d", _SCENE, kind=Kind.RAW)

    assert _class(raw, own) is None
    assert _class(raw, stranger) is DuplicateClass.SIMILAR
    assert _class(raw, other_raw) is DuplicateClass.SIMILAR


def test_a_clock_that_was_set_right_does_not_part_a_picture_from_its_copy() -> None:
    corrected = seen("b", _half(_SCENE), captured_at="2022-03-31T13:31:56.18")

    assert _class(_A, corrected) is DuplicateClass.RE_ENCODED


def test_stricter_limits_only_take_away() -> None:
    pictures = [seen("b", _SCENE.crop((n, n, 480 - n, 360 - n))) for n in (3, 10, 30, 60)]
    found = [
        {n for n, one in enumerate(pictures) if judge(_A, one, PRESETS[preset])}
        for preset in ("strict", "normal", "loose")
    ]

    assert found[0] <= found[1] <= found[2]
    assert found[1]


def test_a_hair_of_movement_within_one_size_is_no_re_encoding_where_no_time_tells() -> None:
    patches = np.random.default_rng(3).integers(90, 166, (24, 32, 3)).astype(np.uint8)
    large = Image.fromarray(patches).resize((1280, 960), Image.Resampling.BICUBIC)
    first, second = (large.crop((x, 40, x + 1000, 790)) for x in (40, 43))
    wave = ImageEnhance.Brightness(second.crop((400, 200, 700, 500))).enhance(1.02)
    second.paste(wave, (400, 200))  # what moved in the picture
    facts: dict[str, Any] = {"captured_at": None, "has_subseconds": False}

    assert _class(seen("a", first), seen("b", second)) is DuplicateClass.RE_ENCODED
    assert _class(seen("a", first), seen("b", second, **facts)) is DuplicateClass.SIMILAR
    assert _class(seen("a", first), seen("b", first, **facts)) is DuplicateClass.RE_ENCODED
