"""Scenarios of the verbs: what is asked before the gate is called at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.acting import tree
from support.gate import Gate, instead, scenario
from support.world import World, jpeg, opened_world
from twinlens.config.schema import Config
from twinlens.errors import StoreError, UsageError
from twinlens.host.uptime import Uptime
from twinlens.store import meta
from twinlens.store import roots as roots_store
from twinlens.watch.identity import identify

DAY = 86400.0


@dataclass
class Library:
    """A scanned folder with two copies, and the room of the verbs."""

    world: World
    room: Any
    uptime: list[float]


@contextmanager
def library(gate: Gate, root: Path, is_stopped: Callable[[], bool] = bool) -> Iterator[Library]:
    with opened_world(root.with_name("state") / "twinlens.db", root) as world:
        for number in (1, 2):
            world.put(f"{number}.jpg", jpeg(number))
            world.put(f"copies/{number}.jpg", jpeg(number))
        world.scan()
        identity = identify(os.fsencode(root))
        world.store.write(lambda: roots_store.set_identity(world.root_id, identity))
        catalog = {"name": "family", "roots": [str(root)], "action": "trash"}
        config = Config.model_validate(
            {"catalog": [catalog], "database": {"path": str(world.store.path)}}
        )
        seconds = [1000.0]
        room = gate["commands.acting"].ActionRoom(
            config,
            world.store.database,
            world.store.writer,
            world.absorber.regroup,
            lambda: datetime.now(UTC),
            is_stopped,
            lambda: Uptime("this start", seconds[0]),
        )
        yield Library(world, room, seconds)


def trashed(root: Path) -> int:
    return len(list((root / ".twinlens" / "trash").glob("*/*")))


@scenario
def a_plan_that_is_not_the_one_that_was_shown(gate: Gate, root: Path) -> None:
    with library(gate, root) as made:
        before = tree(root)
        try:
            gate["commands.apply"].apply(made.room, "0123456789abcdef")
        except UsageError:
            pass
        else:
            raise AssertionError("it was carried out")
        assert tree(root) == before


@scenario
def a_daemon_that_is_told_to_end(gate: Gate, root: Path) -> None:
    with library(gate, root, lambda: True) as made:
        before = tree(root)
        gate["commands.apply"].apply(made.room)
        assert tree(root) == before


@scenario
def an_action_that_was_broken_off_on_a_disk_that_is_away(gate: Gate, root: Path) -> None:
    def crash(*arguments: object) -> None:
        raise StoreError("the disk of the database is full")

    with library(gate, root) as made:
        before = tree(root)
        with instead(gate["actions.performing"], _settle=crash), suppress(StoreError):
            gate["commands.apply"].apply(made.room)
        root.rename(root.with_name("disk"))
        root.mkdir()
        made.room.recover()
        root.rmdir()
        root.with_name("disk").rename(root)
        made.room.recover()
        assert tree(root) == before


@scenario
def a_trash_that_is_young(gate: Gate, root: Path) -> None:
    with library(gate, root) as made:
        gate["commands.apply"].apply(made.room)
        gate["commands.trash"].purge_by_the_clock(made.room)
        made.uptime[0] += 29 * DAY
        gate["commands.trash"].purge_by_the_clock(made.room)
        assert trashed(root) == 2


@scenario
def a_trash_that_is_young_and_emptied_by_hand(gate: Gate, root: Path) -> None:
    with library(gate, root) as made:
        gate["commands.apply"].apply(made.room)
        gate["commands.trash"].empty_trash(made.room)
        made.uptime[0] += 29 * DAY
        gate["commands.trash"].empty_trash(made.room)
        assert trashed(root) == 2


@scenario
def a_trash_of_an_older_database(gate: Gate, root: Path) -> None:
    with library(gate, root) as made:
        gate["commands.apply"].apply(made.room)
        gate["commands.trash"].purge_by_the_clock(made.room)
        made.uptime[0] += 31 * DAY
        frozen = '{"reason": "the database was put back", "at": "now", "scans": {}}'
        made.world.store.write(lambda: meta.write("cleanup_freeze", frozen))
        gate["commands.trash"].purge_by_the_clock(made.room)
        assert trashed(root) == 2


@scenario
def a_trash_of_a_catalog_with_a_root_that_is_away(gate: Gate, root: Path) -> None:
    with library(gate, root) as made:
        gate["commands.apply"].apply(made.room)
        gate["commands.trash"].purge_by_the_clock(made.room)
        made.uptime[0] += 31 * DAY
        roots = [os.fsencode(root), os.fsencode(root.with_name("away"))]
        made.world.store.write(lambda: roots_store.adopt([("family", "trash", roots)]))
        gate["commands.trash"].purge_by_the_clock(made.room)
        assert trashed(root) == 2
