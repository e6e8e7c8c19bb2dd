"""Claims about reconciliation: counts are mended to what the files say, and what came back is
looked at."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.drift import counted_links, set_count
from support.made_up import AT, digest, put_file, put_original, stat
from support.stores import Store
from twinlens.maintenance.reconcile import (
    NOT_COUNTED,
    STILL_COUNTED,
    UNKNOWN,
    Reconcile,
    ReconcileReport,
)
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState
from twinlens.model.vault import PutHow
from twinlens.store import blobs, files, holds, meta, originals, revisions, roots, work_items
from twinlens.store.tables_work import WorkItem

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
AT_NOW = NOW.isoformat(timespec="seconds")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The watched folder, on the disk."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "something").mkdir()
    return folder


def reconcile(
    store: Store, is_ignored: Callable[[bytes], bool] = lambda path: False
) -> ReconcileReport:
    return Reconcile(store.database, store.writer, lambda: NOW, is_ignored).run()


def queued(store: Store) -> list[tuple[bytes, str]]:
    with store.database.reading():
        return [(bytes(row.path), row.reason) for row in WorkItem.select().order_by(WorkItem.id)]


def gone_file(root_id: int, path: bytes, original_id: int) -> None:
    files.set_gone(put_file(root_id, path, original_id), AT)
    originals.remove_reference(original_id, AT)


def test_drift_is_mended_both_ways_and_reported_with_its_cause(
    store: Store, root_id: int, photos: Path
) -> None:
    def work() -> None:
        right, high, low, missed = (put_original(w) for w in ("right", "high", "low", "missed"))
        for number, original_id in enumerate((right, high, low, low, missed, missed)):
            put_file(root_id, b"%d" % number, original_id, at=stat(number))
        files.set_gone((files.find(root_id, b"5") or pytest.fail("no file")).id, AT)
        set_count(high, 4, AT)
        set_count(low, 0, AT)

    store.write(work)

    assert reconcile(store) == ReconcileReport(
        checked=4, mended=3, drift=6, causes={UNKNOWN: 1, NOT_COUNTED: 1, STILL_COUNTED: 1}
    )

    with store.database.reading():
        found = [originals.find(digest(word)) for word in ("right", "high", "low", "missed")]
    assert [o and (o.reference_count, o.orphaned_at) for o in found] == [
        (1, None),
        (1, None),
        (2, None),
        (1, None),
    ]
    assert store.read(lambda: meta.read("last_reconcile_at")) == AT_NOW


def test_what_was_mended_stands_in_the_story_of_the_content(
    store: Store, root_id: int, photos: Path
) -> None:
    def work() -> None:
        high, right = put_original("high"), put_original("right")
        for number, original_id in enumerate((high, right)):
            put_file(root_id, b"%d" % number, original_id)
        set_count(high, 4, AT)

    store.write(work)
    reconcile(store)
    reconcile(store)

    with store.database.reading():
        told = {word: revisions.of_content(digest(word)) for word in ("high", "right")}
    assert [(r.actor, r.what, r.before, r.after, r.at) for r in told["high"]] == [
        ("reconcile", "reference count", "4", "1", AT_NOW)
    ]
    assert told["right"] == []


def test_a_content_without_files_becomes_an_orphan_from_now_on(
    store: Store, root_id: int, photos: Path
) -> None:
    def work() -> None:
        original_id = put_original("a")
        files.set_gone(put_file(root_id, b"a", original_id), AT)

    store.write(work)

    report = reconcile(store)

    assert (report.orphans, report.causes) == (1, {STILL_COUNTED: 1})
    found = store.read(lambda: originals.find(digest("a")))
    assert found is not None
    assert (found.reference_count, found.orphaned_at) == (0, AT_NOW)


def test_half_an_orphan_is_made_whole_either_way(store: Store, root_id: int, photos: Path) -> None:
    def work() -> None:
        # As an older version or a hand left them: a count of 0 without a time, a time with files.
        put_original("no time")
        alive = put_original("alive")
        put_file(root_id, b"a", alive)
        originals.Original.update(orphaned_at=AT).where(originals.Original.id == alive).execute()

    store.write(work)

    report = reconcile(store)

    assert (report.mended, report.drift, report.orphans) == (0, 0, 1)
    with store.database.reading():
        no_time, alive = (originals.find(digest(word)) for word in ("no time", "alive"))
    assert no_time is not None
    assert alive is not None
    assert (no_time.orphaned_at, alive.orphaned_at) == (AT_NOW, None)
    assert reconcile(store) == ReconcileReport(checked=2, mended=0, drift=0)


def test_what_is_held_is_no_orphan(store: Store, root_id: int, photos: Path) -> None:
    def work() -> None:
        gone_file(root_id, b"a", put_original("a"))
        holds.take(digest("a"), holds.JOB, "1")
        put_original("b")
        blobs.keep(digest("b"), 10, PutHow.COPY, AT)
        originals.Original.update(orphaned_at=AT).execute()

    store.write(work)

    assert reconcile(store).orphans == 0
    with store.database.reading():
        assert [o.orphaned_at for o in originals.get_many([1, 2])] == [None, None]


def test_an_orphan_keeps_the_time_since_when_it_is_one(store: Store, photos: Path) -> None:
    store.adopt(photos)

    def work() -> None:
        set_count(put_original("a"), 0, AT)

    store.write(work)

    assert reconcile(store) == ReconcileReport(checked=1, mended=0, drift=0)
    found = store.read(lambda: originals.find(digest("a")))
    assert found is not None
    assert found.orphaned_at == AT


def test_a_file_that_was_believed_gone_and_is_there_is_looked_at_again(
    store: Store, root_id: int, photos: Path
) -> None:
    def work() -> None:
        for name in (b"back.jpg", b"gone.jpg", b"folder.jpg", b"link.jpg", b"deep/down.jpg"):
            gone_file(root_id, name, put_original(name.decode()))

    store.write(work)
    (photos / "back.jpg").write_bytes(b"here")
    (photos / "folder.jpg").mkdir()
    (photos / "link.jpg").symlink_to("back.jpg")
    (photos / "deep").mkdir()
    (photos / "deep" / "down.jpg").write_bytes(b"here too")

    report = reconcile(store)

    assert report.revived == 2
    assert queued(store) == [(b"back.jpg", "reconcile"), (b"deep/down.jpg", "reconcile")]
    assert store.read(lambda: files.find(root_id, b"back.jpg")) is not None


def test_what_the_owner_excluded_is_not_revived(store: Store, root_id: int, photos: Path) -> None:
    store.write(lambda: gone_file(root_id, b"junk.jpg", put_original("junk")))
    (photos / "junk.jpg").write_bytes(b"here")

    assert reconcile(store, lambda path: path.endswith(b"/junk.jpg")).revived == 0
    assert queued(store) == []


def test_a_file_that_refers_to_no_content_is_looked_at_again(
    store: Store, root_id: int, photos: Path
) -> None:
    def work() -> None:
        put_file(root_id, b"blank.jpg", None)
        put_file(root_id, b"unreadable.jpg", None, status=FileStatus.UNREADABLE)
        put_file(root_id, b"gone.jpg", None, status=FileStatus.GONE)
        put_file(root_id, b"well.jpg", put_original("well"))

    store.write(work)

    assert reconcile(store).without_original == 1
    assert queued(store) == [(b"blank.jpg", "reconcile")]


def test_a_folder_that_cannot_be_asked_is_named_and_nothing_below_it_is_revived(
    store: Store, root_id: int, photos: Path
) -> None:
    store.write(lambda: gone_file(root_id, b"back.jpg", put_original("a")))
    (photos / "back.jpg").write_bytes(b"here")
    store.write(lambda: roots.set_health(root_id, RootState.CHANGED, "another disk"))

    report = reconcile(store)

    assert report.revived == 0
    assert ["another disk" in words for words in report.not_asked] == [True]


def test_a_folder_that_stops_answering_in_the_middle_holds_nothing_up(
    store: Store, root_id: int, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(lambda: gone_file(root_id, b"back.jpg", put_original("a")))
    is_over = threading.Event()

    def hang(path: bytes) -> os.stat_result:
        is_over.wait(20.0)
        raise OSError

    monkeypatch.setattr("twinlens.maintenance.reconcile.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("twinlens.maintenance.reconcile.os.lstat", hang)

    report = reconcile(store)

    monkeypatch.undo()
    is_over.set()
    assert ["it does not answer" in words for words in report.not_asked] == [True]
    assert report.revived == 0


def test_a_file_that_was_recorded_since_the_plan_was_made_is_not_queued(
    store: Store, root_id: int, photos: Path
) -> None:
    store.write(lambda: gone_file(root_id, b"back.jpg", put_original("a")))
    (photos / "back.jpg").write_bytes(b"here")

    class Late:
        """A writer that something else gets ahead of."""

        def call(self, work: Callable[[], object]) -> object:
            store.write(lambda: put_file(root_id, b"back.jpg", originals.find_id(digest("a"))))
            return store.write(work)

    report = Reconcile(store.database, Late(), lambda: NOW).run()  # type: ignore[arg-type]  # a stand-in

    assert (report.revived, report.drift) == (0, 0)
    assert store.read(work_items.counts)["pending"] == 0


@given(
    links=st.lists(
        st.tuples(st.integers(min_value=0, max_value=2), st.booleans()),
        max_size=6,
    ),
    counts=st.lists(st.integers(min_value=0, max_value=5), min_size=3, max_size=3),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_was_wrong_a_second_pass_finds_nothing(
    store: Store, root_id: int, photos: Path, links: list[tuple[int, bool]], counts: list[int]
) -> None:
    def work() -> None:
        for number in range(6):
            if record := files.find(root_id, b"%d" % number):
                files.delete(record.id)
        ids = [put_original(f"word {n}") for n in range(3)]
        for number, (which, is_live) in enumerate(links):
            status = FileStatus.OK if is_live else FileStatus.GONE
            put_file(root_id, b"%d" % number, ids[which], status=status)
        for original_id, count in zip(ids, counts, strict=True):
            set_count(original_id, count, AT)

    store.write(work)
    live = [which for which, is_live in links if is_live]
    wrong = [abs(counts[n] - live.count(n)) for n in range(3)]

    first = reconcile(store)

    assert (first.checked, first.mended, first.drift) == (3, sum(map(bool, wrong)), sum(wrong))
    assert sum(first.causes.values()) == first.mended
    assert reconcile(store) == ReconcileReport(3, 0, 0)
    with store.database.reading():
        assert {i: n for i, n in originals.counts().items() if n} == counted_links()
        for n in range(3):
            found = originals.find(digest(f"word {n}"))
            assert found is not None
            assert (found.orphaned_at is None) == (live.count(n) > 0)
