"""Claims about emptying the trash: by a clock that nobody sets, never without another copy, and by
itself only where nothing is in doubt."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.acting import tree
from support.world import World, jpeg, opened_world
from twinlens.commands import trash as trash_module
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply
from twinlens.commands.trash import AGAIN_AFTER_SECONDS, empty_trash, list_trash, purge_by_the_clock
from twinlens.commands.undo import undo
from twinlens.config.schema import Config
from twinlens.host.uptime import Uptime
from twinlens.service.purging import Purging
from twinlens.store import generation, meta
from twinlens.store import roots as roots_store
from twinlens.watch.identity import identify

DAY = 86400.0


@dataclass
class Clock:
    """The machine's uptime, and how far the wall clock was set wrong."""

    uptime: float = 1000.0
    wrong: timedelta = timedelta()

    def steady(self) -> Uptime:
        return Uptime("this start", self.uptime)

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.wrong


@dataclass
class Case:
    """A library of which two copies lie in the trash, seen there a moment ago."""

    world: World
    room: ActionRoom
    clock: Clock

    @property
    def trashed(self) -> list[Path]:
        return sorted((self.world.photos / ".twinlens" / "trash").glob("*/*"))

    def listed(self) -> list[dict[str, Any]]:
        database = self.world.store.database
        days = self.room.config.trash.retention_days
        items = list_trash(database, days, self.clock.wall(), self.clock.steady)["items"]
        return list(items)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        for number in (1, 2):
            world.put(f"{number}.jpg", jpeg(number))
            world.put(f"copies/{number}.jpg", jpeg(number))
        world.scan()
        identity = identify(os.fsencode(world.photos))
        world.store.write(lambda: roots_store.set_identity(world.root_id, identity))
        catalog = {"name": "family", "roots": [str(world.photos)], "action": "trash"}
        database = {"path": str(world.store.path)}
        config = Config.model_validate({"catalog": [catalog], "database": database})
        clock = Clock()
        room = ActionRoom(
            config,
            world.store.database,
            world.store.writer,
            world.absorber.regroup,
            clock.wall,
            steady=clock.steady,
        )
        apply(room)
        case = Case(world, room, clock)
        assert len(case.trashed) == 2
        assert purge_by_the_clock(room) is None
        yield case


def test_what_has_lain_there_for_long_enough_is_removed_and_its_content_is_not(case: Case) -> None:
    before = tree(case.world.photos)
    case.clock.uptime += 29 * DAY
    assert purge_by_the_clock(case.room) is None
    assert not any(item["is_ripe"] for item in case.listed())

    case.clock.uptime += DAY
    assert all(item["is_ripe"] for item in case.listed())
    result = purge_by_the_clock(case.room) or {}

    assert (result["removed"], result["kept"], result["frozen_by"]) == (2, [], [])
    assert case.trashed == []
    assert case.listed() == []
    assert tree(case.world.photos) == before
    with case.world.store.database.reading():
        assert meta.read("last_purge_at") is not None


@pytest.mark.parametrize("years", [-60, -1, 1, 60])
def test_a_wall_clock_that_jumps_makes_nothing_ripe(case: Case, years: int) -> None:
    case.clock.wrong = timedelta(days=365 * years)

    assert purge_by_the_clock(case.room) is None
    assert empty_trash(case.room)["removed"] == 0
    assert not any(item["is_ripe"] for item in case.listed())
    case.clock.wrong = timedelta()
    assert purge_by_the_clock(case.room) is None
    assert len(case.trashed) == 2


def test_a_start_of_the_machine_makes_nothing_ripe(case: Case) -> None:
    started = replace(case.room, steady=lambda: Uptime("another start", 60.0))

    assert purge_by_the_clock(started) is None
    assert len(case.trashed) == 2


def test_by_hand_it_can_be_emptied_at_once(case: Case) -> None:
    assert empty_trash(case.room)["waiting"] == 2
    assert empty_trash(case.room, at_once=True)["removed"] == 2
    assert case.trashed == []


