"""Claims that hold on every executor: threads, the standard library's processes, our own pool."""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.made_up import AT
from support.stores import Store
from support.tasks import double, ready, slow_thirteen, work_second_time
from twinlens.jobs.definition import JobDefinition, Outcome
from twinlens.jobs.pool import WorkerPool
from twinlens.jobs.runner import JobRunner
from twinlens.model.jobs import JobRecord, JobState
from twinlens.store import jobs as jobs_store


@contextmanager
def executor_named(name: str) -> Iterator[Executor]:
    if name == "threads":
        with ThreadPoolExecutor(2) as threads:
            yield threads
    elif name == "processes":
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(2, mp_context=context) as processes:
            yield processes
    else:
        pool = WorkerPool(2, initializer=ready, deadline=lambda args: 30.0)
        pool.start_server()
        yield pool
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", params=["threads", "processes", "pool"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with executor_named(request.param) as named:
        yield named


def run(store: Store, executor: Executor, definition: JobDefinition) -> JobRecord:
    runner = JobRunner(store.database, store.writer, executor, lambda: AT)
    job = store.write(lambda: jobs_store.ask(definition.name, {}, AT))
    return runner.run(job, definition)


def test_results_arrive_once_each_beside_their_item(store: Store, executor: Executor) -> None:
    seen: list[Outcome] = []
    definition = JobDefinition(
        "double", lambda argument: iter(range(40)), double, seen.extend, batch_size=7, retries=1
    )

    done = run(store, executor, definition)

    assert (done.state, done.succeeded, done.failed) == (JobState.SUCCESS, 39, 1)
    assert [o.item for o in seen] == list(range(40))
    assert [o.result for o in seen] == [None if n == 13 else 2 * n for n in range(40)]
    assert [o.error for o in seen if o.error] == ["bad luck"]


def test_a_failed_item_is_tried_again(store: Store, executor: Executor, tmp_path: Path) -> None:
    seen: list[Outcome] = []
    markers = [str(tmp_path / name) for name in "abc"]
    definition = JobDefinition(
        "second", lambda argument: iter(markers), work_second_time, seen.extend, retries=1
    )

    assert run(store, executor, definition).failed == 0
    assert [o.result for o in seen] == ["done"] * 3


def test_an_item_that_takes_too_long_costs_that_item_alone(
    store: Store, executor: Executor
) -> None:
    seen: list[Outcome] = []
    definition = JobDefinition(
        "slow",
        lambda argument: iter(range(10, 20)),
        slow_thirteen,
        seen.extend,
        retries=0,
        timeout_seconds=0.5,
    )
    executor.submit(double, 1).result(20.0)  # the workers are there
    started = time.monotonic()

    done = run(store, executor, definition)

    assert time.monotonic() - started < 1.9
    assert (done.state, done.succeeded, done.failed) == (JobState.SUCCESS, 9, 1)
    assert [o.error for o in seen if o.item == 13] == ["took longer than 0.5 seconds"]
    assert [o.result for o in seen if o.item != 13] == [2 * n for n in range(10, 20) if n != 13]
