"""Claims about the queue's memory: one entry a path, none lost, none done that has changed."""

from functools import partial
from pathlib import Path

from support.made_up import AT
from support.stores import Store
from twinlens.model.jobs import WorkItem
from twinlens.store import work_items


def put(store: Store, root_id: int, *paths: bytes, due: float = 0.0, reason: str = "event") -> None:
    store.write(lambda: work_items.put(root_id, paths, reason=reason, not_before=due, at=AT))


def lease(store: Store, now: float = 0.0, limit: int = 100) -> list[WorkItem]:
    return [item for item, _ in store.write(lambda: work_items.lease(now, 60.0, limit))]


def counts(store: Store) -> tuple[int, int, int]:
    found = store.read(work_items.counts)
    return found["pending"], found["running"], found["failed"]


def test_many_hints_on_one_path_are_one_entry(store: Store, root_id: int) -> None:
    for _ in range(3):
        put(store, root_id, b"a.jpg", b"a.jpg")

    assert counts(store) == (1, 0, 0)


def test_the_same_path_below_two_roots_is_two_entries(store: Store) -> None:
    first, second = store.adopt(Path("/srv/one"), Path("/srv/two"))
    put(store, first.id, b"a.jpg")
    put(store, second.id, b"a.jpg")

    assert counts(store) == (2, 0, 0)


def test_more_paths_than_one_statement_takes_are_all_kept(store: Store, root_id: int) -> None:
    put(store, root_id, *(b"%d.jpg" % n for n in range(1000)))

    assert counts(store) == (1000, 0, 0)


def test_a_path_that_is_no_text_comes_back(store: Store, root_id: int) -> None:
    put(store, root_id, b"\xff\n'.jpg")

    assert [item.path for item in lease(store)] == [b"\xff\n'.jpg"]


def test_what_waits_longest_comes_first_and_what_is_not_due_not_at_all(
    store: Store, root_id: int
) -> None:
    put(store, root_id, b"late", due=20.0)
    put(store, root_id, b"second", due=5.0)
    put(store, root_id, b"first", due=1.0)

    assert [item.path for item in lease(store, now=10.0)] == [b"first", b"second"]
    assert store.read(work_items.next_due) == 20.0


def test_what_is_leased_is_not_leased_again(store: Store, root_id: int) -> None:
    put(store, root_id, b"a", b"b", b"c")

    assert len(lease(store, limit=2)) == 2
    assert [item.path for item in lease(store)] == [b"c"]
    assert lease(store) == []
    assert counts(store) == (0, 3, 0)


def test_what_is_done_is_gone(store: Store, root_id: int) -> None:
    put(store, root_id, b"a")
    items = lease(store)

    store.write(lambda: work_items.done([item.id for item in items]))

    assert counts(store) == (0, 0, 0)


def test_an_item_put_again_while_it_is_worked_on_is_looked_at_again(
    store: Store, root_id: int
) -> None:
    put(store, root_id, b"a")
    (item,) = lease(store)
    put(store, root_id, b"a")

    store.write(lambda: work_items.done([item.id]))
    store.write(lambda: work_items.fail(item.id, error="old", retry_at=None))
    store.write(lambda: work_items.postpone(item.id, not_before=99.0, sample=None))

    assert counts(store) == (1, 0, 0)
    (again,) = lease(store)
    assert (again.path, again.attempts) == (b"a", 0)


def test_a_failure_counts_and_waits_for_its_time(store: Store, root_id: int) -> None:
    put(store, root_id, b"a")
    (item,) = lease(store)

    store.write(lambda: work_items.fail(item.id, error="busy", retry_at=30.0))

    assert lease(store, now=29.9) == []
    (again,) = lease(store, now=30.0)
    assert again.attempts == 1


def test_quarantine_keeps_the_reason_until_there_is_a_new_start(store: Store, root_id: int) -> None:
    put(store, root_id, b"a")
    (item,) = lease(store)
    store.write(lambda: work_items.fail(item.id, error="x" * 1000, retry_at=None))

    assert counts(store) == (0, 0, 1)
    assert store.read(work_items.failed) == [(root_id, b"a", 1, "x" * 500)]
    assert lease(store, now=1e12) == []
    assert store.read(work_items.next_due) is None

    assert store.write(work_items.retry_failed) == 1
    (again,) = lease(store)
    assert again.attempts == 0


def test_a_quarantined_path_that_changed_has_a_new_start(store: Store, root_id: int) -> None:
    put(store, root_id, b"a")
    (item,) = lease(store)
    store.write(lambda: work_items.fail(item.id, error="broken", retry_at=None))

    put(store, root_id, b"a")

    assert [(i.path, i.attempts) for i in lease(store)] == [(b"a", 0)]


def test_a_postponed_item_is_no_failure_and_keeps_its_sample(store: Store, root_id: int) -> None:
    put(store, root_id, b"a")
    (item,) = lease(store)

    store.write(lambda: work_items.postpone(item.id, not_before=5.0, sample=(2**40, -7)))

    assert lease(store, now=4.0) == []
    ((again, sample),) = store.write(lambda: work_items.lease(5.0, 60.0, 10))
    assert (again.attempts, sample) == (0, (2**40, -7))


def test_a_start_takes_back_what_the_last_run_had_leased(store: Store, root_id: int) -> None:
    put(store, root_id, b"a", b"b")
    lease(store)

    assert store.write(work_items.release_leases) == 2
    assert counts(store) == (2, 0, 0)


def test_only_leases_that_ran_out_are_taken_back_on_the_way(store: Store, root_id: int) -> None:
    put(store, root_id, b"a")
    lease(store, now=0.0)
    put(store, root_id, b"b")
    lease(store, now=30.0)

    assert store.write(lambda: work_items.release_leases(61.0)) == 1
    assert [item.path for item in lease(store, now=61.0)] == [b"a"]


def test_what_has_cost_a_worker_comes_last_and_no_more_of_it_than_is_asked_for(
    store: Store, root_id: int
) -> None:
    hostile = [b"h%d" % number for number in range(20)]
    store.write(
        lambda: work_items.put(
            root_id, hostile, reason="retry", not_before=0.0, at=AT, workers_lost=1
        )
    )
    put(store, root_id, b"new", b"other", due=5.0)

    first = store.write(lambda: work_items.lease(9.0, 60.0, 3, 1))
    assert [item.path for item, _ in first] == [b"new", b"other", b"h0"]
    assert store.write(lambda: work_items.lease(9.0, 60.0, 3, 0)) == []
    assert len(lease(store, now=9.0)) == 19


def test_a_worker_that_was_lost_is_counted_until_the_path_is_put_anew(
    store: Store, root_id: int
) -> None:
    put(store, root_id, b"a")
    for number, is_lost in enumerate((False, True)):
        (item,) = lease(store)
        assert (item.attempts, item.workers_lost) == (number, 0)
        fail = partial(work_items.fail, item.id, error="x", retry_at=0.0)
        store.write(partial(fail, is_worker_lost=is_lost))

    (item,) = lease(store)
    assert (item.attempts, item.workers_lost) == (2, 1)
    put(store, root_id, b"a")
    assert [again.workers_lost for again in lease(store)] == [0]
