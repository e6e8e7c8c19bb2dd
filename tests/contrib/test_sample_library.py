"""The sample library: what it promises is in it, and it spoils nothing."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

PROGRAM = Path(__file__).resolve().parents[2] / "contrib/sample_library.py"


def make(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), str(folder)], capture_output=True, text=True, check=False
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "photos"
    assert make(folder).returncode == 0
    return folder


def test_it_holds_about_forty_files_and_five_exact_copies(library: Path) -> None:
    counts = Counter(digests(library).values())

    assert 40 <= counts.total() <= 50
    assert sorted(counts.values())[-6:] == [1, 2, 2, 2, 2, 2]


def test_its_jpegs_have_a_camera_and_a_time(library: Path) -> None:
    with Image.open(library / "2024/06/IMG_4100.JPG") as picture:
        exif = picture.getexif()

    assert exif[0x0110] == "Canon EOS R6"
    assert exif.get_ifd(0x8769)[0x9003] == "2024:06:01 09:30:00"


def test_its_raw_stands_beside_a_jpeg_and_is_a_dng(library: Path) -> None:
    raws = list(library.rglob("*.DNG"))

    assert raws
    for raw in raws:
        assert raw.with_suffix(".JPG").exists()
        with Image.open(raw) as picture:
            assert 50706 in picture.getexif()  # DNGVersion


def test_its_broken_files_are_broken(library: Path) -> None:
    with pytest.raises(UnidentifiedImageError):
        Image.open(library / "Recovered/not-a-picture.jpg")
    with (
        Image.open(library / "Recovered/cut-short.jpg") as picture,
        pytest.raises(OSError, match="truncated"),
    ):
        picture.load()


def test_nothing_but_pictures_and_a_sidecar_is_left_in_it(library: Path) -> None:
    suffixes = {path.suffix.lower() for path in library.rglob("*") if path.is_file()}

    assert suffixes == {".jpg", ".dng", ".png", ".xmp"}


def test_a_second_call_changes_nothing(library: Path) -> None:
    before = {path: os.stat(path).st_mtime_ns for path in library.rglob("*")}

    done = make(library)

    assert done.returncode == 0
    assert {path: os.stat(path).st_mtime_ns for path in library.rglob("*")} == before


def test_the_same_pictures_are_made_every_time(library: Path, tmp_path: Path) -> None:
    make(tmp_path / "again")

    assert digests(tmp_path / "again") == digests(library)


def test_a_folder_of_somebody_else_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")

    done = make(tmp_path)

    assert done.returncode == 2
    assert "was not made by this program" in done.stderr
    assert os.listdir(tmp_path) == ["mine.jpg"]
