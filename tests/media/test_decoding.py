"""Pictures of every format, orientation, depth and damage."""

import io
from pathlib import Path

import imagehash
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin

from support.pictures import picture
from twinlens.media.decoding import Decoded, decode, register_decoders
from twinlens.media.thumbnails import upright

PIXELS = 100_000_000
TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}
STORED = dict(enumerate((1, 2, 3, 4, 5, 8, 7, 6), start=1))
"""The orientation that undoes each orientation."""


@pytest.fixture(scope="module", autouse=True)
def _decoders() -> None:
    register_decoders()


@pytest.fixture(scope="module")
def scene(photos: Path) -> Image.Image:
    with Image.open(photos / "makers/immich-nature/prairie_falcon.jpg") as image:
        return image.convert("RGB").resize((330, 220))


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def decoded(data: bytes, media_type: str = "image/jpeg", pixels: int = PIXELS) -> Decoded:
    return decode(io.BytesIO(data), media_type, pixels)


def distance(found: Decoded, image: Image.Image) -> int:
    assert found.thumbnail is not None, found.error
    return int(imagehash.phash(found.thumbnail) - imagehash.phash(image))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", TYPES)
def test_every_format_is_turned_upright_exactly_once(
    scene: Image.Image, form: str, orientation: int
) -> None:
    stored = upright(scene, STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, form, exif=exif.tobytes(), quality=90)

    found = decoded(data, TYPES[form])

    assert distance(found, scene) <= 2
    assert (found.width, found.height) == stored.size
    # Pillow writes no orientation 1 into an AVIF.
    assert found.orientation == orientation or (form, orientation) == ("AVIF", 1)
    assert found.error is None


def test_a_raws_orientation_replaces_the_previews_own(scene: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(upright(scene, STORED[3]), "JPEG", exif=exif, quality=90)

    found = decode(io.BytesIO(data), "image/jpeg", PIXELS, orientation=3)

    assert distance(found, scene) <= 2


def test_what_is_transparent_is_seen_on_white(scene: Image.Image) -> None:
    mask = Image.new("L", scene.size, 255)
    mask.paste(0, (0, 0, 165, 220))
    clear = scene.copy()
    clear.paste("black", (0, 0, 165, 220))
    clear.putalpha(mask)
    expected = scene.copy()
    expected.paste("white", (0, 0, 165, 220))

    assert distance(decoded(encoded(clear, "PNG"), "image/png"), expected) <= 2
    assert distance(decoded(encoded(clear, "WEBP", lossless=True), "image/webp"), expected) <= 2


@pytest.mark.parametrize("shift", [8, 4])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(scene: Image.Image, form: str, shift: int) -> None:
    grey = scene.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) << shift)

    assert distance(decoded(encoded(deep, form), TYPES[form]), grey) <= 2


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "F", "I", "I;16"]
)
def test_every_mode_of_a_tiff_gives_a_thumbnail(scene: Image.Image, mode: str) -> None:
    source = scene.convert("L") if mode in ("F", "I", "I;16", "1") else scene
    if mode == "LAB":
        image = Image.merge("LAB", scene.split())
    elif mode == "I;16":
        image = Image.fromarray(np.asarray(source).astype(np.uint16) << 8)
    else:
        image = source.convert(mode)

    found = decoded(encoded(image, "TIFF"), "image/tiff")

    assert found.error is None
    assert found.thumbnail is not None
    assert found.thumbnail.mode == "L"


def test_a_multi_picture_jpeg_is_a_jpeg(scene: Image.Image) -> None:
    data = encoded(scene, "MPO", save_all=True, append_images=[ImageOps.mirror(scene)])

    assert distance(decoded(data), scene) <= 2


def test_only_the_first_frame_counts(scene: Image.Image) -> None:
    data = encoded(scene, "GIF", save_all=True, append_images=[ImageOps.flip(scene)] * 3)

    assert distance(decoded(data, "image/gif"), scene) <= 4


def test_the_thumbnail_is_small_but_not_too_small(scene: Image.Image) -> None:
    for form, least in (("JPEG", 240), ("PNG", 256)):
        found = decoded(encoded(scene.resize((3000, 2000)), form), TYPES[form])

        assert found.thumbnail is not None
        assert least <= min(found.thumbnail.size) < 2 * least
        assert (found.width, found.height) == (3000, 2000)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_picture_is_an_error_that_keeps_its_header(
    scene: Image.Image, form: str, share: float
) -> None:
    data = encoded(scene, form, quality=90)

    found = decoded(data[: int(len(data) * share)], TYPES[form])

    assert found.error is not None
    assert found.thumbnail is None
    # A TIFF of Pillow's has its directory at the end, behind the pixels.
    if form != "TIFF":
        assert (found.width, found.height) == scene.size


def test_a_jpeg_without_its_last_two_bytes_is_truncated(scene: Image.Image) -> None:
    assert decoded(encoded(scene, "JPEG")[:-2]).error == "truncated"


