"""What cannot be judged here is not called broken, and is judged once it can be."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from support.daemon import House
from support.pictures import put_picture
from support.snapshot import differences, snapshot

FOLDERS = ("raw", "live", "broken", "formats")
NO_EXIFTOOL = {"path": "/nonexistent/exiftool"}


@pytest.fixture
def without(house: House, photos: Path) -> House:
    """Real pictures, looked at without exiftool."""
    house.configure(exiftool=NO_EXIFTOOL)
    for folder in FOLDERS:
        shutil.copytree(photos / folder, house.root / folder)
    return house


@pytest.fixture
def beside(tmp_path_factory: pytest.TempPathFactory, without: House) -> House:
    """The same files in a database of its own, with exiftool from the start."""
    other = House(tmp_path_factory.mktemp("beside"))
    other.root = without.root
    other.configure()
    other.scan()
    return other


def test_without_exiftool_no_sound_raw_is_called_broken_and_the_scan_says_what_is_missing(
    without: House, beside: House
) -> None:
    done = without.cli("scan")
    states = {path: row["status"] for path, row in without.files().items()}
    sound = {path for path, row in beside.files().items() if row["status"] == "ok"}

    assert {path for path in sound if states[path] not in ("ok", "unjudged")} == set()
    raws = [state for path, state in states.items() if path in sound and path.startswith("raw/")]
    assert "unjudged" in raws
    number = Counter(states.values())["unjudged"]
    assert f"{number} unjudged" in without.cli("status").stdout
    assert done.returncode == 1
    assert "could not be judged (exiftool is needed for this; install" in done.stderr
    assert "--state unjudged" in done.stderr
    listed = without.cli("files", "--state", "unjudged").stdout
    assert listed.splitlines()[-1] == f"{number} files"


def test_the_numbers_of_a_scan_tell_the_broken_from_the_unjudged(without: House) -> None:
    result = without.scan()
    states = Counter(row["status"] for row in without.files().values())

    assert result["failed"] == states["broken"] + states["unreadable"]
    assert sum(result["unjudged"].values()) == states["unjudged"] > 0


def test_once_there_is_exiftool_a_scan_gives_what_a_first_scan_with_it_gives(
    without: House, beside: House
) -> None:
    without.scan()
    assert differences(snapshot(beside.database), snapshot(without.database)) != {}

    without.configure()
    result = without.scan()
    again = without.scan()

    assert differences(snapshot(beside.database), snapshot(without.database)) == {}
    assert 0 < result["reread"] < result["files"], "only what exiftool knows more of is read"
    assert (again["reread"], again["bytes_read"]) == (0, 0)


def test_a_second_scan_without_exiftool_reads_nothing_again(without: House) -> None:
    without.scan()

    assert without.scan()["bytes_read"] == 0


def test_a_picture_that_is_too_large_to_be_decoded_is_not_called_broken(house: House) -> None:
    house.configure(workers={"max_pixels_million": 1})
    Image.new("RGB", (2000, 1500), (9, 80, 30)).save(house.root / "large.png")
    cut = put_picture(house.root / "whole.jpg", 1).read_bytes()
    (house.root / "half.jpg").write_bytes(cut[: len(cut) // 2])

    done = house.cli("scan")

    rows = house.files()
    assert (rows["large.png"]["status"], rows["half.jpg"]["status"]) == ("unjudged", "broken")
    assert (rows["large.png"]["width"], rows["large.png"]["phash"]) == (2000, None)
    assert "1 file could not be judged (too large to decode)" in done.stderr
    assert "1 file is broken or unreadable among those read" in done.stderr
    shown = house.cli("why", str(house.root / "large.png")).stdout
    assert "unjudged: it was read whole, and may well be sound" in shown
    assert "too large to decode: 2000x1500" in shown


def test_exact_copies_of_what_is_unjudged_are_found_and_nothing_acts_on_them(
    house: House,
) -> None:
    house.configure(workers={"max_pixels_million": 1}, catalog={"action": "trash"})
    for name in ("a.png", "b.png"):
        Image.new("RGB", (2000, 1500), (9, 80, 30)).save(house.root / name)
    house.scan()

    plan = house.ask("apply", "--dry-run", codes=(0, 1))

    (group,) = house.duplicates("exact")
    assert len(group["members"]) == 2
    assert plan["steps"] == []
    assert "unjudged" in str(plan)
