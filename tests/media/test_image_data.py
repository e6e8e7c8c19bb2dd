"""The image-data hash is of the coded pixels alone."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from twinlens.media.image_data import image_digest

_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def _coded(form: str, shade: int = 9, **options: Any) -> bytes:
    picture = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    picture.putpixel((3, 3), (shade, 0, 0))
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def _tags() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "A maker"
    return exif


@pytest.mark.parametrize("form", _TYPES)
def test_metadata_does_not_change_the_digest_and_a_pixel_does(form: str) -> None:
    plain = image_digest(_coded(form, quality=95), _TYPES[form])
    tagged = image_digest(_coded(form, quality=95, exif=_tags()), _TYPES[form])
    other = image_digest(_coded(form, 200, quality=95), _TYPES[form])

    assert plain is not None
    assert plain == tagged
    assert plain != other


def test_a_text_in_a_png_and_a_trailer_of_a_jpeg_do_not_count() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * 500)

    assert image_digest(_coded("PNG", pnginfo=text), "image/png") == image_digest(
        _coded("PNG"), "image/png"
    )
    assert image_digest(_coded("JPEG") + b"\0" * 512, "image/jpeg") == image_digest(
        _coded("JPEG"), "image/jpeg"
    )


@pytest.mark.parametrize("form", _TYPES)
@given(cut=st.integers(0, 500), noise=st.binary(max_size=8), place=st.integers(0, 500))
def test_damage_is_no_error(form: str, cut: int, noise: bytes, place: int) -> None:
    data = _coded(form)
    spoiled = data[:place] + noise + data[place + len(noise) :]

    image_digest(spoiled[:cut], _TYPES[form])
    image_digest(spoiled, _TYPES[form])
    assert image_digest(data[: min(cut, len(data) - 3)], _TYPES[form]) is None


def test_files_with_one_digest_show_one_picture(photos: Path, truth: dict[str, Any]) -> None:
    found: dict[str, set[str]] = {}
    for path, facts in truth["files"].items():
        data = (photos / path).read_bytes()
        for start, media_type in (
            (b"\xff\xd8", "image/jpeg"),
            (b"\x89PNG", "image/png"),
            (b"RIFF", "image/webp"),
        ):
            if data.startswith(start) and (digest := image_digest(data, media_type)):
                found.setdefault(digest, set()).add(path)
                found.setdefault(facts["sha256"], set()).add(path)
    identical = [set(group) for group in truth["pixel_identical_groups"]]
    digests = {path: facts["sha256"] for path, facts in truth["files"].items()}
    same_picture = [set(group) for group in truth["same_picture_groups"]]

    shared = [group for group in found.values() if len({digests[path] for path in group}) > 1]

    assert len(shared) >= 10
    for group in shared:
        assert any(group <= known for known in (*identical, *same_picture)), group
