"""`twinlens scan` over real pictures, against what independent tools say of them."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from support.daemon import House, Row
from support.pictures import picture, put_picture

JUNK = (".DS_Store", "._*", "Thumbs.db", "*.part", "*/@eaDir/*", "@eaDir/*")
"""What macOS, Windows, Synology and downloads leave behind."""

BOOKKEEPING = {"job", "job_batch", "meta", "sqlite_sequence"}
"""Tables that say what was done when, not what is known of pictures."""


def is_junk(path: str) -> bool:
    return any(fnmatch(path, p) or fnmatch(os.path.basename(path), p) for p in JUNK)


def told(truth: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {path: fact for path, fact in truth["files"].items() if not is_junk(path)}


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, photos: Path, truth: dict[str, Any]
) -> tuple[House, Row]:
    """The real pictures, scanned once; tests only read it."""
    house = House(tmp_path_factory.mktemp("library"))
    for path in truth["files"]:
        target = house.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(photos / path, target)
    return house, house.scan()


@pytest.fixture(scope="module")
def rows(library: tuple[House, Row]) -> dict[str, Row]:
    """What `files --json` prints of them, through a pipe."""
    house, _ = library
    printed = [json.loads(line) for line in house.cli("files", "--json").stdout.splitlines()]
    return {os.path.relpath(row["path"], house.root): row for row in printed}


def test_every_file_is_listed_once_with_its_digest(
    rows: dict[str, Row], truth: dict[str, Any]
) -> None:
    found = {path: (row["sha256"], row["size"]) for path, row in rows.items()}

    assert found == {path: (fact["sha256"], fact["size"]) for path, fact in told(truth).items()}


def test_the_numbers_of_the_scan_are_those_of_the_files(
    library: tuple[House, Row], rows: dict[str, Row], truth: dict[str, Any]
) -> None:
    _, result = library

    facts = told(truth).values()
    assert result["files"] == result["added"] == len(facts)
    assert result["originals"] == len({fact["sha256"] for fact in facts})
    assert result["bytes_read"] == sum(fact["size"] for fact in facts)
    states = [row["status"] for row in rows.values()]
    assert result["failed"] == states.count("broken") + states.count("unreadable")


def test_media_types_are_those_of_exiftool_or_file(
    rows: dict[str, Row], truth: dict[str, Any]
) -> None:
    wrong = {
        path: (rows[path]["media_type"], fact["exiftool"]["File:MIMEType"])
        for path, fact in told(truth).items()
        if fact["exiftool"].get("File:MIMEType")
        and rows[path]["media_type"]
        not in (fact["exiftool"]["File:MIMEType"], fact["mime_by_file"])
    }

    assert wrong == {}


def test_a_whole_picture_is_an_image_a_raw_or_a_video(
    rows: dict[str, Row], truth: dict[str, Any]
) -> None:
    for path, fact in told(truth).items():
        if fact.get("rawpy") is not None and rows[path]["error"] is None:
            assert rows[path]["kind"] == "raw", path
        elif fact.get("decode", {}).get("pillow") == "ok" and not fact["note"].startswith("THM"):
            assert rows[path]["kind"] in ("image", "raw", "sidecar"), path
        elif fact.get("ffprobe") == "ok":
            assert rows[path]["kind"] in ("video", "image", "sidecar"), path


def test_pixel_sizes_are_those_of_exiftool(rows: dict[str, Row], truth: dict[str, Any]) -> None:
    wrong = {}
    for path, fact in told(truth).items():
        row = rows[path]
        expected = fact["exiftool"].get("Composite:ImageSize")
        found = f"{row['width']}x{row['height']}" if row["width"] else None
        is_expected = found == expected or (found is None and row["error"] is not None)
        if row["kind"] in ("image", "raw", "video") and not is_expected:
            wrong[path] = (found, expected)

    assert wrong == {}


@pytest.mark.parametrize(("key", "tag"), [("make", "EXIF:Make"), ("model", "EXIF:Model")])
def test_cameras_are_those_of_exiftool(
    rows: dict[str, Row], truth: dict[str, Any], key: str, tag: str
) -> None:
    expected = {
        path: str(fact["exiftool"][tag]).strip()
        for path, fact in told(truth).items()
        if str(fact["exiftool"].get(tag, "")).strip()
    }

    assert expected
    assert {path: rows[path][key] for path in expected} == expected


def test_what_no_decoder_can_read_carries_an_error(
    rows: dict[str, Row], truth: dict[str, Any]
) -> None:
    broken = {
        path
        for path, fact in told(truth).items()
        if fact["size"] == 0
        or fact.get("decode", {}).get("pillow", "ok") != "ok"
        or "ExifTool:Error" in fact["exiftool"]
        or fact.get("ffprobe", "ok") != "ok"
    }

    assert {path for path in broken if rows[path]["error"] is None} == set()
    assert {path for path in broken if rows[path]["status"] == "ok"} == set()


def test_what_every_decoder_reads_carries_none(rows: dict[str, Row], truth: dict[str, Any]) -> None:
    sound = {
        path
        for path, fact in told(truth).items()
        if fact.get("decode", {}).get("pillow") == "ok"
        and not {"ExifTool:Error", "ExifTool:Warning"} & set(fact["exiftool"])
        and "runcat" not in fact["note"]
    }

    assert len(sound) > 200
    assert {path: rows[path]["error"] for path in sound if rows[path]["error"]} == {}


def test_exact_duplicates_are_exactly_those_of_fdupes_and_rdfind(
    library: tuple[House, Row], truth: dict[str, Any]
) -> None:
    house, _ = library

    found = {
        frozenset(os.path.relpath(member["path"], house.root) for member in group["members"])
        for group in house.duplicates("exact")
    }

    expected = {frozenset(p for p in group if not is_junk(p)) for group in truth["exact_groups"]}
    assert found == {group for group in expected if len(group) > 1}


def test_pairs_of_raw_and_jpeg_are_exactly_those_that_were_shot(
    library: tuple[House, Row], truth: dict[str, Any]
) -> None:
    house, _ = library

    found = {
        frozenset(
            os.path.relpath(member["path"], house.root)
            for member in group["members"]
            if member["file_type"] in ("raw", "image")
        )
        for group in house.groups("raw_jpeg")
    }

    assert found == {frozenset((pair["raw"], pair["jpeg"])) for pair in truth["raw_pairs"]}


def test_a_second_scan_opens_nothing_and_changes_nothing(
    library: tuple[House, Row], tmp_path: Path
) -> None:
    house, _ = library
    before = contents(house.database)
    trace = tmp_path / "trace"
    strace = ("strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(trace))
    is_traced = shutil.which("strace") is not None

    again = house.scan(prefix=strace if is_traced else ())

    assert again["bytes_read"] == 0
    assert [again[name] for name in ("added", "changed", "moved", "gone")] == [0, 0, 0, 0]
    assert again["unchanged"] == again["files"]
    assert contents(house.database) == before
    if is_traced:
        opened = trace.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
        below_root = [line for line in opened if f"{house.root}/" in line or ".jpg" in line.lower()]
        assert any("O_DIRECTORY" in line for line in opened)
        assert [line for line in below_root if "O_DIRECTORY" not in line] == []


def test_a_file_whose_content_cannot_be_read_any_more_is_not_missed_by_a_second_scan(
    open_house: House,
) -> None:
    """The same without a tracer: whoever opened the file would be refused, and would say so."""
    kept = put_picture(open_house.root / "kept.jpg", 1)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    first = open_house.scan(prefix=nobody)
    before = open_house.files()
    stamp = kept.stat()
    kept.chmod(0o000)
    with sqlite3.connect(open_house.database) as rewritten:
        # The change of mode alone set the ctime; what is asked here is whether an equal stat opens.
        rewritten.execute("UPDATE file SET ctime_ns = ?", (kept.stat().st_ctime_ns,))
    rewritten.close()

    again = open_house.scan(prefix=nobody)

    assert (first["added"], again["added"], again["changed"], again["failed"]) == (1, 0, 0, 0)
    assert open_house.files() == before
    assert kept.stat().st_atime_ns == stamp.st_atime_ns


def test_odd_names_are_listed_as_they_are(house: House, photos: Path) -> None:
    subprocess.run(["tar", "-C", house.root, "-xf", photos / "odd-names.tar"], check=True)
    trace = house.folder / "trace"
    is_traced = shutil.which("strace") is not None
    strace = ("strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace)) if is_traced else ()

    result = house.scan(prefix=strace)

    printed = house.cli("files", "--json")
    rows = [json.loads(line) for line in printed.stdout.splitlines()]
    found = {os.fsencode(row["path"]): row["sha256"] for row in rows}
    assert found == {path: hashlib.sha256(read(path)).hexdigest() for path in plain_files(house)}
    assert len(found) == len(rows) == result["files"]
    assert not any(
        "hardlink.jpg" in m["path"] for d in house.duplicates("exact") for m in d["members"]
    )
    assert not (house.folder / "x").exists(), "a name was taken for a command"
    if is_traced:
        assert not re.search(r"fifo\.jpg|link_\w+\.jpg", trace.read_text(errors="replace"))


def test_hard_links_of_one_file_are_no_duplicates_but_a_copy_is(house: House) -> None:
    one = put_picture(house.root / "one.jpg", 1)
    os.link(one, house.root / "same inode.jpg")
    two = put_picture(house.root / "two.jpg", 2)
    shutil.copyfile(two, house.root / "copy.jpg")

    house.scan()

    groups = [{Path(m["path"]).name for m in d["members"]} for d in house.duplicates()]
    assert groups == [{"two.jpg", "copy.jpg"}]
    assert house.duplicates()[0]["reclaimable_bytes"] == len(picture(2))


def test_a_wrong_name_is_the_fault_of_that_file_alone(house: House) -> None:
    """What is measured belongs to the content: its other files must not suffer for one's name."""
    words = b"<!DOCTYPE html><html><body>no picture</body></html>"
    (house.root / "a.jpg").write_bytes(words)
    (house.root / "b.html").write_bytes(words)
    house.scan()
    files = house.files()
    assert (files["a.jpg"]["status"], files["b.html"]["status"]) == ("broken", "ok")
    assert files["a.jpg"]["error"].startswith("named .jpg but is")
    assert files["b.html"]["error"] is None

    (house.root / "a.jpg").rename(house.root / "c.html")
    (house.root / "b.html").rename(house.root / "b.png")
    house.scan()

    files = house.files()
    states = {path: row["status"] for path, row in files.items()}
    assert states == {"c.html": "ok", "b.png": "broken"}
    assert files["c.html"]["error"] is None
    assert files["b.png"]["error"].startswith("named .png but is")


