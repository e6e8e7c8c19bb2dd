"""Claims about the numbers that are kept: they are what counting gives, whatever happened, and
reading them reads no file."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import SqliteDatabase

from support.made_up import AT, measured, put_file, put_original, stat
from support.stores import Store, opened_store
from twinlens.model.files import Condition, FileStatus
from twinlens.model.picture import Kind
from twinlens.model.verification import Verdict
from twinlens.store import files, listing, originals, tallies, verifications
from twinlens.store.schema import Schema
from twinlens.store.tables import File, FileGroup, Original

LATER = "2026-03-01T00:00:00+00:00"
LAST = "2026-04-01T00:00:00+00:00"

FEW = ("verification_damaged", "original_orphaned", "original_error", "original_shared")
"""Indexes of what is few among many."""
LARGE = {"file", "original", "verification", "file_group", "group_member", "duplicate_member"}


def put(root_id: int, name: int, original_id: int | None, size: int) -> int:
    """A file; its size says how it fares, too."""
    condition = Condition(Kind.RAW if size % 2 else Kind.IMAGE, list(FileStatus)[size % 4])
    return files.put(
        root_id,
        b"%d.jpg" % name,
        radical=str(name),
        stat=stat(name + 1, size=size),
        is_nested=False,
        original_id=original_id,
        condition=condition,
        at=AT,
    )


def group(root_id: int, name: int, group_type: str) -> None:
    FileGroup.insert(root=root_id, bucket=str(name), group_type=group_type, rule="").execute()


def verify(file_id: int, verdict: Verdict) -> None:
    wanted = verifications.candidate(file_id)
    if wanted is not None:
        verifications.record(wanted, verdict, LATER)


steps = st.lists(
    st.tuples(st.sampled_from(("put", "gone", "forget", "drop", "read", "group", "ungroup")),
              st.integers(0, 3), st.integers(0, 7)),
    max_size=25,
)  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_the_kept_numbers_are_what_counting_gives(tmp_path: Path, steps: list[Any]) -> None:
    folder = tmp_path / str(abs(hash(repr(steps))))
    folder.mkdir(exist_ok=True)
    (folder / "t.db").unlink(missing_ok=True)
    with opened_store(folder / "t.db") as store:
        roots = [root.id for root in store.adopt(folder / "a", folder / "b")]
        contents = store.write(lambda: [put_original(word) for word in "xyz"])

        def work() -> None:
            for verb, name, value in steps:
                root_id = roots[name % 2]
                found = files.find(root_id, b"%d.jpg" % name)
                if verb == "put":
                    content = [None, *contents][value % 4]
                    put(root_id, name, content, value)
                elif verb == "group":
                    group(root_id, name, ("burst", "raw_jpeg")[value % 2])
                elif verb == "ungroup":
                    FileGroup.delete().where(FileGroup.bucket == str(name)).execute()
                elif verb == "drop":
                    # Its files stay, without a content.
                    Original.delete().where(Original.id == contents[value % 3]).execute()
                    contents[value % 3] = put_original(f"{value} again {name}")
                elif found is None:
                    continue
                elif verb == "gone":
                    files.set_gone(found.id, AT)
                elif verb == "forget":
                    files.delete(found.id)
                else:
                    verify(found.id, list(Verdict)[value % 4])

        store.write(work)

        assert not store.read(tallies.are_off)
        assert store.read(lambda: sum(files.count_live(root_id) for root_id in roots)) == (
            store.read(lambda: File.select().where(File.status != FileStatus.GONE.value).count())
        )


def test_contents_of_watched_roots_are_counted_once_each(store: Store, tmp_path: Path) -> None:
    a, b = (root.id for root in store.adopt(tmp_path / "a", tmp_path / "b"))

    def work() -> None:
        for word, places in (("both", (a, b)), ("twice in a", (a, a)), ("only in b", (b, b))):
            content = put_original(word)
            for number, root_id in enumerate(places):
                put_file(root_id, f"{word} {number}.jpg".encode(), content)

    store.write(work)
    assert store.read(tallies.contents) == 3

    store.adopt(tmp_path / "a")

    assert store.read(tallies.contents) == 2
    assert store.read(listing.summary).files == 3


def test_numbers_that_were_made_wrong_are_counted_anew(store: Store, root_id: int) -> None:
    store.write(lambda: put_file(root_id, b"a.jpg", None))
    store.write(lambda: store.database.peewee.execute_sql("UPDATE file_tally SET files = 7"))
    assert store.read(tallies.are_off)

    store.write(tallies.count_anew)

    assert not store.read(tallies.are_off)
    assert store.read(lambda: files.count_live(root_id)) == 1


def test_an_older_database_is_counted_and_told_when_each_file_was_read(tmp_path: Path) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        root_id = store.adopt(tmp_path)[0].id
        read = store.write(lambda: put_file(root_id, b"a.jpg", put_original("a")))
        store.write(lambda: put_file(root_id, b"b.jpg", put_original("b")))
        store.write(lambda: verify(read, Verdict.SOUND))
        before = store.read(verifications.numbers)
    schema = Schema(store.database)

    schema.down("0050_numbers_that_are_kept")
    schema.up()

    assert (before["sound"], before["never"], before["oldest"]) == (1, 1, AT)
    assert store.read(verifications.numbers) == before
    assert not store.read(tallies.are_off)
    assert store.read(lambda: verifications.due(LATER, LAST)) == [read + 1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Every statement with its values."""
    found: list[tuple[str, Any]] = []
    execute = SqliteDatabase.execute_sql

    def noting(self: Any, sql: str, params: Any = None, *rest: Any) -> Any:
        found.append((sql, params))
        return execute(self, sql, params, *rest)

    monkeypatch.setattr(SqliteDatabase, "execute_sql", noting)
    return found


