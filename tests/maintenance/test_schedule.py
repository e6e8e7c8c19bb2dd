"""Claims about the clockwork: late is not never, and one failing pass ends nothing."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from twinlens.maintenance.schedule import Schedule


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    schedule = Schedule()
    yield schedule
    schedule.stop()


def test_a_task_runs_at_its_time_and_again(schedule: Schedule) -> None:
    runs: list[float] = []
    enough = threading.Event()

    def task() -> None:
        runs.append(time.monotonic())
        if len(runs) == 3:
            enough.set()

    started = time.monotonic()
    schedule.every(0.1, "often", task, first_in=0.3)
    schedule.start()

    assert enough.wait(5.0)
    assert runs[0] - started >= 0.29
    assert runs[2] - runs[1] >= 0.05


def test_runs_that_come_late_are_made_up_for_once(schedule: Schedule) -> None:
    runs: list[float] = []
    has_run = threading.Event()

    def task() -> None:
        runs.append(time.monotonic())
        has_run.set()

    schedule.every(60.0, "late", task, first_in=-300.0)
    schedule.start()

    assert has_run.wait(5.0)
    time.sleep(0.2)
    assert len(runs) == 1


def test_a_pass_that_fails_ends_neither_itself_nor_others(
    schedule: Schedule, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[int] = []
    twice, other = threading.Event(), threading.Event()

    def fail() -> None:
        failures.append(1)
        if len(failures) >= 2:
            twice.set()
        raise OSError("the disk is full")

    schedule.every(0.05, "bad", fail, first_in=0.0)
    schedule.every(60.0, "good", other.set, first_in=0.1)
    with caplog.at_level(logging.ERROR):
        schedule.start()

        assert twice.wait(5.0)
        assert other.wait(5.0)

    assert "the pass bad failed" in caplog.text


def test_a_pass_is_never_run_twice_at_a_time(schedule: Schedule) -> None:
    lock = threading.Lock()
    overlaps: list[int] = []
    done = threading.Event()

    def slow() -> None:
        if not lock.acquire(blocking=False):
            overlaps.append(1)
            return
        time.sleep(0.3)
        lock.release()
        done.set()

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    schedule.every(0.05, "slow", slow, first_in=0.0)
    schedule.start()

    assert done.wait(5.0)
    assert overlaps == []


def test_stopping_waits_for_the_pass_that_runs(schedule: Schedule) -> None:
    is_running = threading.Event()
    ended: list[int] = []

    def task() -> None:
        is_running.set()
        time.sleep(0.2)
        ended.append(1)

    schedule.every(60.0, "slow", task, first_in=0.0)
    schedule.start()
    assert is_running.wait(5.0)

    schedule.stop()

    assert ended == [1]
