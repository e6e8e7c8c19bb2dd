"""Claims about decisions: recorded by content, in force at once, stable, and taken back whole."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from support.snapshot import differences, snapshot
from support.world import World, jpeg, opened_world, raw
from twinlens.commands import decide as decide_command
from twinlens.commands.decide import DecisionRoom, list_decisions
from twinlens.commands.duplicates import duplicates
from twinlens.commands.files import files
from twinlens.commands.said_value import LONGEST_TAG, said_date, said_tag
from twinlens.commands.why import why
from twinlens.errors import UsageError
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.regroup import Regrouper
from twinlens.model.decisions import Revision
from twinlens.model.files import FileStatus
from twinlens.store import originals, revisions, tags
from twinlens.store.rows import tuples
from twinlens.store.tables import File
from twinlens.store.tables_owner import OriginalTag, Tag

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder: a pair, a copy, one picture in three encodings, another picture."""
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        world.put("IMG_1.jpg", jpeg(1))
        world.put("IMG_1.nef", raw(1))
        world.put("copy/IMG_1.jpg", jpeg(1))
        world.put("large.jpg", jpeg(5, size=(640, 480)))
        world.put("small.jpg", jpeg(5, size=(640, 480), quality=60))
        world.put("smaller.jpg", jpeg(5, size=(480, 360)))
        world.put("other.jpg", jpeg(2))
        world.put("empty.jpg", b"")
        world.scan()
        yield world


def room(world: World) -> DecisionRoom:
    return DecisionRoom(
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
        lambda path: "temporary file" if path.endswith(b".tmp") else None,
    )


def say(world: World, verb: str, *names: str, value: str | None = None) -> dict[str, Any]:
    return decide_command.decide(room(world), verb, [str(world.path(n)) for n in names], value)


def withdraw(world: World, *ids: int) -> None:
    decide_command.withdraw(room(world), [str(number) for number in ids])