def read_whole(store: Store, asked: list[tuple[str, Any]]) -> set[str]:
    """The tables that a statement goes through from one end to the other."""
    whole = set()
    for sql, params in list(asked):
        names = {alias: table for table, alias in re.findall(r'"(\w+)" AS "(t\d+)"', sql)}
        plan = store.read(
            lambda sql=sql, params=params: store.database.peewee.execute_sql(
                f"EXPLAIN QUERY PLAN {sql}", params
            ).fetchall()
        )
        for *_, words in plan:
            scanned = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", words)
            if scanned and scanned[2] not in FEW:
                whole.add(names.get(scanned[1], scanned[1]))
    return whole


@pytest.mark.parametrize(
    "reading",
    [
        listing.summary,
        verifications.numbers,
        lambda: verifications.due(AT, LATER, 1),
        verifications.waiting,
        lambda: originals.outdated([measured().algorithm_version]),
    ],
    ids=["summary", "verification", "due", "waiting", "outdated"],
)
def test_what_is_asked_often_goes_through_no_large_table(
    store: Store, root_id: int, asked: list[tuple[str, Any]], reading: Callable[[], object]
) -> None:
    store.write(lambda: put_file(root_id, b"a.jpg", put_original("a")))
    asked.clear()

    store.write(reading)

    assert asked
    assert read_whole(store, asked) & LARGE == set()


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("now", ["2025-01-01T00:00:00+00:00", LATER, LAST])
@pytest.mark.parametrize("before", [AT, LATER, LAST])
def test_what_waits_to_be_read_tells_whether_anything_is_due(
    store: Store, root_id: int, is_read: bool, now: str, before: str
) -> None:
    file_id = store.write(lambda: put_file(root_id, b"a.jpg", put_original("a")))
    if is_read:
        store.write(lambda: verify(file_id, Verdict.SOUND))

    found = store.read(lambda: verifications.due(before, now, 1))

    assert store.read(verifications.waiting).is_due(before, now) is bool(found)
