"""Claims about our own workers: one that dies, hangs or is greedy costs its own task only."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from support.tasks import double, leave, loop_for_ever, process_id, ready, rest, use_memory
from twinlens.jobs.pool import PoolClosedError, WorkerLostError, WorkerPool

MEMORY = 1 << 30


class ManualClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pool(clock: ManualClock) -> Iterator[WorkerPool]:
    pool = WorkerPool(
        2,
        initializer=ready,
        initargs=(MEMORY,),
        deadline=lambda args: 30.0 if args else 0.4,
        idle_seconds=60.0,
        monotonic=clock,
    )
    pool.start_server()
    yield pool
    pool.shutdown(cancel_futures=True)


def test_a_worker_that_dies_costs_its_own_task_only(pool: WorkerPool) -> None:
    tasks = [pool.submit(double, n) for n in range(5)]
    lost = pool.submit(leave, 7)
    tasks += [pool.submit(double, n) for n in range(5)]

    assert [task.result(20.0) for task in tasks] == [0, 2, 4, 6, 8] * 2
    with pytest.raises(WorkerLostError, match="exit code 7"):
        lost.result(20.0)


@pytest.fixture
def bundling(clock: ManualClock) -> Iterator[WorkerPool]:
    """A pool in which every task may travel with others, and none may take over 0.4 seconds."""
    pool = WorkerPool(
        2,
        initializer=ready,
        initargs=(MEMORY,),
        deadline=lambda args: 0.4,
        is_quick=lambda args: True,
        monotonic=clock,
    )
    pool.start_server()
    assert pool.submit(double, 1).result(20.0) == 2
    yield pool
    pool.shutdown(cancel_futures=True)


def test_tasks_that_travel_together_each_get_their_own_result(bundling: WorkerPool) -> None:
    tasks = [bundling.submit(double, n) for n in range(20, 320)]

    assert [task.result(20.0) for task in tasks] == [2 * n for n in range(20, 320)]


def test_a_task_that_kills_or_hangs_its_worker_costs_itself_only_in_a_bundle_too(
    bundling: WorkerPool,
) -> None:
    tasks = [bundling.submit(double, n) for n in range(20, 60)]
    lost = bundling.submit(leave, 7)
    tasks += [bundling.submit(double, n) for n in range(20, 60)]
    hung = bundling.submit(loop_for_ever)
    tasks += [bundling.submit(double, n) for n in range(20, 60)]
    wrong = bundling.submit(double, 13)

    assert [task.result(20.0) for task in tasks] == [2 * n for n in range(20, 60)] * 3
    with pytest.raises(WorkerLostError, match="exit code 7"):
        lost.result(20.0)
    with pytest.raises(WorkerLostError, match="deadline"):
        hung.result(20.0)
    with pytest.raises(ValueError, match="bad luck"):
        wrong.result(20.0)


def test_a_pool_that_ends_gently_brings_home_what_still_waits(bundling: WorkerPool) -> None:
    tasks = [bundling.submit(double, n) for n in range(20, 120)]

    bundling.shutdown(wait=True)

    assert [task.result(0.0) for task in tasks] == [2 * n for n in range(20, 120)]


def test_what_is_urgent_goes_before_all_that_waits(pool: WorkerPool) -> None:
    long_pass = [pool.submit(rest, 0.05) for _ in range(60)]

    assert pool.urgent.submit(double, 21).result(20.0) == 42

    assert sum(not task.done() for task in long_pass) > 40
    for task in long_pass:
        task.result(20.0)


def test_an_urgent_task_that_was_lost_with_its_bundle_is_done_again_first(
    bundling: WorkerPool,
) -> None:
    long_pass = [bundling.submit(rest, 0.05) for _ in range(60)]
    tasks = [bundling.urgent.submit(double, n) for n in range(20, 40)]
    lost = bundling.urgent.submit(leave, 7)
    tasks += [bundling.urgent.submit(double, n) for n in range(20, 40)]

    assert [task.result(20.0) for task in tasks] == [2 * n for n in range(20, 40)] * 2
    with pytest.raises(WorkerLostError, match="exit code 7"):
        lost.result(20.0)
    assert not all(task.done() for task in long_pass)
    for task in long_pass:
        task.result(20.0)


def test_a_pool_whose_idle_workers_were_killed_works_on(pool: WorkerPool) -> None:
    for _ in range(3):
        victims = {pool.submit(process_id).result(20.0) for _ in range(6)}
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        time.sleep(0.5)

        tasks = [_patient(pool, n) for n in range(4)]

        assert tasks == [0, 2, 4, 6]


def _patient(pool: WorkerPool, number: int) -> object:
    """What the queue does: a task whose worker was lost is tried again."""
    for _ in range(4):
        try:
            return pool.submit(double, number).result(20.0)
        except WorkerLostError:
            continue
    return "lost four times"


def test_a_worker_that_hangs_is_ended_at_its_deadline(pool: WorkerPool) -> None:
    pool.submit(double, 1).result(20.0)
    lost = pool.submit(loop_for_ever)
    tasks = [pool.submit(double, n) for n in range(5)]

    assert [task.result(20.0) for task in tasks] == [0, 2, 4, 6, 8]
    with pytest.raises(WorkerLostError, match="deadline"):
        lost.result(20.0)
    assert pool.submit(double, 21).result(20.0) == 42


def test_a_greedy_task_fails_and_its_worker_goes_on(pool: WorkerPool) -> None:
    greedy = pool.submit(use_memory, 2 * MEMORY)

    with pytest.raises(MemoryError):
        greedy.result(20.0)
    assert pool.submit(use_memory, 1000).result(20.0) == 1000


def test_an_error_of_the_task_is_the_tasks_own(pool: WorkerPool) -> None:
    with pytest.raises(ValueError, match="bad luck"):
        pool.submit(double, 13).result(20.0)


def test_idle_workers_are_given_back_and_come_again(pool: WorkerPool, clock: ManualClock) -> None:
    first = pool.submit(process_id)
    before = first.result(20.0)
    clock.now = 59.0
    assert not pool.give_back()

    clock.now = 60.0
    assert pool.give_back()
    assert not pool.give_back()

    assert pool.submit(process_id).result(20.0) != before


def test_workers_under_way_are_not_given_back(pool: WorkerPool, clock: ManualClock) -> None:
    pool.submit(double, 1).result(20.0)
    busy = pool.submit(time.sleep, 0.5)
    clock.now = 1000.0

    assert not pool.give_back()
    busy.result(20.0)


def test_what_warms_the_pool_is_not_under_way(pool: WorkerPool, clock: ManualClock) -> None:
    pool.warm()
    clock.now = 100.0

    assert pool.give_back()


def test_shutting_down_ends_tasks_that_run_within_two_seconds(pool: WorkerPool) -> None:
    pool.submit(double, 1).result(20.0)
    tasks = [pool.submit(time.sleep, 25.0) for _ in range(6)]
    started = time.monotonic()

    pool.shutdown(cancel_futures=True)

    assert time.monotonic() - started < 2.0
    for task in tasks:
        with pytest.raises(PoolClosedError):
            task.result(0.0)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(double, 1)


def test_shutting_down_gently_lets_tasks_end(pool: WorkerPool) -> None:
    tasks = [pool.submit(double, n) for n in range(6)]

    pool.shutdown()

    assert [task.result(0.0) for task in tasks] == [0, 2, 4, 6, 8, 10]


def test_a_pool_that_was_never_used_shuts_down_at_once(clock: ManualClock) -> None:
    pool = WorkerPool(2, initializer=ready, deadline=lambda args: 1.0, monotonic=clock)

    pool.shutdown(cancel_futures=True)
    pool.shutdown()

    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(double, 1)