def standing(world: World, *, with_withdrawn: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = list_decisions(
        world.store.database, [], lambda path: None, with_withdrawn=with_withdrawn
    )["decisions"]
    return found


def row(world: World, name: str) -> dict[str, Any]:
    path = str(world.path(name))
    return next(r for r in files(world.store.database) if r["path"] == path)


def alike(world: World) -> set[frozenset[str]]:
    """The pairs of names that stand in one perceptual group."""
    found = duplicates(world.store.database, "perceptual")
    groups = [sorted({Path(m["path"]).name for m in group["members"]}) for group in found]
    return {frozenset(pair) for group in groups for pair in combinations(group, 2)}


def story(world: World, name: str) -> list[tuple[str, bool, bool]]:
    """What the owner said of it; what followed from that by rule stands between."""
    found = told_of(world, name)
    said = [r for r in found if r.actor == revisions.OWNER]
    return [(r.what, r.before is not None, r.after is not None) for r in said]


def told_of(world: World, name: str) -> list[Revision]:
    sha256 = row(world, name)["sha256"]
    return world.store.read(lambda: revisions.of_content(sha256))


@pytest.mark.parametrize(
    ("verb", "names", "value"),
    [
        ("keep", ["IMG_1.jpg", "other.jpg"], None),
        ("discard", ["small.jpg"], None),
        ("not-duplicate", ["large.jpg", "small.jpg"], None),
        ("tag", ["other.jpg"], "beach"),
        ("date", ["other.jpg"], "2001-02-03"),
        ("primary", ["small.jpg"], None),
    ],
)
def test_a_decision_is_recorded_listed_and_taken_back_without_a_trace_in_the_library(
    world: World, verb: str, names: list[str], value: str | None
) -> None:
    before = snapshot(world.store.path)
    earlier = len(told_of(world, names[0]))

    ids = say(world, verb, *names, value=value)["ids"]
    listed = standing(world)
    withdraw(world, *ids)

    assert [d["id"] for d in listed] == ids
    assert {d["verb"] for d in listed} == {verb}
    assert {Path(p).name for d in listed for p in d["paths"] + d["other_paths"]} >= set(names)
    assert all(d["decided_at"] and d["withdrawn_at"] is None for d in listed)
    assert standing(world) == []
    assert [d["id"] for d in standing(world, with_withdrawn=True)] == ids
    assert story(world, names[0]) == [(verb, False, True), (f"withdraw {verb}", True, False)]
    # What followed by rule was taken back, too.
    followed = [r for r in told_of(world, names[0])[earlier:] if r.actor == revisions.RULES]
    for what in {r.what for r in followed}:
        steps = [r for r in followed if r.what == what]
        assert steps[0].before == steps[-1].after, what
    assert differences(snapshot(world.store.path), before) == {}


def test_a_rejected_pair_stands_in_no_group_together(world: World) -> None:
    pair = frozenset({"large.jpg", "smaller.jpg"})
    assert pair in alike(world)

    say(world, "not-duplicate", *pair)

    assert pair not in alike(world)


def test_a_rejected_pair_stays_rejected_after_a_rename_and_under_another_preset(
    world: World,
) -> None:
    say(world, "not-duplicate", "large.jpg", "small.jpg", "smaller.jpg")
    world.path("smaller.jpg").rename(world.path("renamed.jpg"))

    world.scan()
    assert not [pair for pair in alike(world) if "renamed.jpg" in pair]

    world.store.write(lambda: Regrouper(PRESETS["loose"]).rebuild())
    assert not [pair for pair in alike(world) if "renamed.jpg" in pair]


def test_decisions_made_in_any_order_and_a_rebuild_come_to_the_same_library(world: World) -> None:
    deeds: list[tuple[str, tuple[str, ...], str | None]] = [
        ("not-duplicate", ("large.jpg", "small.jpg"), None),
        ("tag", ("other.jpg",), "beach"),
        ("tag", ("small.jpg",), "beach"),
        ("date", ("small.jpg",), "2001-02-03"),
        ("keep", ("smaller.jpg",), None),
    ]
    seen = []
    for seed in range(3):
        random.Random(seed).shuffle(deeds)
        ids = [i for verb, names, v in deeds for i in say(world, verb, *names, value=v)["ids"]]
        seen.append(snapshot(world.store.path))
        world.store.write(lambda: Regrouper(PRESETS["normal"]).rebuild())
        assert differences(snapshot(world.store.path), seen[-1]) == {}
        withdraw(world, *ids)

    assert differences(seen[0], seen[1]) == {}
    assert differences(seen[0], seen[2]) == {}


def test_a_later_decision_of_the_same_kind_takes_the_place_of_the_earlier(world: World) -> None:
    (first,) = say(world, "date", "other.jpg", value="2001-02-03")["ids"]
    (kept,) = say(world, "keep", "other.jpg")["ids"]

    again = say(world, "date", "other.jpg", value="2001-02-04")
    gone = say(world, "discard", "other.jpg")

    assert (again["replaced"], gone["replaced"]) == ([first], [kept])
    assert [(d["verb"], d["value"]) for d in standing(world)] == [
        ("date", "2001-02-04"),
        ("discard", None),
    ]


def test_saying_the_same_twice_changes_nothing(world: World) -> None:
    once = say(world, "tag", "other.jpg", value="beach")

    assert say(world, "tag", "other.jpg", value=" beach ")["ids"] == once["ids"]
    assert len(standing(world, with_withdrawn=True)) == 1


def test_tags_are_many_and_come_back_with_a_content_that_was_forgotten(world: World) -> None:
    def words() -> list[str]:
        original_id = originals.find_id(row(world, "other.jpg")["sha256"]) or 0
        return world.store.read(lambda: tags.of_originals([original_id])).get(original_id, [])

    for word in ("beach", "2019", "-x"):
        say(world, "tag", "other.jpg", value=word)
    with world.store.database.reading():
        assert words() == ["-x", "2019", "beach"]
        sha256 = row(world, "other.jpg")["sha256"]

    world.path("other.jpg").rename(world.photos.parent / "away.jpg")
    world.scan()
    world.store.write(lambda: originals.delete([originals.find_id(sha256) or 0]))
    world.store.write(lambda: File.delete().where(File.status == FileStatus.GONE.value).execute())
    (world.photos.parent / "away.jpg").rename(world.path("back.jpg"))
    world.scan()

    with world.store.database.reading():
        known = originals.find_id(sha256) or 0
        assert tags.of_originals([known]) == {known: ["-x", "2019", "beach"]}


def test_a_tag_that_is_taken_back_leaves_no_word_behind(world: World) -> None:
    ids = say(world, "tag", "other.jpg", "small.jpg", value="beach")["ids"]
    withdraw(world, ids[0])

    def left() -> tuple[int, int]:
        return OriginalTag.select().count(), Tag.select().count()

    assert world.store.read(left) == (1, 1)
    withdraw(world, ids[1])
    assert world.store.read(left) == (0, 0)


def test_discarding_one_of_two_copies_is_said_of_that_copy_alone(world: World) -> None:
    say(world, "keep", "IMG_1.jpg")
    say(world, "discard", "copy/IMG_1.jpg")

    found = {(d["verb"], d["value"]) for d in standing(world)}

    assert found == {("keep", None), ("discard", str(world.path("copy/IMG_1.jpg")))}


def test_discarding_every_copy_is_said_of_the_content(world: World) -> None:
    say(world, "discard", "IMG_1.jpg", "copy/IMG_1.jpg")

    assert [(d["verb"], d["value"]) for d in standing(world)] == [("discard", None)]


@pytest.mark.parametrize(
    ("verb", "names", "value", "words"),
    [
        ("burn", ["other.jpg"], None, "there is no decision 'burn'"),
        ("keep", [], None, "keep needs a file"),
        ("keep", ["other.jpg"], "x", "keep takes no value"),
        ("keep", ["nowhere.jpg"], None, "there is no such file"),
        ("keep", ["empty.jpg"], None, "it is empty"),
        ("keep", ["."], None, "it is a folder"),
        ("keep", ["x.tmp"], None, "not looked at"),
        ("date", ["other.jpg"], None, "date needs a value"),
        ("date", ["other.jpg"], "2019-02-30", "no date"),
        ("tag", ["other.jpg"], "   ", "the tag is empty"),
        ("tag", ["other.jpg"], "a\u202eb", "cannot be seen"),
        ("primary", ["other.jpg"], None, "in no group"),
        ("primary", ["IMG_1.jpg", "copy/IMG_1.jpg"], None, "in one group"),
        ("not-duplicate", ["other.jpg"], None, "two files or more"),
        ("not-duplicate", ["IMG_1.jpg", "copy/IMG_1.jpg"], None, "byte for byte"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    world: World, verb: str, names: list[str], value: str | None, words: str
) -> None:
    world.path("x.tmp").write_bytes(b"half")

    with pytest.raises(UsageError, match=words) as caught:
        say(world, verb, *names, value=value)

    assert caught.value.advice
    assert standing(world, with_withdrawn=True) == []


def test_one_bad_path_among_many_leaves_nothing_half_done(world: World) -> None:
    before = snapshot(world.store.path)

    with pytest.raises(UsageError, match=r"nothing was recorded[\s\S]*one.jpg[\s\S]*two.jpg"):
        say(world, "tag", "other.jpg", "one.jpg", "small.jpg", "two.jpg", value="beach")

    assert standing(world, with_withdrawn=True) == []
    assert differences(snapshot(world.store.path), before) == {}
    assert world.store.read(lambda: list(tuples(Tag.select(Tag.id)))) == []


def test_withdrawing_what_does_not_stand_is_refused_and_nothing_is_withdrawn(world: World) -> None:
    (number,) = say(world, "keep", "other.jpg")["ids"]

    with pytest.raises(UsageError, match="there is no decision 4711"):
        withdraw(world, number, 4711)
    assert [d["id"] for d in standing(world)] == [number]

    withdraw(world, number)
    with pytest.raises(UsageError, match="withdrawn already"):
        withdraw(world, number)
    with pytest.raises(UsageError, match="no number"):
        decide_command.withdraw(room(world), ["all"])


def test_decisions_on_one_file_are_listed_alone(world: World) -> None:
    say(world, "keep", "other.jpg")
    (wanted,) = say(world, "not-duplicate", "small.jpg", "IMG_1.jpg")["ids"]

    found = list_decisions(
        world.store.database,
        [bytes(world.path("IMG_1.jpg"))],
        lambda path: None,
        with_withdrawn=False,
    )

    assert [d["id"] for d in found["decisions"]] == [wanted]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2019-05-01", "2019-05-01"),
        (" 2019-05-01T10:20 ", "2019-05-01T10:20"),
        ("2019-05-01 10:20:30", "2019-05-01T10:20:30"),
        ("2019-05-01T10:20:30.25Z", "2019-05-01T10:20:30.25+00:00"),
        ("2019-05-01T10:20:30-0330", "2019-05-01T10:20:30-03:30"),
        ("2019-05-01T10:20:30+02", "2019-05-01T10:20:30+02:00"),
        ("20190501T102030Z", "2019-05-01T10:20:30+00:00"),
        ("20190501", "2019-05-01"),
        ("1980-01-01", "1980-01-01"),
        ("2024-02-29", "2024-02-29"),
    ],
)
def test_dates_in_iso_8601_are_taken(typed: str, kept: str) -> None:
    assert said_date(typed, NOW) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("", "yesterday", "2019", "2019-05", "2019-02-29", "2019-13-01", "2019-05-01T24:00:00"),
        *("2019-05-01T10", "2019-05-01T10:20:60", "2019-05-01T10:20:30+25:00", "01.05.2019"),
        *("2019-05-01T10:20:30+02:07", "2019-05-01T10:20:30 Mars", "1700-01-01", "2026-05-03"),
        *("2019-05-01\n", "２０１９-05-01", "2019-05-01T10:20:30+", "0000-00-00", "9999-12-31"),
    ],
)
def test_what_is_no_date_is_refused(typed: str) -> None:
    if typed == "2019-05-01\n":
        assert said_date(typed, NOW) == "2019-05-01"
        return
    with pytest.raises(UsageError):
        said_date(typed, NOW)


