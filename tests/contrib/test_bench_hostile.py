"""The hostile files of the benchmark are what their names say, and the same ones each time."""

import io
from pathlib import Path

import pytest
from PIL import Image

from dirty import lay_among
from hostile import write_hostile


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.name: path for path in write_hostile(tmp_path_factory.mktemp("first"), jpeg())}


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((640, 480), 60).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_there_are_twenty_of_them(files: dict[str, Path]) -> None:
    assert len(files) == 20
    assert len({path.read_bytes() for path in files.values()}) == 20


def test_the_same_ones_are_made_each_time(tmp_path: Path) -> None:
    picture = jpeg()
    first, again = (write_hostile(tmp_path / name, picture) for name in ("first", "again"))

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_the_huge_one_is_a_hole(files: dict[str, Path]) -> None:
    stat = files["hole-of-200-mb.jpg"].stat()

    assert stat.st_size == 200 << 20
    assert stat.st_blocks * 512 < 1 << 20


def test_the_bombs_are_small_and_claim_to_be_large(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    for name, side in (("bomb-of-3600-megapixels.png", 60_000), ("endless-scans.jpg", 14_000)):
        with Image.open(files[name]) as picture:
            assert picture.size == (side, side)
        assert files[name].stat().st_size < 1 << 20


def test_they_lie_among_the_good_ones_in_the_cameras_folders(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    for folder in ("100CANON", "101CANON"):
        (plain / "DCIM" / folder).mkdir(parents=True)
        (plain / "DCIM" / folder / "IMG_0001.JPG").write_bytes(jpeg())

    hostile, mixed = lay_among(plain, tmp_path / "dirty")

    names = [path.name for path in mixed.rglob("*") if path.is_file()]
    assert sorted(names) == sorted(
        [*(path.name for path in hostile.iterdir()), *["IMG_0001.JPG"] * 2]
    )
    assert [len(list(folder.iterdir())) for folder in (mixed / "DCIM").iterdir()] == [11, 11]
    assert (mixed / "DCIM/100CANON/IMG_0001.JPG").samefile(plain / "DCIM/100CANON/IMG_0001.JPG")
