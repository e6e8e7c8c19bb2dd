"""Claims about the story of a content: who changed what and when, only added to, in plain words."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from support.drift import set_count
from support.world import World, jpeg, opened_world, raw
from twinlens.cli.telling import show_why
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply
from twinlens.commands.decide import DecisionRoom, decide
from twinlens.commands.trash import empty_trash
from twinlens.commands.undo import undo
from twinlens.commands.why import why
from twinlens.config.schema import Config
from twinlens.maintenance.reconcile import Reconcile
from twinlens.store import originals
from twinlens.store.tables_owner import Revision


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A folder with a pair and a lone picture, scanned once."""
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        world.put("IMG_1.jpg", jpeg(1))
        world.put("IMG_1.nef", raw(1))
        world.put("lone.jpg", jpeg(9))
        world.scan()
        yield world


def story(world: World, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = why(world.store.database, str(world.path(name)))["revisions"]
    return found


def told(world: World, name: str) -> list[tuple[str, str]]:
    return [(one["actor"], one["what"]) for one in story(world, name)]


def aloud(world: World, name: str) -> str:
    out = Console(file=io.StringIO(), width=300, highlight=False)
    show_why(out, why(world.store.database, str(world.path(name))))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def rows(world: World) -> list[tuple[object, ...]]:
    with world.store.database.reading():
        return [tuple(row) for row in Revision.select().order_by(Revision.id).tuples()]


def room(world: World) -> ActionRoom:
    catalog = {"name": "family", "roots": [str(world.photos)], "action": "trash"}
    config = Config.model_validate(
        {"catalog": [catalog], "database": {"path": str(world.store.path)}}
    )
    return ActionRoom(
        config, world.store.database, world.store.writer, world.absorber.regroup, world.clock
    )


def test_the_first_record_of_files_is_no_change(world: World) -> None:
    assert rows(world) == []

    world.put("copy.jpg", jpeg(9))
    world.scan()
    assert rows(world) == []


def test_a_photograph_that_gains_a_member_is_told_to_the_one_that_leads_it(world: World) -> None:
    world.put("IMG_1.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>")
    world.scan()

    (one,) = story(world, "IMG_1.jpg")

    assert (one["by"], one["what"]) == ("the rules", "photograph")
    assert one["words"] == (
        "photograph: one photograph of IMG_1.jpg, IMG_1.nef, led by IMG_1.jpg → "
        "one photograph of IMG_1.jpg, IMG_1.nef, IMG_1.xmp, led by IMG_1.jpg"
    )
    assert told(world, "lone.jpg") == []


def test_a_photograph_that_is_dissolved_is_told_to_what_is_left_of_it(world: World) -> None:
    world.path("IMG_1.nef").unlink()
    world.scan()

    (one,) = story(world, "IMG_1.jpg")

    assert one["words"].endswith("→ a photograph by itself")
    assert "the rules: photograph: one photograph of IMG_1.jpg" in aloud(world, "IMG_1.jpg")


def test_another_primary_is_told_to_the_old_and_the_new_one(world: World) -> None:
    decision_room = DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: None,
    )
    decide(decision_room, "primary", [str(world.path("IMG_1.nef"))], None)

    assert told(world, "IMG_1.nef") == [("owner", "primary"), ("rules", "photograph")]
    assert told(world, "IMG_1.jpg")[-1] == ("rules", "photograph")
    assert story(world, "IMG_1.jpg")[-1]["words"].endswith("led by IMG_1.nef")
    assert story(world, "IMG_1.nef")[0]["by"] == "you"


def test_duplicates_that_are_told_apart_hear_of_it(world: World) -> None:
    for name, size in (("large.jpg", (640, 480)), ("small.jpg", (480, 360))):
        world.put(name, jpeg(5, size=size))
    world.scan()
    assert rows(world) == []
    world.path("small.jpg").unlink()
    world.scan()

    (one,) = story(world, "large.jpg")

    assert one["words"] == (
        "duplicates: duplicates of large.jpg and 1 more, led by large.jpg → no duplicate of another"
    )


def test_a_date_that_changes_says_from_what_to_what_and_by_which_source(world: World) -> None:
    decision_room = DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: None,
    )
    decide(decision_room, "date", [str(world.path("lone.jpg"))], "2001-02-03T04:05:06+02:00")

    said, settled = story(world, "lone.jpg")

    assert (said["actor"], said["what"]) == ("owner", "date")
    assert (settled["actor"], settled["what"]) == ("rules", "capture time")
    assert settled["words"] == (
        "capture time: 2019-05-06 07:08:09 by EXIF:DateTimeOriginal → "
        "2001-02-03 04:05:06+02:00 by owner"
    )


def test_actions_mendings_and_the_rest_are_read_aloud(world: World) -> None:
    world.put("copy of lone.jpg", jpeg(9))
    world.scan()
    number = apply(room(world))["action"]
    world.store.write(lambda: set_count(originals.find_id(sha(world)) or 0, 7, "now"))
    (world.photos / "keep").mkdir()
    Reconcile(world.store.database, world.store.writer, world.clock).run()
    undo(room(world))

    spoken = aloud(world, "lone.jpg")

    assert told(world, "lone.jpg") == [
        ("owner", "trash"),
        ("reconcile", "reference count"),
        ("owner", "undo trash"),
    ]
    path = str(world.path("copy of lone.jpg"))
    assert f"you: trash: {path}; kept: {world.path('lone.jpg')}" in spoken
    assert f"(action {number}.1)" in spoken
    assert "the reconciliation: 7 files were counted, and there are 1" in spoken


def test_what_lies_in_the_trash_is_told_beside_the_files(world: World) -> None:
    world.put("copy of lone.jpg", jpeg(9))
    world.scan()
    apply(room(world))

    content = why(world.store.database, str(world.path("lone.jpg")))["content"]

    assert content["references"] == {"files": 1, "trash": 1, "jobs": 0, "blobs": 0}
    assert "1 file, 1 file in the trash" in aloud(world, "lone.jpg")
    assert empty_trash(room(world), at_once=True)["removed"] == 1
    content = why(world.store.database, str(world.path("lone.jpg")))["content"]
    assert content["references"] == {"files": 1, "trash": 0, "jobs": 0, "blobs": 0}


def test_the_story_is_only_ever_added_to(world: World) -> None:
    world.path("IMG_1.nef").unlink()
    world.scan()
    before = rows(world)
    world.put("IMG_1.nef", raw(1))
    world.put("IMG_1.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>")
    world.scan()
    world.path("IMG_1.jpg").unlink()
    world.scan()

    after = rows(world)

    assert len(after) > len(before) > 0
    assert after[: len(before)] == before


def sha(world: World) -> str:
    found: str = why(world.store.database, str(world.path("lone.jpg")))["content"]["sha256"]
    return found
