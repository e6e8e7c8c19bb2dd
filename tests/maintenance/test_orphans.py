"""Claims about the cleanup: it forgets what is certain, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.made_up import digest, put_file, put_original
from support.stores import Store
from twinlens.maintenance.orphans import Cleanup, CleanupReport
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState
from twinlens.store import files, meta, originals, roots

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat(timespec="seconds")


def clean(store: Store, *, grace: float = 24.0, limit: int = 100) -> CleanupReport:
    return Cleanup(store.database, store.writer, lambda: NOW, grace, limit).run()


def known(store: Store, word: str) -> bool:
    return store.read(lambda: originals.find_id(digest(word))) is not None


@pytest.fixture
def orphan(store: Store, root_id: int) -> Callable[[str, float], None]:
    """Makes a content whose only file went so many hours ago."""

    def make(word: str, hours: float) -> None:
        def work() -> None:
            original_id = put_original(word)
            file_id = put_file(root_id, word.encode(), original_id)
            files.set_gone(file_id, ago(hours))
            originals.remove_reference(original_id, ago(hours))

        store.write(work)

    return make


Orphan = Callable[[str, float], None]


def test_an_orphan_is_forgotten_after_its_grace_and_not_before(
    store: Store, orphan: Orphan, root_id: int
) -> None:
    orphan("old", 24.1)
    orphan("young", 23.9)

    report = clean(store)

    assert report == CleanupReport(checked=1, removed_originals=1, removed_files=1, frozen_by=())
    assert (known(store, "old"), known(store, "young")) == (False, True)
    assert store.read(lambda: files.find(root_id, b"old")) is None
    assert store.read(lambda: files.find(root_id, b"young")) is not None
    assert store.read(lambda: meta.read("last_cleanup_at")) == NOW.isoformat(timespec="seconds")


def test_a_second_pass_finds_nothing(store: Store, orphan: Orphan) -> None:
    orphan("old", 48)
    clean(store)

    assert clean(store) == CleanupReport(0, 0, 0, ())


def test_a_content_with_a_file_is_kept_whatever_its_count_says(store: Store, root_id: int) -> None:
    def work() -> None:
        original_id = put_original("drifted")
        put_file(root_id, b"a.jpg", original_id)
        originals.set_count(original_id, 0, ago(100))

    store.write(work)

    assert clean(store).removed_originals == 0
    assert known(store, "drifted")


@pytest.mark.parametrize("state", [RootState.UNREACHABLE, RootState.CHANGED, RootState.SUSPECT])
def test_nothing_is_forgotten_while_a_root_cannot_be_trusted(
    store: Store, orphan: Orphan, root_id: int, state: RootState
) -> None:
    orphan("old", 100)
    store.write(lambda: roots.set_health(root_id, state, "the cable is out"))

    report = clean(store)

    assert report.removed_originals == report.removed_files == 0
    assert ["the cable is out" in reason for reason in report.frozen_by] == [True]
    assert known(store, "old")
    assert report.as_result()["frozen_by"] == list(report.frozen_by)


def test_a_root_that_is_no_longer_watched_freezes_nothing(
    store: Store, orphan: Orphan, root_id: int
) -> None:
    orphan("old", 100)
    store.write(lambda: roots.set_health(root_id, RootState.UNREACHABLE, "away"))
    store.adopt(Path("/srv/other"))

    assert clean(store).removed_originals == 1


def test_a_file_that_came_back_since_the_plan_was_made_is_spared(
    store: Store, orphan: Orphan, root_id: int
) -> None:
    orphan("old", 100)
    orphan("other", 100)

    class Late:
        """A writer that something else gets ahead of, once the plan is made."""

        calls = 0

        def call(self, work: Callable[[], object]) -> object:
            def revive() -> None:
                original_id = originals.find_id(digest("old"))
                put_file(root_id, b"old", original_id, status=FileStatus.OK)

            if self.calls:
                store.write(revive)
            self.calls += 1
            return store.write(work)

    report = Cleanup(store.database, Late(), lambda: NOW, 24.0, 100).run()  # type: ignore[arg-type]  # a stand-in

    assert (report.checked, report.removed_originals) == (2, 1)
    assert (known(store, "old"), known(store, "other")) == (True, False)


def test_a_root_that_goes_since_the_plan_was_made_freezes_it(
    store: Store, orphan: Orphan, root_id: int
) -> None:
    orphan("old", 100)

    class Late:
        """A writer that something else gets ahead of."""

        def call(self, work: Callable[[], object]) -> object:
            store.write(lambda: roots.set_health(root_id, RootState.UNREACHABLE, "away"))
            return store.write(work)

    report = Cleanup(store.database, Late(), lambda: NOW, 24.0, 100).run()  # type: ignore[arg-type]  # a stand-in

    assert report.removed_originals == 0
    assert known(store, "old")


def test_no_more_than_the_limit_is_forgotten_at_once(store: Store, orphan: Orphan) -> None:
    for number in range(5):
        orphan(f"word {number}", 100)

    assert [clean(store, limit=2).removed_originals for _ in range(4)] == [2, 2, 1, 0]