def test_a_scan_of_one_folder_leaves_the_others_alone(house: House) -> None:
    put_picture(house.root / "a" / "one.jpg", 1)
    put_picture(house.root / "b" / "two.jpg", 2)
    house.scan()
    (house.root / "a" / "one.jpg").unlink()
    (house.root / "b" / "two.jpg").unlink()

    result = house.scan(str(house.root / "a"), "--accept-missing")

    assert result["gone"] == 1
    assert set(house.files()) == {"b/two.jpg"}


def test_nothing_below_a_root_is_written(house: House, photos: Path) -> None:
    shutil.copytree(photos / "broken", house.root / "broken")
    listing = ["find", str(house.root), "-printf", "%p %i %s %T@ %C@ %m\n"]
    before = subprocess.run(listing, capture_output=True, check=True).stdout

    house.scan()
    house.cli("reconcile")
    house.cli("cleanup")

    assert subprocess.run(listing, capture_output=True, check=True).stdout == before


def contents(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that says something of pictures; the roots' last scan aside."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables: dict[str, list[tuple[object, ...]]] = {}
        for (name,) in names:
            if name in BOOKKEEPING:
                continue
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            asked = ", ".join(c for c in columns if c != "last_scan_at")
            tables[name] = connection.execute(f"SELECT {asked} FROM {name} ORDER BY 1").fetchall()
    connection.close()
    assert tables["file"]
    return tables


def plain_files(house: House) -> list[bytes]:
    """Every regular file below the root, links not followed."""
    found = []
    for folder, _, names in os.walk(os.fsencode(house.root)):
        paths = [os.path.join(folder, name) for name in names]
        found += [p for p in paths if os.path.isfile(p) and not os.path.islink(p)]
    return found


def read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()
