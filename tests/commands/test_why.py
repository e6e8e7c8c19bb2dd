"""Claims about `why`: it knows what the store knows, in words that a stranger understands."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from support.world import World, jpeg, opened_world, raw
from twinlens.cli.telling import show_why
from twinlens.commands.decide import DecisionRoom, decide, withdraw
from twinlens.commands.duplicates import duplicates
from twinlens.commands.files import files
from twinlens.commands.groups import groups
from twinlens.commands.why import why
from twinlens.errors import UsageError
from twinlens.grouping.duplicates import PRESETS
from twinlens.store import work_items


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder: a pair, copies, one picture twice, a broken and an empty one."""
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        world.put("IMG_1.jpg", jpeg(1))
        world.put("IMG_1.nef", raw(1))
        world.put("a.jpg", jpeg(7))
        world.put("b.jpg", jpeg(7))
        world.put("large.jpg", jpeg(5, size=(640, 480)))
        world.put("smaller.jpg", jpeg(5, size=(480, 360)))
        world.put("broken.jpg", jpeg(2)[:900])
        world.put("empty.jpg", b"")
        world.scan()
        yield world


def room(world: World) -> DecisionRoom:
    return DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: None,
    )


def say(world: World, verb: str, *names: str, value: str | None = None) -> list[int]:
    made = decide(room(world), verb, [str(world.path(name)) for name in names], value)
    found: list[int] = made["ids"]
    return found


def told(world: World, name: str) -> dict[str, Any]:
    path = str(world.path(name))
    found = why(world.store.database, path, limits=PRESETS["normal"])
    json.dumps(found)
    return found


def read_aloud(result: dict[str, Any]) -> str:
    out = Console(file=io.StringIO(), width=200, highlight=False)
    show_why(out, result)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def reviewed(world: World, name: str) -> bool:
    path = str(world.path(name))
    (found,) = (
        row
        for row in duplicates(world.store.database, None)
        if path in {member["path"] for member in row["members"]}
    )
    return bool(found["reviewed"])


def test_the_date_that_was_taken_is_explained_by_its_rank_and_what_agrees(world: World) -> None:
    taken = told(world, "IMG_1.jpg")["taken_at"]

    (winner,) = (c for c in taken["candidates"] if c["means"] == "taken")
    assert (winner["source"], winner["rank"]) == ("EXIF:DateTimeOriginal", 5)
    assert any("rank 5 of 12" in reason for reason in taken["because"])
    assert taken["because"][-1].startswith(taken["confidence"])


def test_the_owners_date_is_taken_at_once_and_the_rest_stays_as_evidence(world: World) -> None:
    before = told(world, "IMG_1.jpg")["taken_at"]
    (number,) = say(world, "date", "IMG_1.jpg", value="2001-02-03T04:05:06+02:00")

    after = told(world, "IMG_1.jpg")
    path = str(world.path("IMG_1.jpg"))
    (row,) = (r for r in files(world.store.database) if r["path"] == path)

    assert (row["taken_at"], row["taken_at_confidence"]) == ("2001-02-03T04:05:06+02:00", "high")
    assert after["taken_at"]["zone"] == "+02:00"
    assert len(after["taken_at"]["candidates"]) == len(before["candidates"]) + 1
    assert [d["verb"] for d in after["decisions"]] == ["date"]
    assert [r["what"] for r in after["revisions"]] == ["date", "capture time"]

    withdraw(room(world), [str(number)])
    assert told(world, "IMG_1.jpg")["taken_at"] == before


def test_each_member_of_a_photograph_owes_its_place_to_a_rule(world: World) -> None:
    (group,) = told(world, "IMG_1.nef")["groups"]

    assert all(member["rule"] and member["evidence"] for member in group["members"])
    assert "because same folder, name" in read_aloud(told(world, "IMG_1.nef"))


def test_the_owners_primary_stands_first_in_its_photograph_until_it_is_taken_back(
    world: World,
) -> None:
    def first() -> tuple[str, str]:
        (group,) = groups(world.store.database, "raw_jpeg")
        return Path(group["primary"]).name, group["rule"].rpartition("primary: ")[2]

    before = first()
    assert before[0] == "IMG_1.jpg"

    (raw_,) = say(world, "primary", "IMG_1.nef")
    assert first() == ("IMG_1.nef", "chosen by the owner")

    (jpeg_,) = say(world, "primary", "IMG_1.jpg")
    assert first() == ("IMG_1.jpg", "chosen by the owner")
    assert [d["id"] for d in told(world, "IMG_1.nef")["decisions"]] == []
    assert raw_ != jpeg_

    withdraw(room(world), [str(jpeg_)])
    assert first() == before


