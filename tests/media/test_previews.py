"""The pictures inside real RAWs."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import imagehash
import pytest
from PIL import Image

from twinlens.analysis.kinds import recognise
from twinlens.analysis.metadata import WANTED_TAGS
from twinlens.media.decoding import register_decoders
from twinlens.media.exiftool import ExifTool
from twinlens.media.previews import preview_names, previews_in, raw_thumbnail
from twinlens.media.reading import open_regular, read_content

PROGRAM = shutil.which("exiftool") or ""
pytestmark = pytest.mark.skipif(not PROGRAM, reason="exiftool is not installed")


@pytest.fixture(scope="module")
def tool() -> Iterator[ExifTool]:
    register_decoders()
    tool = ExifTool(PROGRAM, seconds=10)
    yield tool
    tool.close()


def thumbnail(
    tool: ExifTool, path: Path, orientation: int | None = None, *, are_listed: bool = True
) -> Image.Image | None:
    with open_regular(os.fsencode(path)) as (descriptor, stat):
        content = read_content(descriptor, os.fsencode(path), stat, 0)
        media_type = recognise(content.head, content.read_at).media_type
        names = WANTED_TAGS | preview_names(media_type)
        tags = tool.read_tags(content.path_for_programs(), names)
        return raw_thumbnail(
            content,
            previews_in(tags, media_type) if are_listed else [],
            tool,
            100_000_000,
            orientation=orientation,
            is_landscape=True,
        )


@pytest.mark.parametrize(
    ("raw", "developed"),
    [
        ("raw/CRW_0001.CRW", "raw/CRW_0001.JPG"),
        ("raw/DSC_0101.DNG", "raw/DSC_0101.JPG"),
        ("raw/RAW/IMG_0103.DNG", "raw/JPG/IMG_0103.JPG"),
    ],
)
def test_a_raws_preview_looks_like_its_developed_picture(
    tool: ExifTool, photos: Path, raw: str, developed: str
) -> None:
    found = thumbnail(tool, photos / raw)

    assert found is not None
    with Image.open(photos / developed) as image:
        assert imagehash.phash(found) - imagehash.phash(image) <= 2


def test_a_first_directory_that_is_a_preview_stands_in_for_one(
    tool: ExifTool, photos: Path
) -> None:
    found = thumbnail(tool, photos / "raw/DSC_0101.DNG", are_listed=False)

    assert found is not None
    with Image.open(photos / "raw/DSC_0101.JPG") as image:
        assert imagehash.phash(found) - imagehash.phash(image) <= 2


def test_a_preview_is_turned_as_the_raw_says(tool: ExifTool, photos: Path) -> None:
    stored = thumbnail(tool, photos / "raw/CRW_0001.CRW")
    turned = thumbnail(tool, photos / "raw/CRW_0001.CRW", orientation=6)

    assert stored is not None
    assert turned is not None
    assert turned.size == stored.size[::-1]
    assert imagehash.phash(turned) == imagehash.phash(stored.rotate(-90, expand=True))


def test_a_raw_without_preview_gives_none(tool: ExifTool, photos: Path) -> None:
    assert thumbnail(tool, photos / "raw/stubs/PICT1007.MRW") is None


def test_the_largest_preview_comes_first_and_what_is_too_small_not_at_all() -> None:
    tags = {
        "EXIF:ThumbnailImage": "(Binary data 9362 bytes, use -b option to extract)",
        "File:PreviewImage": "(Binary data 812167 bytes, use -b option to extract)",
        "EXIF:JpgFromRaw": "(Binary data 28 bytes, use -b option to extract)",
        "EXIF:Make": "(Binary data 99999 bytes, use -b option to extract)",
    }

    assert previews_in(tags, "image/x-fujifilm-raf") == ["File:PreviewImage", "EXIF:ThumbnailImage"]


def test_many_crw_in_one_tool_stay_quick(tool: ExifTool, photos: Path) -> None:
    started = time.monotonic()

    found = [thumbnail(tool, photos / "raw/CRW_0001.CRW") for _ in range(10)]

    assert None not in found
    assert time.monotonic() - started < 3
