"""A folder that cannot be read is named with its reason until a scan reads it."""

from pathlib import Path

import pytest

from support.daemon import AS_NOBODY, Daemon, House, Row, eventually
from support.pictures import put_picture

DENIED = "Permission denied"


@pytest.fixture
def locked(open_house: House) -> Path:
    """A folder that was scanned, and may not be read any more; a picture came to it since."""
    put_picture(open_house.root / "open" / "a.jpg", 1)
    put_picture(open_house.root / "locked" / "known.jpg", 2)
    open_house.scan(prefix=AS_NOBODY)
    folder = open_house.root / "locked"
    put_picture(folder / "new.jpg", 3)
    folder.chmod(0)
    return folder


def folders_of(house: House) -> list[tuple[str, str]]:
    return [(f["path"], f["reason"]) for f in house.root_state()["unread"]["folders"]]


def warnings_of(house: House) -> list[Row]:
    report = house.ask("doctor", prefix=AS_NOBODY, codes=(0, 1))
    return [check for check in report["checks"] if check["check"] == "folder"]


def test_a_folder_that_cannot_be_read_is_named_by_every_verb_after_the_scan_has_ended(
    open_house: House, locked: Path
) -> None:
    result = open_house.scan(prefix=AS_NOBODY)

    assert result["problems"] == [f"{locked}: {DENIED}"]
    assert open_house.root_state()["unread"]["count"] == 1
    assert folders_of(open_house) == [(str(locked), DENIED)]
    shown = open_house.cli("status", prefix=AS_NOBODY).stdout
    assert "1 folder not read" in shown
    assert f"{DENIED}: {locked}" in shown
    (warning,) = warnings_of(open_house)
    assert warning["state"] == "warning"
    assert str(locked) in warning["detail"]
    assert DENIED in warning["detail"]
    assert "read and enter" in warning["advice"]


def test_why_says_of_a_path_in_an_unread_folder_that_the_folder_is_the_reason(
    open_house: House, locked: Path
) -> None:
    open_house.scan(prefix=AS_NOBODY)

    new = open_house.cli("why", str(locked / "new.jpg"), prefix=AS_NOBODY)
    known = open_house.ask("why", str(locked / "known.jpg"), prefix=AS_NOBODY)
    shown = open_house.cli("why", str(locked / "known.jpg"), prefix=AS_NOBODY).stdout
    elsewhere = open_house.ask("why", str(open_house.root / "open" / "a.jpg"))

    assert new.returncode == 2
    assert f"the last scan could not read {locked} ({DENIED})" in new.stderr
    assert "no such file" not in new.stderr
    assert known["unread"]["path"] == str(locked)
    assert DENIED in shown
    assert "from before" in shown
    assert elsewhere["unread"] is None


def test_why_does_not_call_a_path_missing_that_it_may_not_ask_for(
    open_house: House, locked: Path
) -> None:
    said = open_house.cli("why", str(locked / "new.jpg"), prefix=AS_NOBODY).stderr

    assert DENIED in said
    assert "no such file" not in said


def test_a_folder_is_named_no_longer_once_a_scan_has_read_it_or_found_it_gone(
    open_house: House, locked: Path
) -> None:
    other = open_house.root / "other"
    other.mkdir(mode=0)
    open_house.scan(prefix=AS_NOBODY)
    before = folders_of(open_house)
    locked.chmod(0o755)
    open_house.scan(str(open_house.root / "open"), prefix=AS_NOBODY)
    after_another = folders_of(open_house)
    open_house.scan(str(locked), prefix=AS_NOBODY)
    after_it = folders_of(open_house)
    other.rmdir()
    open_house.scan(prefix=AS_NOBODY)

    assert before == after_another == [(str(locked), DENIED), (str(other), DENIED)]
    assert after_it == [(str(other), DENIED)]
    assert folders_of(open_house) == []
    assert warnings_of(open_house) == []
    assert "locked/new.jpg" in open_house.files()


def test_a_missing_root_is_told_once_by_the_doctor_and_with_advice(open_house: House) -> None:
    missing = open_house.folder / "missing"
    missing.mkdir()
    open_house.configure(roots=[open_house.root, missing])
    open_house.scan(prefix=AS_NOBODY)
    missing.rmdir()
    open_house.scan(prefix=AS_NOBODY)

    checks = open_house.ask("doctor", prefix=AS_NOBODY, codes=(0, 1))["checks"]

    (told,) = (c for c in checks if c["check"] == "root" and str(missing) in c["detail"])
    assert told["state"] == "error"
    assert told["advice"]


def test_the_daemon_counts_a_folder_it_cannot_watch_once_and_names_it(
    open_house: House, locked: Path
) -> None:
    with Daemon(open_house, prefix=AS_NOBODY) as daemon:
        eventually(lambda: folders_of(open_house), 20.0, "the scan at start names the folder")
        detail = open_house.root_state()["watch_detail"]
        daemon.stop()

    assert detail == f"1 of 3 folders is not watched: {DENIED}: {locked}"
    assert folders_of(open_house) == [(str(locked), DENIED)]


def test_a_file_that_was_asked_to_be_scanned_is_no_folder_that_cannot_be_read(
    open_house: House,
) -> None:
    path = put_picture(open_house.root / "a.jpg", 1)

    result = open_house.scan(str(path), prefix=AS_NOBODY)

    assert result["problems"] == [f"{path}: Not a directory"]
    assert folders_of(open_house) == []
