"""Sizes that headers state."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from twinlens.media.headers import stated_size


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"quality": 50}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0"}),
    ],
)
def test_the_stated_size_is_the_pictures(form: str, options: dict[str, object]) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (333, 77), "red").save(stream, form, **options)

    assert stated_size(stream.getvalue()[:64]) == (333, 77)


def test_a_png_header_with_a_wrong_checksum_states_nothing() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (333, 77)).save(stream, "PNG")
    data = bytearray(stream.getvalue()[:64])
    data[17] = 0xFF

    assert stated_size(bytes(data)) is None


@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8L", b""]), st.binary(max_size=60)
)
def test_no_bytes_make_it_raise(start: bytes, rest: bytes) -> None:
    size = stated_size(start + rest)

    assert size is None or min(size) > 0
