"""A library whose owner does without the analysis of pictures, and one who comes to want it."""

import shutil
from pathlib import Path

import pytest

from support.daemon import House, Row
from support.snapshot import differences, snapshot

FOLDERS = ("raw", "live", "sidecars", "dups", "broken")
OF_ONE_PHOTOGRAPH = ("raw_jpeg", "live_photo", "sidecar")


@pytest.fixture
def headers(house: House, photos: Path) -> House:
    """Real pictures, of which nothing but headers and tags was read."""
    house.configure(similarity={"enabled": False})
    for folder in FOLDERS:
        shutil.copytree(photos / folder, house.root / folder)
    house.scan()
    return house


@pytest.fixture
def decoded(tmp_path_factory: pytest.TempPathFactory, headers: House) -> House:
    """The same files, looked at in full, in a database of its own."""
    other = House(tmp_path_factory.mktemp("decoded"))
    other.root = headers.root
    other.configure()
    other.scan()
    return other


def facts(row: Row) -> Row:
    """What is known without decoding."""
    names = ("sha256", "size", "kind", "media_type", "width", "height", "orientation", "taken_at")
    return {name: row[name] for name in names}


def test_without_looking_at_pictures_all_else_is_known(headers: House, decoded: House) -> None:
    wanted = {name: facts(row) for name, row in decoded.files().items()}

    assert {name: facts(row) for name, row in headers.files().items()} == wanted
    assert len(headers.duplicates("exact")) == len(decoded.duplicates("exact")) > 0
    for group_type in OF_ONE_PHOTOGRAPH:
        assert len(headers.groups(group_type)) == len(decoded.groups(group_type))
    assert headers.duplicates("re_encoded") == headers.duplicates("similar") == []


def test_looking_at_pictures_after_all_gives_what_a_first_scan_gives(
    headers: House, decoded: House
) -> None:
    headers.configure()
    headers.scan()

    assert decoded.duplicates("re_encoded")
    assert differences(snapshot(decoded.database), snapshot(headers.database)) == {}


def test_what_was_read_is_not_read_again_whatever_is_wanted_now(headers: House) -> None:
    assert headers.scan()["bytes_read"] == 0

    headers.configure()
    assert headers.scan()["bytes_read"] > 0
    headers.configure(similarity={"enabled": False})

    assert headers.scan()["bytes_read"] == 0


def test_every_verb_says_that_pictures_are_not_looked_at(headers: House) -> None:
    half = headers.root / "broken" / "trunc_50pct.jpg"
    words = "similarity.enabled = false"

    told = headers.ask("why", str(half))
    shown = headers.cli("why", str(half)).stdout
    checks = headers.ask("doctor", codes=(0, 1))["checks"]

    assert words in headers.cli("status").stdout
    assert any(words in line for line in headers.ask("status")["left_out"])
    assert any(words in check["detail"] for check in checks)
    assert words in headers.cli("files").stdout
    assert words in headers.cli("duplicates").stdout
    assert words in headers.cli("duplicates", "--type", "similar").stdout
    assert words not in headers.cli("duplicates", "--type", "exact").stdout
    assert told["content"]["is_of_header_alone"]
    assert "ok; not decoded: damage inside the picture would not show" in shown
    assert "No duplicate of it is known" not in shown


def test_nothing_is_said_to_be_left_out_where_pictures_are_looked_at(decoded: House) -> None:
    half = decoded.root / "broken" / "trunc_50pct.jpg"

    assert "left out" not in decoded.cli("status").stdout
    assert decoded.ask("status")["left_out"] == []
    assert "similarity.enabled" not in decoded.cli("duplicates", "--type", "similar").stdout
    assert not decoded.ask("why", str(half))["content"]["is_of_header_alone"]
    assert "not decoded" not in decoded.cli("why", str(half)).stdout