def test_the_owners_primary_stands_first_among_exact_copies(world: World) -> None:
    (before,) = duplicates(world.store.database, "exact")
    other = next(m["path"] for m in before["members"] if not m["is_primary"])

    decide(room(world), "primary", [other], None)

    (after,) = duplicates(world.store.database, "exact")
    assert after["primary"] == other
    assert "chosen by the owner" in after["rule"]


def test_the_owners_primary_stands_first_among_near_duplicates_until_it_is_taken_back(
    world: World,
) -> None:
    def first() -> str:
        (group,) = (d for d in told(world, "large.jpg")["duplicates"])
        return next(Path(m["path"]).name for m in group["members"] if m["is_primary"])

    assert first() == "large.jpg"

    (number,) = say(world, "primary", "smaller.jpg")
    assert first() == "smaller.jpg"

    withdraw(room(world), [str(number)])
    assert first() == "large.jpg"


def test_a_group_is_reviewed_once_the_owner_has_spoken_about_every_member(world: World) -> None:
    say(world, "keep", "large.jpg")
    assert not reviewed(world, "large.jpg")

    (number,) = say(world, "discard", "smaller.jpg")
    assert reviewed(world, "large.jpg")
    (found,) = (d for d in told(world, "large.jpg")["duplicates"])
    assert {Path(m["path"]).name: m["decision"] for m in found["members"]} == {
        "large.jpg": "keep",
        "smaller.jpg": "discard",
    }

    withdraw(room(world), [str(number)])
    assert not reviewed(world, "large.jpg")


def test_copies_are_reviewed_once_each_is_kept_or_discarded(world: World) -> None:
    say(world, "discard", "a.jpg")
    assert not reviewed(world, "a.jpg")

    say(world, "keep", "b.jpg")

    assert reviewed(world, "a.jpg")
    (found,) = told(world, "a.jpg")["duplicates"]
    assert {m["decision"] for m in found["members"]} == {"keep"}


def test_a_discard_of_one_copy_stays_beside_a_keep_and_lapses_with_its_path(world: World) -> None:
    say(world, "keep", "b.jpg")
    say(world, "discard", "a.jpg")

    def fates() -> dict[str, str]:
        (found,) = told(world, "b.jpg")["duplicates"]
        return {Path(m["path"]).name: m["decision"] for m in found["members"]}

    assert fates() == {"a.jpg": "discard", "b.jpg": "keep"}

    world.path("a.jpg").rename(world.path("c.jpg"))
    world.scan()
    assert fates() == {"b.jpg": "keep", "c.jpg": "keep"}


def test_a_file_that_is_gone_is_told_with_what_was_known(world: World) -> None:
    say(world, "tag", "large.jpg", value="beach")
    world.path("large.jpg").unlink()
    world.scan()

    found = told(world, "large.jpg")

    assert found["file"]["gone_since"]
    assert found["tags"] == ["beach"]
    assert "gone since" in read_aloud(found)
    assert "no file any more" in read_aloud(found)


@pytest.mark.parametrize(
    ("name", "words"),
    [("broken.jpg", "\nbecause "), ("empty.jpg", "empty: it is looked at again when it changes")],
)
def test_a_file_that_is_not_well_is_told_with_the_reason(
    world: World, name: str, words: str
) -> None:
    assert words in read_aloud(told(world, name))
    assert told(world, name)["file"]["status"] in ("broken", "waiting")


def test_a_path_that_waits_is_told_with_its_last_error(world: World) -> None:
    def fail() -> None:
        work_items.put(world.root_id, [b"a.jpg"], reason="event", not_before=0.0, at=world.at())
        ((item, _),) = work_items.lease(0.0, 60.0, 1)
        work_items.fail(item.id, error="the worker died", retry_at=None)

    world.store.write(fail)

    found = told(world, "a.jpg")

    assert found["waiting"] == {
        "state": "failed",
        "reason": "event",
        "attempts": 1,
        "last_error": "the worker died",
    }
    assert "given up after 1 try, the last one: the worker died" in read_aloud(found)


def test_a_path_that_was_never_looked_at_is_told_to_wait(world: World) -> None:
    world.path("new.jpg").write_bytes(jpeg(11))
    world.hint("new.jpg")

    with pytest.raises(UsageError, match="it waits to be looked at"):
        told(world, "new.jpg")


def test_hostile_metadata_does_not_reach_the_terminal(world: World) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Evil\x1b[31m[bold]\u202eCorp"
    exif[0x0131] = "\x07bell\r\nforged: line"
    stream = io.BytesIO()
    Image.open(io.BytesIO(jpeg(9))).save(stream, "JPEG", exif=exif)
    world.put("evil\x1b]0;title\x07[red].jpg", stream.getvalue())
    world.scan()

    words = read_aloud(told(world, "evil\x1b]0;title\x07[red].jpg"))

    assert all(char.isprintable() or char == "\n" for char in words)
    assert "\nforged" not in words
    assert "[red].jpg" in words