def test_a_tag_is_kept_composed_and_has_an_end() -> None:
    assert said_tag(" cafe\u0301  noir ") == "caf\u00e9  noir"
    assert said_tag("x" * LONGEST_TAG) == "x" * LONGEST_TAG
    for bad in ("x" * (LONGEST_TAG + 1), "\u200b", "a\tb", "a\nb", "\x1b[31m"):
        with pytest.raises(UsageError):
            said_tag(bad)


def test_the_path_that_was_named_stands_first_while_it_is_there(world: World) -> None:
    say(world, "keep", "copy/IMG_1.jpg")
    say(world, "not-duplicate", "IMG_1.jpg", "other.jpg")
    copy, plain = str(world.path("copy/IMG_1.jpg")), str(world.path("IMG_1.jpg"))

    kept, apart = standing(world)
    assert kept["paths"] == [copy, plain]
    by_content = (apart["paths"], apart["other_paths"])
    assert sorted(by_content, key=len) == [[str(world.path("other.jpg"))], [plain, copy]]
    told = why(world.store.database, plain)["decisions"]
    assert next(d for d in told if d["verb"] == "keep")["paths"] == [copy, plain]

    # Said again of the other copy it is still one decision, known by the path that was said last.
    say(world, "keep", "IMG_1.jpg")
    assert [d["paths"] for d in standing(world) if d["verb"] == "keep"] == [[plain, copy]]

    say(world, "keep", "copy/IMG_1.jpg")
    world.path("copy/IMG_1.jpg").unlink()
    world.scan()
    world.drain()
    assert [d["paths"] for d in standing(world) if d["verb"] == "keep"] == [[plain]]
