"""Claims about workers that nothing ends: they wait for a file system that owes them an answer."""

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pebble import CONSTS

from support.daemon import eventually
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from support.tasks import ready, size_of
from twinlens.jobs import pool as pool_module
from twinlens.jobs.pool import WorkerLostError, WorkerPool

SOON = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FaultFolder]:
    """A file system with 24 small files that does what it is told."""
    behind, point = tmp_path / "behind", tmp_path / "share"
    behind.mkdir()
    point.mkdir()
    for number in range(24):
        (behind / f"{number}.txt").write_bytes(b"x" * number)
    with Mounts() as mounts, FaultFolder(mounts, behind, point) as shown:
        yield shown


@pytest.fixture
def pool(folder: FaultFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    """A pool with little patience, in which every task may travel with others."""
    monkeypatch.setattr(CONSTS, "term_timeout", 0.3)
    monkeypatch.setattr(pool_module, "UNANSWERED_SECONDS", 0.5)
    monkeypatch.setattr(pool_module, "END_SECONDS", 1.0)
    monkeypatch.setattr(pool_module, "KILLED_SECONDS", 1.0)
    pool = WorkerPool(
        2,
        initializer=ready,
        deadline=lambda args: 0.6,
        is_quick=lambda args: True,
        name=lambda args: str(args[0]),
    )
    pool.start_server()
    yield pool
    pool.shutdown(cancel_futures=True)


def path_of(folder: FaultFolder, number: int) -> str:
    return str(folder.inside / f"{number}.txt")


def test_a_task_in_which_a_worker_hangs_costs_itself_only_in_a_bundle_too(
    pool: WorkerPool, folder: FaultFolder
) -> None:
    folder.order({"call": "read", "path": "/7.txt", "seconds": 12.0})
    started = time.monotonic()

    tasks = [pool.submit(size_of, path_of(folder, number)) for number in range(24)]

    for number, task in enumerate(tasks):
        if number != 7:
            assert task.result(SOON) == number
    with pytest.raises(WorkerLostError, match="cannot be ended"):
        tasks[7].result(SOON)
    with pytest.raises(WorkerLostError, match="still is at it"):
        pool.submit(size_of, path_of(folder, 7)).result(SOON)
    assert time.monotonic() - started < 12.0
    # One that hung with its bundle, one that hung alone, and two that work.
    assert len(multiprocessing.active_children()) <= 4

    folder.order()
    eventually(lambda: _answered(pool, path_of(folder, 7)), SOON)
    eventually(lambda: len(multiprocessing.active_children()) <= 2, SOON)


def _answered(pool: WorkerPool, path: str) -> bool:
    try:
        return pool.submit(size_of, path).result(SOON) == 7
    except WorkerLostError:
        return False


def test_no_more_workers_are_left_hanging_than_there_is_memory_for(
    pool: WorkerPool,
    folder: FaultFolder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pool_module, "MOST_GIVEN_UP", 1)
    folder.order({"call": "read", "path": "/1?.txt", "seconds": 9.0})
    with pytest.raises(WorkerLostError, match="cannot be ended"):
        pool.submit(size_of, path_of(folder, 10)).result(SOON)

    further = pool.submit(size_of, path_of(folder, 11))
    eventually(lambda: "nothing is read until" in caplog.text, 6.0)
    good = pool.submit(size_of, path_of(folder, 5))
    time.sleep(1.5)
    assert not good.done()
    assert not further.done()

    assert good.result(SOON) == 5, "the first that hung was answered"
    with pytest.raises(WorkerLostError):
        further.result(SOON)
    assert caplog.text.count("nothing is read until") == 1


def test_a_pool_is_shut_down_without_a_worker_that_cannot_be_ended_and_says_so(
    pool: WorkerPool, folder: FaultFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.order({"call": "read", "path": "/7.txt", "seconds": 300.0})
    pool.submit(size_of, path_of(folder, 7))
    time.sleep(1.5)
    started = time.monotonic()

    pool.shutdown(wait=False, cancel_futures=True)
    pool.shutdown(cancel_futures=True)

    assert time.monotonic() - started < 4.0
    assert path_of(folder, 7) in caplog.records[-1].getMessage()
    assert multiprocessing.active_children() == [], "Python would wait for them at its end"
