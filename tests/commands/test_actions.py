"""Claims about apply, undo and trash: the plan that is shown is the one carried out, and the store
knows at once what was done."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.acting import tree
from support.drift import counted_links
from support.world import World, jpeg, opened_world, raw
from twinlens.actions import performing
from twinlens.commands import decide as decide_command
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply, plan_of, shown
from twinlens.commands.duplicates import duplicates
from twinlens.commands.files import files
from twinlens.commands.trash import empty_trash, list_trash
from twinlens.commands.undo import undo
from twinlens.config.schema import Config
from twinlens.errors import StoreError, UsageError
from twinlens.model.actions import StepState
from twinlens.model.paths import to_text
from twinlens.service.requests import Holder
from twinlens.store import actions as journal_store
from twinlens.store import originals, revisions


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder: a pair, the whole pair again, and a lone copy of another picture."""
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        for folder in ("2019", "copies of 2019"):
            world.put(f"{folder}/IMG_1.jpg", jpeg(1))
            world.put(f"{folder}/IMG_1.nef", raw(1))
        world.put("sea.jpg", jpeg(2))
        world.put("downloads/sea.jpg", jpeg(2))
        world.put("other.jpg", jpeg(3))
        world.scan()
        yield world


def config(world: World, action: str = "trash", **more: Any) -> Config:
    catalog = {"name": "family", "roots": [str(world.photos)], "action": action}
    return Config.model_validate(
        {"catalog": [catalog], "database": {"path": str(world.store.path)}, **more}
    )


def room(world: World, action: str = "trash", **more: Any) -> ActionRoom:
    return ActionRoom(
        config(world, action, **more),
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
    )


def act(world: World, action: str = "trash", **more: Any) -> dict[str, Any]:
    answer = apply(room(world, action, **more))
    return shown(world.store.database, answer["action"])


def live(world: World) -> set[str]:
    return {os.path.relpath(row["path"], world.photos) for row in files(world.store.database)}


def exact(world: World) -> list[dict[str, Any]]:
    return list(duplicates(world.store.database, "exact"))


def test_a_catalog_that_reports_is_refused_and_nothing_is_written(world: World) -> None:
    before = tree(world.photos, with_trash=True)

    with pytest.raises(UsageError, match="only reports"):
        apply(room(world, "report"))
    with pytest.raises(UsageError, match="only reports"):
        plan_of(config(world, "report"), world.store.database)

    assert tree(world.photos, with_trash=True) == before


def test_the_plan_that_is_shown_is_carried_out_step_by_step(world: World) -> None:
    plan = plan_of(config(world), world.store.database).as_result()

    result = act(world)

    assert result["plan"] == plan["plan"]
    keys = ("number", "unit", "kind", "victim", "keeper", "sha256", "size", "rule")
    assert [{key: step[key] for key in keys} for step in result["steps"]] == plan["steps"]
    assert {step["state"] for step in result["steps"]} == {"done"}
    assert [os.path.relpath(step["victim"], world.photos) for step in result["steps"]] == [
        "copies of 2019/IMG_1.jpg",
        "copies of 2019/IMG_1.nef",
        "downloads/sea.jpg",
    ]


def test_what_was_done_is_known_without_a_scan(world: World) -> None:
    act(world)

    assert live(world) == {"2019/IMG_1.jpg", "2019/IMG_1.nef", "sea.jpg", "other.jpg"}
    assert exact(world) == []
    assert plan_of(config(world), world.store.database).steps == ()
    assert apply(room(world)) == {"action": None}
    results = world.scan()
    assert [results[key] for key in ("added", "changed", "gone")] == [0, 0, 0]


def test_undone_everything_is_as_it_was_and_known(world: World) -> None:
    before, known, groups = tree(world.photos), live(world), exact(world)
    act(world)

    result = undo(room(world))

    assert len(result["done"]) == 3
    assert result["failed"] == []
    assert tree(world.photos) == before
    assert live(world) == known
    assert exact(world) == groups
    with pytest.raises(UsageError, match="nothing to undo"):
        undo(room(world))


def test_one_step_is_undone_by_its_name(world: World) -> None:
    act(world)

    result = undo(room(world), "1.3")

    assert [one["id"] for one in result["done"]] == ["1.3"]
    assert "downloads/sea.jpg" in live(world)
    assert "copies of 2019/IMG_1.jpg" not in live(world)


