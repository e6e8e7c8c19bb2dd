"""Claims about what `why` and `decide` say of a path that nothing is known of."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, jpeg, opened_world
from twinlens.commands.named_file import named_file
from twinlens.errors import UsageError
from twinlens.store import jobs as jobs_store


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty folder that was scanned."""
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        world.scan()
        yield world


def said_of(world: World, path: Path) -> tuple[str, str]:
    with world.store.database.reading(), pytest.raises(UsageError) as caught:
        named_file(os.fsencode(path), lambda _: None)
    return str(caught.value), caught.value.advice


def test_of_a_picture_that_a_scan_has_still_to_read_that_is_what_is_said(world: World) -> None:
    path = world.put("late.jpg", jpeg(1))
    before = said_of(world, path)
    world.store.write(lambda: jobs_store.ask("scan", {}, "2024-01-01T00:00:00+00:00"))
    waiting = said_of(world, path)

    assert before == (f"nothing is known of it yet: {path}", "`twinlens scan` looks now")
    assert "a scan that is under way, or waits, has still to come to it" in waiting[0]
    assert "jobs list" in waiting[1]


def test_a_file_outside_every_watched_folder_is_said_to_be_so(world: World, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.jpg"
    path.write_bytes(jpeg(1))

    assert "below none of the watched folders" in said_of(world, path)[0]


def test_a_name_that_is_not_there_a_folder_and_a_link_are_told_apart(world: World) -> None:
    (world.photos / "folder").mkdir()
    (world.photos / "link.jpg").symlink_to(world.photos / "folder")

    assert "no such file" in said_of(world, world.photos / "none.jpg")[0]
    assert "it is a folder" in said_of(world, world.photos / "folder")[0]
    assert "symbolic link" in said_of(world, world.photos / "link.jpg")[0]