def test_a_picture_of_too_many_pixels_is_not_decoded_but_measured() -> None:
    data = encoded(Image.new("1", (20_000, 10_000)), "PNG")

    found = decoded(data, "image/png", pixels=150_000_000)

    assert found.error == "too large to decode: 20000x10000 pixels"
    assert (found.width, found.height) == (20_000, 10_000)
    assert found.thumbnail is None


def test_a_large_jpeg_counts_as_it_is_decoded(scene: Image.Image) -> None:
    data = encoded(scene.resize((2400, 1600)), "JPEG")
    progressive = encoded(scene.resize((2400, 1600)), "JPEG", progressive=True)

    assert decoded(data, pixels=1_000_000).error is None
    assert "too large" in (decoded(data, pixels=400_000).error or "")
    assert "too large" in (decoded(progressive, pixels=1_000_000).error or "")


def test_a_picture_of_endless_passes_is_refused_before_it_is_decoded(scene: Image.Image) -> None:
    whole = encoded(scene, "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    again = whole[last:-2]
    hostile = whole[:-2] + 1000 * again + b"\xff\xd9"
    # A decoder passes over a byte that belongs to nothing.
    hidden = whole[:-2] + b"\xff\xfe\0\2" + b"\0" + 1000 * again + b"\xff\xd9"
    # What lies behind the end is no scan: a clip may hold any bytes.
    honest = whole + 1000 * b"\xff\xda"

    assert decoded(hostile).error == "broken: more than 500 scans"
    assert (decoded(hostile).width, decoded(hostile).height) == scene.size
    assert decoded(hidden).error == "broken: more than 500 scans"
    assert decoded(honest).error is None
    assert distance(decoded(honest), scene) <= 2


def test_a_bomb_of_text_is_not_unpacked(scene: Image.Image) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * 80_000_000, zip=True)

    found = decoded(encoded(scene.resize((64, 64)), "PNG", pnginfo=text), "image/png")

    assert found.error == "broken: its text is larger than allowed"
    assert (found.width, found.height) == (64, 64)
    assert found.embedded.is_complete


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("image/jpeg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        ("image/jpeg", b"8BPS\0\1" + b"\0" * 60),
        ("image/png", b"SIMPLE  =                    T" + b" " * 3000),
        ("image/tiff", b"AT&TFORM" + b"\0" * 60),
    ],
)
def test_a_format_outside_the_list_is_not_opened(media_type: str, data: bytes) -> None:
    found = decoded(data, media_type)

    assert found.error == "broken: its header cannot be understood"


def test_a_type_without_decoder_says_so() -> None:
    assert decoded(b"\xff\x0a", "image/jxl").error == "no decoder for image/jxl"


def test_a_file_of_noise_behind_a_good_header_never_raises(scene: Image.Image) -> None:
    rng = np.random.default_rng(7)

    for form, media_type in TYPES.items():
        good = np.frombuffer(encoded(scene.resize((64, 48)), form), np.uint8)
        for _ in range(40):
            bad = good.copy()
            bad[rng.integers(0, bad.size, max(1, bad.size // 200))] = rng.integers(0, 256)
            found = decoded(bad.tobytes(), media_type)
            assert found.thumbnail is not None or found.error


def test_stray_limits_of_pillow_are_put_back(scene: Image.Image) -> None:
    before = Image.MAX_IMAGE_PIXELS

    decoded(encoded(scene, "PNG"), "image/png", pixels=1000)

    assert before == Image.MAX_IMAGE_PIXELS


def test_heic_keeps_the_size_that_was_stored(scene: Image.Image) -> None:
    heif = pillow_heif.from_pillow(upright(scene, STORED[6]))
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    heif.save(stream, exif=exif.tobytes())

    found = decoded(stream.getvalue(), "image/heic")

    assert (found.width, found.height, found.orientation) == (220, 330, 6)


def test_a_hostile_tiff_does_not_fill_the_log(
    photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = decoded((photos / "broken/crash-2020-10-test.tif").read_bytes(), "image/tiff")

    assert found.error is not None
    assert capfd.readouterr().err == ""


def test_a_jpeg_decoded_at_a_half_shows_what_its_copy_as_png_shows() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (38, 64, 3)).astype(np.uint8)
    picture = Image.fromarray(noise).resize((1024, 605), Image.Resampling.BICUBIC)
    sizes = []
    for form, media_type in (("JPEG", "image/jpeg"), ("PNG", "image/png")):
        stream = io.BytesIO()
        picture.save(stream, form)
        found = decode(stream, media_type, 10_000_000)
        assert found.thumbnail is not None
        sizes.append(found.thumbnail.size)

    assert sizes == [(512, 302), (512, 302)]


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("decoder error -2", "broken: its pixels cannot be decoded (decoder error -2)"),
        (
            "negative seek value -268427066",
            "broken: it points to a place outside of itself (negative seek value -268427066)",
        ),
        ("decoder error -9", "needs more memory than a worker may use"),
        ("unknown marker", "broken: unknown marker"),
    ],
)
def test_a_decoders_own_words_are_said_plainly(
    inner: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        raise OSError(inner)

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", fail)

    assert decoded(picture(1), "image/jpeg").error == said