@pytest.mark.parametrize("what", ["2", "1.9", "x", "1.x", "-1", "1.1.1"])
def test_what_does_not_exist_cannot_be_undone(world: World, what: str) -> None:
    act(world)

    with pytest.raises(UsageError):
        undo(room(world), what)


def test_hard_links_are_known_and_make_no_duplicate_any_more(world: World) -> None:
    for path in world.photos.rglob("*.*"):
        os.utime(path, (1_400_000_000, 1_400_000_000))
    world.scan()

    result = act(world, "hardlink")

    assert {step["state"] for step in result["steps"]} == {"done"}, result
    assert len(live(world)) == 7
    assert exact(world) == []
    assert plan_of(config(world, "hardlink"), world.store.database).steps == ()
    inodes = {(world.photos / name).stat().st_ino for name in ("sea.jpg", "downloads/sea.jpg")}
    assert len(inodes) == 1


def test_a_named_plan_that_is_not_the_same_any_more_is_refused(world: World) -> None:
    plan = plan_of(config(world), world.store.database)
    world.put("third/sea.jpg", jpeg(2))
    world.scan()
    before = tree(world.photos)

    with pytest.raises(UsageError, match="not the one that was shown"):
        apply(room(world), plan.id)

    assert tree(world.photos) == before


def test_an_unrecorded_change_spares_the_whole_photograph(world: World) -> None:
    before = tree(world.photos)
    world.path("copies of 2019/IMG_1.nef").write_bytes(b"edited since the scan")

    result = act(world)

    states = {os.path.relpath(s["victim"], world.photos): s["state"] for s in result["steps"]}
    assert states == {
        "copies of 2019/IMG_1.jpg": "refused",
        "copies of 2019/IMG_1.nef": "refused",
        "downloads/sea.jpg": "done",
    }
    assert tree(world.photos)["copies of 2019/IMG_1.jpg"] == before["copies of 2019/IMG_1.jpg"]


def test_what_you_keep_and_what_is_protected_is_not_touched(world: World) -> None:
    decisions = decide_command.DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: None,
    )
    decide_command.decide(decisions, "keep", [str(world.path("sea.jpg"))], None)
    protect = {"protect": [str(world.path("copies of 2019"))]}

    plan = plan_of(config(world, actions=protect), world.store.database)

    assert [step.victim.path for step in plan.steps] == [b"2019/IMG_1.jpg", b"2019/IMG_1.nef"]
    assert "protected" in plan.steps[0].rule
    assert any("you said" in one.reason for one in plan.spared)


def test_the_copy_that_you_discard_is_the_one_that_goes(world: World) -> None:
    decisions = decide_command.DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: None,
    )
    decide_command.decide(decisions, "discard", [str(world.path("sea.jpg"))], None)

    plan = plan_of(config(world), world.store.database)

    assert b"sea.jpg" in [step.victim.path for step in plan.steps]


def test_the_copy_that_you_choose_is_the_one_that_stays(world: World) -> None:
    decisions = decide_command.DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: None,
    )
    before = [step.victim for step in plan_of(config(world), world.store.database).steps]
    lone = next(place for place in before if b"sea" in place.path)
    decide_command.decide(decisions, "primary", [to_text(lone.absolute)], None)

    after = [step.victim for step in plan_of(config(world), world.store.database).steps]

    assert len(after) == len(before)
    assert lone not in after


def test_a_file_system_that_cannot_do_it_is_named_and_nothing_is_done(world: World) -> None:
    before = tree(world.photos)

    result = act(world, "reflink")

    if result["done"]:
        pytest.skip("the tests run on a file system that can share blocks")
    assert {step["state"] for step in result["steps"]} == {"refused"}
    assert "no shared blocks" in result["steps"][0]["reason"]
    assert tree(world.photos) == before


def test_each_change_is_in_the_story_of_the_content(world: World) -> None:
    result = act(world)
    undo(room(world))

    with world.store.database.reading():
        story = [r.what for r in revisions.of_content(result["steps"][0]["sha256"])]

    assert story == ["trash", "undo trash"]


def test_the_counts_of_references_hold(world: World) -> None:
    act(world)
    undo(room(world), "1.1")

    with world.store.database.reading():
        assert originals.counts() == {i: n for i, n in counted_links().items() if n}


