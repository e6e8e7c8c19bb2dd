"""Claims about reconciliation: counts are mended to what the files say."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.made_up import AT, digest, put_file, put_original, stat
from support.stores import Store
from twinlens.maintenance.reconcile import Reconcile, ReconcileReport
from twinlens.store import files, meta, originals

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def reconcile(store: Store) -> ReconcileReport:
    return Reconcile(store.database, store.writer, lambda: NOW).run()


def test_drift_is_mended_both_ways_and_reported(store: Store, root_id: int) -> None:
    def work() -> None:
        right, high, low = (put_original(word) for word in ("right", "high", "low"))
        for number, original_id in enumerate((right, high, low, low)):
            put_file(root_id, b"%d" % number, original_id, at=stat(number))
        originals.set_count(high, 4, AT)
        originals.set_count(low, 0, AT)

    store.write(work)

    assert reconcile(store) == ReconcileReport(checked=3, mended=2, drift=5)

    with store.database.reading():
        found = [originals.find(digest(word)) for word in ("right", "high", "low")]
    assert [o and (o.reference_count, o.orphaned_at) for o in found] == [
        (1, None),
        (1, None),
        (2, None),
    ]
    assert store.read(lambda: meta.read("last_reconcile_at")) == NOW.isoformat(timespec="seconds")


def test_a_content_without_files_becomes_an_orphan_from_now_on(store: Store, root_id: int) -> None:
    def work() -> None:
        original_id = put_original("a")
        files.set_gone(put_file(root_id, b"a", original_id), AT)

    store.write(work)

    reconcile(store)

    found = store.read(lambda: originals.find(digest("a")))
    assert found is not None
    assert (found.reference_count, found.orphaned_at) == (0, NOW.isoformat(timespec="seconds"))


def test_an_orphan_keeps_the_time_since_when_it_is_one(store: Store) -> None:
    def work() -> None:
        originals.set_count(put_original("a"), 0, AT)

    store.write(work)

    assert reconcile(store) == ReconcileReport(checked=1, mended=0, drift=0)
    found = store.read(lambda: originals.find(digest("a")))
    assert found is not None
    assert found.orphaned_at == AT


@given(
    links=st.lists(st.integers(min_value=0, max_value=2), max_size=6),
    counts=st.lists(st.integers(min_value=0, max_value=5), min_size=3, max_size=3),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_was_wrong_a_second_pass_finds_nothing(
    store: Store, root_id: int, links: list[int], counts: list[int]
) -> None:
    def work() -> None:
        for record in files.below(root_id, b""):
            files.delete(record.id)
        ids = [put_original(f"word {n}") for n in range(3)]
        for number, which in enumerate(links):
            put_file(root_id, b"%d" % number, ids[which])
        for original_id, count in zip(ids, counts, strict=True):
            originals.set_count(original_id, count, AT)

    store.write(work)
    wrong = [abs(counts[n] - links.count(n)) for n in range(3)]

    assert reconcile(store) == ReconcileReport(3, sum(map(bool, wrong)), sum(wrong))
    assert reconcile(store) == ReconcileReport(3, 0, 0)
    with store.database.reading():
        assert {i: n for i, n in originals.counts().items() if n} == originals.counted_links()
