"""Claims about the work queue's patience."""

from functools import partial

import pytest

from support.made_up import AT
from support.stores import Store
from twinlens.errors import StoreError, UsageError
from twinlens.jobs.definition import JobDefinition, Registry
from twinlens.jobs.work_queue import AGAIN, TAKEN_AT_ONCE, Patience, WorkQueue
from twinlens.model.jobs import WorkItem


class ManualClock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(store: Store, clock: ManualClock) -> WorkQueue:
    patience = Patience(retries=2, pause_seconds=10.0, settle_seconds=5.0, lease_seconds=60.0)
    return WorkQueue(store.database, store.writer, patience, clock, lambda: AT)


def only(queue: WorkQueue) -> WorkItem:
    ((item, _),) = queue.lease(10)
    return item


def test_failures_are_borne_with_growing_pauses_and_then_no_more(
    queue: WorkQueue, store: Store, root_id: int, clock: ManualClock
) -> None:
    queue.put(root_id, [b"a"], "event")
    pauses = []
    for _ in range(2):
        item = only(queue)
        assert not queue.is_last_try(item)
        assert not store.write(partial(queue.fail_in_transaction, item, "busy"))
        due = queue.next_due()
        assert due is not None
        pauses.append(due - clock.now)
        clock.now = due

    item = only(queue)
    assert queue.is_last_try(item)
    assert store.write(lambda: queue.fail_in_transaction(item, "busy"))

    assert pauses == [10.0, 20.0]
    assert queue.counts() == {"pending": 0, "running": 0, "failed": 1}
    assert queue.retry_failed() == 1
    assert not queue.is_last_try(only(queue))


def test_a_young_path_is_due_when_it_may_have_settled(
    queue: WorkQueue, root_id: int, clock: ManualClock
) -> None:
    queue.put_later(root_id, b"a", (10, 99))

    assert queue.lease(10) == []
    clock.now += 5.0
    ((_, sample),) = queue.lease(10)
    assert sample == (10, 99)


def test_what_cannot_be_judged_now_waits_and_counts_no_try(
    queue: WorkQueue, store: Store, root_id: int, clock: ManualClock
) -> None:
    queue.put(root_id, [b"a"], "event")
    item = only(queue)

    store.write(lambda: queue.put_off_in_transaction(item))

    assert queue.next_due() == clock.now + 10.0
    clock.now += 10.0
    assert only(queue).attempts == 0


def test_another_look_says_why_it_is_asked_for(
    queue: WorkQueue, store: Store, root_id: int
) -> None:
    store.write(lambda: queue.put_again_in_transaction([(root_id, b"a")]))

    assert only(queue).reason == AGAIN


def test_a_crash_loses_no_path(queue: WorkQueue, root_id: int, clock: ManualClock) -> None:
    queue.put(root_id, [b"a", b"b"], "event")
    queue.lease(10)

    assert queue.recover() == 2
    assert len(queue.lease(10)) == 2


def test_a_lost_worker_gives_its_item_back_when_the_lease_ends(
    queue: WorkQueue, root_id: int, clock: ManualClock
) -> None:
    queue.put(root_id, [b"a"], "event")
    queue.lease(10)

    assert queue.release_lost() == 0
    clock.now += 61.0
    assert queue.release_lost() == 1


def test_a_job_that_nobody_knows_is_wrong_usage() -> None:
    known = JobDefinition("scan", lambda argument: iter(()), len, len)
    registry = Registry([known])

    assert registry.get("scan") is known
    assert registry.names() == ["scan"]
    with pytest.raises(UsageError, match="verify") as caught:
        registry.get("verify")
    assert "scan" in caught.value.advice


def test_what_is_put_is_leased_at_once_and_a_flood_waits_its_turn(
    queue: WorkQueue, root_id: int
) -> None:
    paths = [b"%03d" % number for number in range(3 * TAKEN_AT_ONCE)]
    queue.put(root_id, paths, "event")

    assert queue.counts() == {
        "pending": 2 * TAKEN_AT_ONCE,
        "running": TAKEN_AT_ONCE,
        "failed": 0,
    }
    leased = [item.path for item, _ in queue.lease(2)]
    assert leased == paths[:2]
    leased += [item.path for item, _ in queue.lease(100)]
    assert leased == paths


def test_a_path_that_is_put_while_it_is_looked_at_is_looked_at_once_more(
    queue: WorkQueue, store: Store, root_id: int
) -> None:
    queue.put(root_id, [b"a"], "event")
    item = only(queue)

    queue.put(root_id, [b"a"], "written")
    store.write(lambda: queue.done_in_transaction([item]))

    assert only(queue).reason == "written"


def test_what_was_leased_as_it_was_put_is_taken_up_after_a_crash(
    queue: WorkQueue, store: Store, root_id: int, clock: ManualClock
) -> None:
    queue.put(root_id, [b"a"], "event")

    after = WorkQueue(store.database, store.writer, Patience(), clock, lambda: AT)

    assert after.recover() == 1
    assert only(after).path == b"a"


def test_what_was_leased_as_it_was_put_is_due_and_not_lost_when_the_store_cannot_be_asked(
    queue: WorkQueue, store: Store, root_id: int, clock: ManualClock
) -> None:
    queue.put(root_id, [b"a"], "event")
    queue.put_later(root_id, b"b", (10, 99))
    clock.now += 5.0
    store.writer.stop()
    assert store.writer.join(10.0)

    with pytest.raises(StoreError):
        queue.lease(10)

    assert queue.next_due() == clock.now
    assert [item.path for item, _ in queue.lease(1)] == [b"a"]