def test_a_broken_off_action_is_taken_back_at_the_next_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, known = tree(world.photos), live(world)

    def crash(*arguments: object) -> None:
        raise StoreError("the disk of the database is full")

    monkeypatch.setattr(performing, "_settle", crash)
    with pytest.raises(StoreError):
        apply(room(world))
    monkeypatch.undo()
    assert tree(world.photos) != before

    room(world).recover()

    assert tree(world.photos) == before
    assert live(world) == known
    with world.store.database.reading():
        states = {step.state for step in journal_store.steps_of(1)}
    assert states == {StepState.REFUSED}


def test_a_broken_off_action_waits_for_its_disk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(world.photos)

    def crash(*arguments: object) -> None:
        raise StoreError("the disk of the database is full")

    monkeypatch.setattr(performing, "_settle", crash)
    with pytest.raises(StoreError):
        apply(room(world))
    monkeypatch.undo()
    world.photos.rename(world.photos.with_name("disk"))
    world.photos.mkdir()

    assert room(world).recover() == []

    world.photos.rmdir()
    world.photos.with_name("disk").rename(world.photos)
    assert room(world).recover() != []
    assert tree(world.photos) == before


def test_a_disk_that_is_not_mounted_is_not_acted_on_and_nothing_false_is_said(
    world: World,
) -> None:
    act(world)
    world.photos.rename(world.photos.with_name("disk"))
    world.photos.mkdir()

    undone = undo(room(world))

    assert undone["done"] == []
    assert all("cannot be relied on" in one["reason"] for one in undone["failed"])
    assert list(world.photos.iterdir()) == []
    world.photos.rmdir()
    world.photos.with_name("disk").rename(world.photos)
    assert len(undo(room(world))["done"]) == 3


def test_a_daemon_that_ends_finishes_the_unit_at_hand_and_begins_no_other(world: World) -> None:
    stops = iter([False, True, True])
    stopping = replace(room(world), is_stopped=lambda: next(stops))

    result = shown(world.store.database, apply(stopping)["action"])

    assert [step["state"] for step in result["steps"]] == ["done", "done", "refused"]
    assert "stopped" in result["steps"][2]["reason"]
    assert world.path("downloads/sea.jpg").exists()


def test_the_last_copy_is_not_removed_from_the_trash_whoever_asks(world: World) -> None:
    act(world)
    world.path("sea.jpg").unlink()

    done = empty_trash(room(world), at_once=True, only=["1.3"])

    assert done["removed"] == 0
    assert [one["id"] for one in done["kept"]] == ["1.3"]
    assert undo(room(world), "1.3")["failed"] == []
    assert world.path("downloads/sea.jpg").read_bytes() == jpeg(2)


def test_what_lies_in_the_trash_without_a_word_in_the_journal_is_shown(world: World) -> None:
    stray = world.photos / ".twinlens" / "trash"
    stray.mkdir(parents=True)
    (stray / "0123.json").write_text('{"path": "lost.jpg"}', encoding="ascii")

    listed = list_trash(world.store.database, 30, datetime.now(UTC))

    assert [(one["token"], one["path"]) for one in listed["strays"]] == [("0123", "lost.jpg")]


def test_a_root_that_is_away_is_no_reason_to_act(world: World) -> None:
    act_on = config(world)
    world.photos.rename(world.photos.with_name("away"))
    try:
        answer = apply(room(world))
        states = {step["state"] for step in shown(world.store.database, answer["action"])["steps"]}
    finally:
        world.photos.with_name("away").rename(world.photos)

    assert states == {"refused"}
    assert plan_of(act_on, world.store.database).steps


def test_the_log_tells_what_was_done_to_the_owners_files(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    store = world.store
    holder = Holder(config(world), store.database, store.writer, world.absorber.regroup)
    with caplog.at_level("INFO", "twinlens.service.requests"):
        holder.answer("apply", {})
        holder.answer("undo", {})
        holder.answer("apply", {})
        holder.answer("empty", {"at_once": True, "only": []})

    assert caplog.messages == [
        "carried out action 1; to take it back: twinlens undo 1",
        "undo: 3 taken back, 0 could not be",
        "carried out action 2; to take it back: twinlens undo 2",
        "trash emptied: 3 files removed for good",
    ]
