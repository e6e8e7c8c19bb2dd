"""Claims about deciding beside a running daemon, and without one: the same words, the same end."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Daemon, House, eventually
from support.pictures import put_picture
from support.snapshot import differences, leftovers, snapshot

VERBS: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    ("keep", ("a.jpg",), None),
    ("discard", ("b.jpg",), None),
    ("not-duplicate", ("a.jpg", "b.jpg"), None),
    ("date", ("a.jpg",), "2001-02-03T04:05:06+01:00"),
    ("tag", ("a.jpg", "b.jpg"), "-beach"),
    ("primary", ("c.jpg",), None),
)


@pytest.fixture(params=["without a daemon", "beside the daemon"])
def lived_in(house: House, request: pytest.FixtureRequest) -> Iterator[House]:
    """An installation with a picture, another, and copies of a third, all known."""
    for name, seed in (("a.jpg", 1), ("b.jpg", 2), ("c.jpg", 3), ("sub/c.jpg", 3)):
        put_picture(house.root / name, seed)
    house.scan()
    if request.param == "without a daemon":
        yield house
        return
    with Daemon(house) as running:
        eventually(lambda: running.is_running and house.is_quiet(), 10.0)
        yield house
        running.stop()


def decide(house: House, verb: str, names: tuple[str, ...], value: str | None) -> dict[str, Any]:
    words = [] if value is None else ["--value", value]
    return house.ask("decide", verb, *(str(house.root / name) for name in names), *words)


def test_every_verb_is_recorded_listed_and_taken_back(lived_in: House) -> None:
    before = snapshot(lived_in.database)

    for verb, names, value in VERBS:
        made = decide(lived_in, verb, names, value)

        assert made["verb"] == verb
        assert {Path(p).name for d in made["decisions"] for p in d["paths"]} <= set(names)
        listed = lived_in.ask("decide", "list")["decisions"]
        assert listed == made["decisions"]
        numbers = [str(d["id"]) for d in listed]
        taken_back = lived_in.ask("decide", "withdraw", *numbers)["decisions"]
        assert all(d["withdrawn_at"] for d in taken_back)
        assert lived_in.ask("decide", "list")["decisions"] == []
        assert differences(snapshot(lived_in.database), before) == {}

    assert len(lived_in.ask("decide", "list", "--all")["decisions"]) == 7
    assert leftovers(lived_in.database) == {}


def test_a_decision_follows_its_content_through_a_rename(lived_in: House) -> None:
    decide(lived_in, "tag", ("a.jpg",), "beach")
    (lived_in.root / "a.jpg").rename(lived_in.root / "sub" / "z.jpg")
    lived_in.scan()
    eventually(lambda: "sub/z.jpg" in lived_in.files(), 8.0)

    (decision,) = lived_in.ask("decide", "list")["decisions"]

    assert decision["paths"] == [str(lived_in.root / "sub" / "z.jpg")]
    assert lived_in.ask("decide", "list", str(lived_in.root / "sub" / "z.jpg"))["decisions"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("keep", "nowhere.jpg"), "there is no such file"),
        (("tag", "a.jpg"), "tag needs a value"),
        (("date", "a.jpg", "--value", "2019-02-30"), "no date"),
        (("withdraw", "7"), "there is no decision 7"),
        (("burn", "a.jpg"), "there is no decision 'burn'"),
        (("list", "--value", "x"), "takes no value"),
    ],
)
def test_what_cannot_be_meant_ends_with_code_2_and_words(
    house: House, words: tuple[str, ...], said: str
) -> None:
    put_picture(house.root / "a.jpg", 1)
    house.scan()
    typed = [str(house.root / word) if word.endswith(".jpg") else word for word in words]

    alone = house.cli("decide", *typed)
    with Daemon(house):
        beside = house.cli("decide", *typed)

    for done in (alone, beside):
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_person_reads_what_was_decided(lived_in: House) -> None:
    path = str(lived_in.root / "a.jpg")
    decided = lived_in.cli("decide", "date", path, "--value", "2001-02-03")
    listed = lived_in.cli("decide", "list")

    assert decided.returncode == listed.returncode == 0, decided.stderr + listed.stderr
    assert "date 2001-02-03" in decided.stdout
    assert path in decided.stdout
    assert "date 2001-02-03" in listed.stdout


def test_the_story_of_a_content_only_grows(lived_in: House) -> None:
    for value in ("2001-02-03", "2001-02-04"):
        decide(lived_in, "date", ("a.jpg",), value)
    (decision,) = lived_in.ask("decide", "list")["decisions"]
    lived_in.ask("decide", "withdraw", str(decision["id"]))

    connection = sqlite3.connect(f"file:{lived_in.database}?mode=ro", uri=True)
    rows = connection.execute(
        'SELECT entity, actor, what, "before" IS NULL, "after" IS NULL FROM revision ORDER BY id'
    ).fetchall()
    connection.close()

    assert [row for row in rows if row[1] == "owner"] == [
        ("original", "owner", "date", 1, 0),
        ("original", "owner", "date", 0, 0),
        ("original", "owner", "withdraw date", 0, 1),
    ]
    # What each of these words came to.
    assert [row[:3] for row in rows[1::2]] == [("original", "rules", "capture time")] * 3