def test_nothing_is_removed_by_the_clock_while_the_database_is_older_than_it_was(
    case: Case,
) -> None:
    case.clock.uptime += 31 * DAY
    with case.world.store.database.reading():
        assert generation.freeze() is None
    frozen = '{"reason": "the database was put back", "at": "now", "scans": {}}'
    case.world.store.write(lambda: meta.write("cleanup_freeze", frozen))

    result = purge_by_the_clock(case.room) or {}

    assert result["removed"] == 0
    assert result["frozen_by"] == ["the database was put back, on now"]
    assert len(case.trashed) == 2


@pytest.mark.parametrize(("catalog", "removed"), [("family", 0), ("work", 2)])
def test_a_root_in_doubt_keeps_the_trash_of_its_catalog(
    case: Case, tmp_path: Path, catalog: str, removed: int
) -> None:
    case.clock.uptime += 31 * DAY
    own, away = os.fsencode(case.world.photos), os.fsencode(tmp_path / "away")
    roots = {"family": [own]}
    roots.setdefault(catalog, []).append(away)
    adopted = [(name, "trash", paths) for name, paths in roots.items()]
    case.world.store.write(lambda: roots_store.adopt(adopted))

    result = purge_by_the_clock(case.room) or {}

    assert result["removed"] == removed
    assert "away" in result["frozen_by"][0]


def test_the_folder_of_a_disk_that_is_not_mounted_is_no_empty_trash(case: Case) -> None:
    case.clock.uptime += 31 * DAY
    photos = case.world.photos
    photos.rename(photos.with_name("disk"))
    photos.mkdir()

    result = purge_by_the_clock(case.room) or {}

    assert result["removed"] == 0
    assert result["frozen_by"]
    by_hand = empty_trash(case.room)
    assert by_hand["removed"] == 0
    assert all("cannot be relied on" in one["reason"] for one in by_hand["kept"])
    photos.rmdir()
    photos.with_name("disk").rename(photos)
    assert (purge_by_the_clock(case.room) or {})["removed"] == 2


def test_what_was_taken_out_by_hand_is_owed_no_more_and_is_shown_where_it_comes_back(
    case: Case,
) -> None:
    trash = case.world.photos / ".twinlens" / "trash"
    trash.rename(case.world.photos.with_name("elsewhere"))

    result = empty_trash(case.room, at_once=True)

    assert (result["removed"], result["missing"], result["freed_bytes"]) == (0, 2, 0)
    assert case.listed() == []
    case.world.photos.with_name("elsewhere").rename(trash)
    shown = list_trash(case.world.store.database, 30, case.clock.wall(), case.clock.steady)
    assert sorted(stray["path"] for stray in shown["strays"]) == ["copies/1.jpg", "copies/2.jpg"]


def test_while_nothing_is_due_no_disk_is_asked(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("a disk was asked")

    for name in ("purge", "_frozen"):
        monkeypatch.setattr(trash_module, name, never)

    assert purge_by_the_clock(case.room) is None


def test_what_cannot_be_removed_is_not_read_again_each_hour(case: Case) -> None:
    case.clock.uptime += 31 * DAY
    case.world.path("1.jpg").unlink()

    first = purge_by_the_clock(case.room) or {}
    second = purge_by_the_clock(case.room)

    assert (first["removed"], len(first["kept"])) == (1, 1)
    assert second is None
    case.clock.uptime += AGAIN_AFTER_SECONDS
    assert len((purge_by_the_clock(case.room) or {})["kept"]) == 1
    assert undo(case.room)["failed"] == []
    assert case.world.path("copies/1.jpg").read_bytes() == jpeg(1)


def test_a_pass_is_done_in_slices_and_told_of_once(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    purging = Purging(case.room, lambda words, result: told.append((words, result)))
    assert purging.step() is False
    case.clock.uptime += 31 * DAY
    seconds = iter(range(0, 1000, 15))
    monkeypatch.setattr("twinlens.service.purging.time.monotonic", lambda: next(seconds))

    purging.ask()
    steps = [purging.step(), purging.step(), purging.step()]

    assert steps == [True, False, False]
    assert case.trashed == []
    assert [result["removed"] for _, result in told] == [2]
    assert purging.step() is False
