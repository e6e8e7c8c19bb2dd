"""Miniatures and their keys, as the analysis makes them and the grouping reads them."""

import io
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from support.looks import miniature_of, scene
from twinlens.analysis.fingerprint import fingerprint
from twinlens.analysis.miniature import miniature
from twinlens.grouping.miniatures import TURNS, Miniature, turned, turned_keys
from twinlens.media.decoding import decode
from twinlens.model.miniature import CHROMA_SIDE, KEYS_BYTES, PIXELS, SIDE


def test_a_miniature_is_the_picture_that_the_phash_is_made_of() -> None:
    thumbnail = scene(1).convert("L")
    data = fingerprint(thumbnail).miniature

    assert data is not None
    assert KEYS_BYTES < len(data) < KEYS_BYTES + PIXELS
    read = Miniature.read(data)
    assert read is not None
    small = thumbnail.resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=4.0)
    assert np.array_equal(read.luminance, np.asarray(small))
    assert np.all(read.chroma == 128)
    assert Miniature.read(data[:-1]) is None
    assert Miniature.read(data[:KEYS_BYTES]) is None
    assert Miniature.read(data + b"more") is None


@given(st.integers(0, 2**32), st.sampled_from([2, 20, 256]))
def test_no_level_is_lost_whatever_the_picture(seed: int, levels: int) -> None:
    draw = np.random.default_rng(seed)
    cells = draw.integers(0, levels, (SIDE, SIDE), dtype=np.uint8)
    colours = draw.integers(0, levels, (CHROMA_SIDE, CHROMA_SIDE, 3), dtype=np.uint8)

    read = Miniature.read(miniature(Image.fromarray(cells), Image.fromarray(colours, mode="YCbCr")))

    assert read is not None
    assert np.array_equal(read.luminance, cells)
    assert np.array_equal(read.chroma, np.moveaxis(colours, 2, 0)[1:])


@pytest.mark.parametrize("turn", range(TURNS))
def test_the_key_of_a_turned_picture_follows_from_the_key(turn: int) -> None:
    cells = np.asarray(scene(5).convert("L").resize((32, 32)))
    upright = fingerprint(Image.fromarray(cells)).miniature
    other = fingerprint(Image.fromarray(np.ascontiguousarray(turned(cells, turn)))).miniature

    first, second = Miniature.read(upright), Miniature.read(other)
    assert first is not None
    assert second is not None
    # The first coefficient is the sum, whose sign no turn changes; rounding may move one at zero.
    assert (turned_keys(first.keys[0])[turn] ^ second.keys[0]).bit_count() <= 1


def test_a_window_has_the_key_of_the_picture_cut_like_it() -> None:
    whole = miniature_of(scene(7))
    cut = miniature_of(scene(7).crop((41, 31, 439, 329)))  # 8.5 % off each edge

    assert (whole.keys[2] ^ cut.keys[0]).bit_count() <= 6
    assert (whole.keys[0] ^ cut.keys[0]).bit_count() > 6


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_colours_are_those_of_the_picture_in_any_format(form: str) -> None:
    picture = scene(random.Random(3).randrange(99), (700, 500))
    stream = io.BytesIO()
    picture.save(stream, form, quality=92)

    found = decode(io.BytesIO(stream.getvalue()), f"image/{form.lower()}", 10**8)

    assert found.thumbnail is not None
    assert found.chroma is not None
    expected = miniature_of(picture).chroma
    given = Miniature.read(fingerprint(found.thumbnail, found.chroma).miniature)
    assert given is not None
    assert np.abs(given.chroma - expected).max() <= 4


def test_a_jpeg_that_stores_rgb_and_a_grey_one_are_decoded() -> None:
    rgb, grey = io.BytesIO(), io.BytesIO()
    scene(1).save(rgb, "JPEG", keep_rgb=True)
    scene(1).convert("L").save(grey, "JPEG")

    first = decode(rgb, "image/jpeg", 10**8)
    second = decode(grey, "image/jpeg", 10**8)

    assert (first.error, second.error) == (None, None)
    assert first.chroma is not None
    assert second.chroma is None
