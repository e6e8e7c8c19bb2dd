"""Everything grouped anew from the store is what the live path grouped, and no picture is read."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Daemon, House, eventually
from support.snapshot import differences, snapshot

FOLDERS = ("raw", "live", "burst", "sidecars", "dups", "orientation")


@pytest.fixture
def library(house: House, photos: Path) -> House:
    """Real pictures that form groups of every kind, scanned."""
    for folder in FOLDERS:
        shutil.copytree(photos / folder, house.root / folder)
    house.scan()
    return house


def forget_groups(database: Path) -> None:
    """What no rule would do: the groups are gone, the contents are as they were."""
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM file_group")
        connection.execute("DELETE FROM duplicate_group")
    connection.close()


def rebuilt(house: House) -> dict[str, Any]:
    for name in ("detect_bursts", "detect_duplicates"):
        job = house.ask("jobs", "start", name)
        assert (job["state"], job["failed"]) == ("success", 0)
        assert job["succeeded"] == job["total"] > 0
    return snapshot(house.database)


def test_a_rebuild_of_what_stands_changes_nothing(library: House) -> None:
    before = snapshot(library.database)

    assert differences(before, rebuilt(library)) == {}


def test_a_rebuild_from_nothing_gives_what_the_live_path_gave(library: House) -> None:
    before = snapshot(library.database)
    assert before["groups"]
    assert before["duplicates"]
    forget_groups(library.database)

    assert differences(before, rebuilt(library)) == {}


def test_another_preset_groups_anew_without_reading_a_picture(library: House) -> None:
    normal = snapshot(library.database)
    library.configure(similarity={"preset": "strict"})

    assert library.scan()["bytes_read"] == 0
    strict = snapshot(library.database)
    assert strict["duplicates"] != normal["duplicates"]

    library.database.unlink()
    library.scan()
    assert differences(strict, snapshot(library.database)) == {}


def test_a_rebuild_that_was_stopped_goes_on_at_the_next_start(library: House) -> None:
    before = snapshot(library.database)
    forget_groups(library.database)
    with sqlite3.connect(library.database) as connection:
        # As a process leaves it that was killed after it had asked for the passes.
        for name in ("detect_bursts", "detect_duplicates"):
            connection.execute(
                "INSERT INTO job (name, argument, state, is_discovered, succeeded, failed,"
                " cancel_requested, created_at) VALUES (?, '{}', 'running', 0, 0, 0, 0, '')",
                (name,),
            )
    connection.close()

    library.scan()

    assert differences(before, snapshot(library.database)) == {}


def test_the_daemon_carries_it_out_when_asked(library: House) -> None:
    before = snapshot(library.database)
    with Daemon(library):
        eventually(library.is_quiet, 30)
        forget_groups(library.database)
        for name in ("detect_bursts", "detect_duplicates"):
            library.ask("jobs", "start", name)
        eventually(library.is_quiet, 30)

        assert differences(before, snapshot(library.database)) == {}


def test_only_passes_that_group_anew_can_be_started(house: House) -> None:
    done = house.cli("jobs", "start", "scan")

    assert done.returncode == 2
    assert "known: detect_bursts, detect_duplicates" in done.stderr


def test_what_if_shows_beforehand_what_another_preset_does(library: House) -> None:
    before = {row["id"]: row for row in library.duplicates("perceptual")}

    promised = library.ask("duplicates", "--what-if", "strict")

    assert {row["id"]: row for row in library.duplicates("perceptual")} == before
    library.configure(similarity={"preset": "strict"})
    library.scan()
    after = {row["id"]: row for row in library.duplicates("perceptual")}
    assert after != before
    assert {row["id"] for row in promised["new"]} == after.keys() - before.keys()
    assert {row["id"] for row in promised["gone"]} == before.keys() - after.keys()
    shown = ("class", "primary", "members", "rule")
    for row in promised["new"]:
        assert [row[key] for key in shown] == [after[row["id"]][key] for key in shown]
    assert sum(promised["then"].values()) == len(after)
