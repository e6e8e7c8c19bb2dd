"""Claims about what doctor says of actions: it is tried where it is allowed, and nowhere else."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.acting import tree
from support.mounts import Mounts
from support.world import World, jpeg, opened_world
from twinlens.commands import action_checks as checks_module
from twinlens.commands.action_checks import action_checks
from twinlens.commands.checks import Check
from twinlens.config.schema import Config
from twinlens.questions import Questions
from twinlens.store import roots as roots_store
from twinlens.watch.identity import identify


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder whose identity is known."""
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        world.put("sea.jpg", jpeg(2))
        world.scan()
        know(world)
        yield world


def know(world: World) -> None:
    identity = identify(os.fsencode(world.photos))
    world.store.write(lambda: roots_store.set_identity(world.root_id, identity))


def rows(world: World, action: str) -> list[Check]:
    catalog = {"name": "family", "roots": [str(world.photos)], "action": action}
    database = {"path": str(world.store.path)}
    config = Config.model_validate({"catalog": [catalog], "database": database})
    return list(action_checks(config, Questions()))


def test_a_root_that_only_reports_is_not_written_to(world: World) -> None:
    before = world.photos.stat().st_mtime_ns

    assert rows(world, "report") == []
    assert world.photos.stat().st_mtime_ns == before


def test_what_a_root_can_do_is_tried_and_nothing_is_left(world: World) -> None:
    before = tree(world.photos, with_trash=True)

    for action in ("trash", "hardlink"):
        (row,) = rows(world, action)

        assert row.state == "ok", row
        assert f"{action} is possible" in row.detail
    assert tree(world.photos, with_trash=True) == before
    assert not (world.photos / ".twinlens").exists()


def test_what_it_cannot_do_is_said_with_the_ways_that_it_has(tmp_path: Path) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    with Mounts() as mounts:
        mounts.tmpfs(point)
        photos = mounts.inside(point)
        with opened_world(tmp_path / "state" / "twinlens.db", photos) as world:
            world.put("sea.jpg", jpeg(2))
            world.scan()
            know(world)

            (row,) = rows(world, "reflink")

            assert row.state == "warning"
            assert "no shared blocks" in row.detail
            assert row.advice == "set action to one of: trash, hardlink, report"
            mounts.remount(point, "ro")
            (row,) = rows(world, "trash")
            assert "Read-only" in row.detail


def test_the_folder_of_a_disk_that_is_not_mounted_is_not_written_to(world: World) -> None:
    world.photos.rename(world.photos.with_name("disk"))
    world.photos.mkdir()
    before = world.photos.stat().st_mtime_ns

    (row,) = rows(world, "trash")

    assert row.state == "warning"
    assert "not tried" in row.detail
    assert world.photos.stat().st_mtime_ns == before


def test_a_root_that_was_never_scanned_is_not_written_to(tmp_path: Path) -> None:
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        (row,) = rows(world, "trash")

        assert "not tried yet" in row.detail
        assert list(world.photos.iterdir()) == []


def test_a_share_that_hangs_does_not_hold_doctor_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(checks_module, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(checks_module, "doubt_about", lambda root, known: str(release.wait(30)))

    (row,) = rows(world, "trash")
    release.set()

    assert "does not answer" in row.detail


def test_files_of_another_user_are_told_where_they_would_be_spared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    os.chown(world.path("sea.jpg"), 65534, 65534)
    assert [row.state for row in rows(world, "trash")] == ["ok"]

    monkeypatch.setattr(checks_module, "has_capability", lambda number: False)
    _, row = rows(world, "trash")

    assert row.state == "warning"
    assert "1 of 1 files looked at belong to another user" in row.detail
    assert "CAP_LEASE" in row.advice
