"""Claims about copies of the database: complete, sound, and never in the way of anything."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.made_up import digest, put_original
from support.stores import Store, opened_store
from twinlens.errors import StoreError
from twinlens.store import backups, meta, originals

NOW = datetime(2026, 1, 10, 3, 0, 5, tzinfo=UTC)


def words_in(copy: Path) -> set[str]:
    with sqlite3.connect(copy) as connection:
        return {row[0] for row in connection.execute("SELECT sha256 FROM original")}


def test_a_copy_holds_what_only_the_journal_holds_yet(store: Store, tmp_path: Path) -> None:
    for number in range(20):
        store.write(lambda number=number: put_original(f"word {number}"))  # type: ignore[misc]  # a default binds it
    copy = tmp_path / "copy.db"

    size = backups.write(store.path, copy)

    assert words_in(copy) == {digest(f"word {number}") for number in range(20)}
    assert size == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "state"]


def test_a_copy_is_a_database_that_twinlens_opens(store: Store, tmp_path: Path) -> None:
    store.write(lambda: put_original("a"))
    backups.write(store.path, tmp_path / "copy.db")

    with opened_store(tmp_path / "copy.db") as copy:
        assert copy.read(lambda: originals.find_id(digest("a"))) is not None


def test_an_existing_file_is_left_alone_unless_it_is_to_be_replaced(
    store: Store, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(b"something else")

    with pytest.raises(StoreError, match="exists already"):
        backups.write(store.path, copy)
    assert copy.read_bytes() == b"something else"

    backups.write(store.path, copy, replace=True)
    assert backups.is_database(copy)


def test_a_name_is_claimed_where_there_are_no_hard_links(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*names: object) -> None:
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    backups.write(store.path, tmp_path / "copy.db")

    assert backups.is_database(tmp_path / "copy.db")
    with pytest.raises(StoreError, match="exists already"):
        backups.write(store.path, tmp_path / "copy.db")


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_copy_that_fails_leaves_nothing_behind(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise FileExistsError(17, "taken") if call == "link" else OSError(28, "no space left")

    monkeypatch.setattr(os, call, fail)

    with pytest.raises(StoreError):
        backups.write(store.path, tmp_path / "copy.db")
    assert sorted(os.listdir(tmp_path)) == ["state"]


def test_a_damaged_copy_is_not_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        store.write(lambda number=number: put_original(f"word {number}"))  # type: ignore[misc]  # a default binds it
    vacuum = backups._vacuum

    def damage(database: Path, target: Path) -> None:
        vacuum(database, target)
        with target.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (target.stat().st_size - 4096))

    monkeypatch.setattr(backups, "_vacuum", damage)

    with pytest.raises(StoreError):
        backups.write(store.path, tmp_path / "copy.db")
    assert sorted(os.listdir(tmp_path)) == ["state"]


def test_a_writer_goes_on_while_a_copy_is_made(store: Store, tmp_path: Path) -> None:
    store.write(lambda: put_original("before"))
    code = (
        "import sys; from pathlib import Path; from twinlens.store import backups; "
        "[backups.write(Path(sys.argv[1]), Path(sys.argv[2]) / f'{n}.db') for n in range(5)]"
    )
    done = subprocess.Popen([sys.executable, "-c", code, str(store.path), str(tmp_path)])
    count = 0
    while done.poll() is None:
        store.write(lambda: meta.write("count", str(count)))  # noqa: B023 - called at once
        count += 1

    assert done.returncode == 0
    assert count > 5
    for number in range(5):
        assert words_in(tmp_path / f"{number}.db") == {digest("before")}
    assert store.read(lambda: meta.read("count")) == str(count - 1)


def test_the_newest_numbers_are_kept_whatever_the_clock_said(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    times = [NOW + timedelta(days=3650), NOW + timedelta(days=3651), NOW, NOW + timedelta(days=1)]
    for at in times:
        backups.write_numbered(store.path, folder, at, 2)

    kept = backups.numbered(folder, store.path.name)

    assert [(backup.number, backup.made_at) for backup in kept] == [(3, times[2]), (4, times[3])]


def test_rotation_removes_its_own_copies_and_nothing_else(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    others = (
        *("holiday.jpg", "twinlens.db", "twinlens.db.000001.20260101T000000Z.backup.txt"),
        *("other.db.000001.20260101T000000Z.backup", "twinlens.db.000009.20260231T000000Z.backup"),
    )
    for name in others:
        (folder / name).write_bytes(b"mine")

    for day in range(4):
        backups.write_numbered(store.path, folder, NOW + timedelta(days=day), 1)

    assert len(backups.numbered(folder, store.path.name)) == 1
    assert {name for name in os.listdir(folder) if (folder / name).read_bytes() == b"mine"} == set(
        others
    )


def test_a_failed_night_costs_no_older_copy(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copies"
    backups.write_numbered(store.path, folder, NOW, 1)

    def fail(descriptor: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError):
        backups.write_numbered(store.path, folder, NOW + timedelta(days=1), 1)

    assert [backup.number for backup in backups.numbered(folder, store.path.name)] == [1]


def test_what_a_kill_left_behind_is_removed_a_day_later(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    old, young = (folder / f".twinlens-{sign * 16}.unfinished" for sign in "ab")
    for path, hours in ((old, 25), (young, 1)):
        path.write_bytes(b"half")
        stamp = (NOW - timedelta(hours=hours)).timestamp()
        os.utime(path, (stamp, stamp))

    backups.write_numbered(store.path, folder, NOW, 3)

    assert (old.exists(), young.exists()) == (False, True)


def test_a_name_that_is_no_text_is_refused_in_words(store: Store, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    folder.mkdir()

    with pytest.raises(StoreError, match="UTF-8"):
        backups.write(store.path, folder / "copy.db")
