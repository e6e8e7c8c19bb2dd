"""Claims about long passes: every item absorbed exactly once, whatever stops them on the way."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.made_up import AT, digest
from support.stores import Store
from twinlens.errors import StoreError
from twinlens.jobs.definition import JobDefinition, Outcome
from twinlens.jobs.pool import PoolBrokenError, WorkerLostError
from twinlens.jobs.runner import JobRunner, Progress
from twinlens.model.jobs import JobRecord, JobState
from twinlens.store import holds, meta
from twinlens.store import jobs as jobs_store


class InPlace(Executor):
    """Works at once, on the thread that asks."""

    def submit(  # type: ignore[override]  # positional arguments are all a job hands over
        self, fn: Callable[..., Any], /, *args: Any
    ) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


class Pass:
    """A pass over numbers that counts what it absorbed, in the store itself."""

    def __init__(self, store: Store, count: int = 20) -> None:
        self.store = store
        self.count = count
        self.discovered: list[int] = []
        self.batches: list[list[Outcome]] = []
        self.definition = JobDefinition(
            name="count",
            discover=self.discover,
            process=lambda number: number * 2,
            absorb=self.absorb,
            batch_size=4,
            retries=0,
        )

    def discover(self, argument: dict[str, object]) -> Iterator[int]:
        for number in range(self.count):
            self.discovered.append(number)
            yield number

    def absorb(self, outcomes: Sequence[Outcome]) -> int:
        for outcome in outcomes:
            key = f"item {outcome.item}"
            meta.write(key, str(int(meta.read(key) or 0) + 1))
        self.batches.append(list(outcomes))
        return len(outcomes)

    def absorbed(self) -> Counter[int]:
        with self.store.database.reading():
            return Counter({n: int(meta.read(f"item {n}") or 0) for n in range(self.count)})

    def run(
        self,
        job: JobRecord | None = None,
        executor: Executor | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
        is_paused: Callable[[], bool] = lambda: False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        **changes: Any,
    ) -> JobRecord:
        runner = JobRunner(
            self.store.database,
            self.store.writer,
            executor or InPlace(),
            lambda: AT,
            is_stopped=is_stopped,
            is_paused=is_paused,
            on_progress=on_progress,
        )
        job = job or self.store.write(lambda: jobs_store.ask("count", {}, AT))
        return runner.run(job, replace(self.definition, **changes))


@pytest.fixture
def numbers(store: Store) -> Pass:
    return Pass(store)


def is_held(store: Store, number: int) -> bool:
    with store.database.reading():
        return holds.of_content(digest(f"content {number}")).jobs == 1


@pytest.mark.parametrize("end", ["success", "failed", "cancelled"])
def test_what_a_job_is_about_is_held_until_the_job_has_ended(
    numbers: Pass, store: Store, end: str
) -> None:
    seen: list[list[bool]] = []

    def absorb(outcomes: Sequence[Outcome]) -> None:
        seen.append([is_held(store, number) for number in (0, 19)])
        if end == "failed":
            raise ValueError

    def on_progress(progress: Progress) -> None:
        if end == "cancelled" and progress.succeeded:
            store.write(lambda: jobs_store.request_cancel(progress.job_id))

    done = numbers.run(
        absorb=absorb,
        on_progress=on_progress,
        refers_to=lambda items: [digest(f"content {number}") for number in items],
    )

    assert done.state.value == end
    assert seen
    assert all(held == [True, True] for held in seen)
    assert not any(is_held(store, number) for number in range(20))


def test_what_a_stopped_job_is_about_is_held_on(numbers: Pass, store: Store) -> None:
    is_stopped = threading.Event()

    def absorb(outcomes: Sequence[Outcome]) -> None:
        is_stopped.set()

    job = numbers.run(
        absorb=absorb,
        is_stopped=is_stopped.is_set,
        refers_to=lambda items: [digest(f"content {number}") for number in items],
    )

    assert job.state is JobState.RUNNING
    assert is_held(store, 19)
    assert numbers.run(job).state is JobState.SUCCESS
    assert not is_held(store, 19)


def once(count: int = 20) -> dict[int, int]:
    return dict.fromkeys(range(count), 1)


def test_every_item_is_absorbed_once_in_batches_of_the_asked_size(numbers: Pass) -> None:
    done = numbers.run()

    assert (done.state, done.total, done.succeeded, done.failed) == (JobState.SUCCESS, 20, 20, 0)
    assert numbers.absorbed() == once()
    assert [len(batch) for batch in numbers.batches] == [4, 4, 4, 4, 4]
    assert all(o.result == 2 * o.item for batch in numbers.batches for o in batch)


def test_a_pass_over_nothing_ends_well(store: Store) -> None:
    done = Pass(store, count=0).run()

    assert (done.state, done.total) == (JobState.SUCCESS, 0)


def test_what_finalize_says_is_the_result(numbers: Pass) -> None:
    assert numbers.run(finalize=lambda: {"seen": 20}).result == {"seen": 20}


def test_prepare_may_change_an_item_or_leave_it_out(numbers: Pass) -> None:
    numbers.run(prepare=lambda n: None if n % 2 else n + 100)

    results = {o.item: o.result for batch in numbers.batches for o in batch}
    assert results == {n: None if n % 2 else 2 * (n + 100) for n in range(20)}


def test_what_absorb_returns_is_told_after_the_commit(numbers: Pass) -> None:
    seen = []

    def absorbed(value: int) -> None:
        seen.append((value, sum(numbers.absorbed().values())))

    numbers.run(absorbed=absorbed)

    assert seen == [(4, 4), (4, 8), (4, 12), (4, 16), (4, 20)]


def test_review_has_the_last_word_before_a_batch_is_recorded(numbers: Pass) -> None:
    def review(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        return [replace(o, error="doubtful") if o.item == 7 else o for o in outcomes]

    done = numbers.run(review=review)

    assert (done.succeeded, done.failed) == (19, 1)
    assert [o.error for o in numbers.batches[1]] == [None, None, None, "doubtful"]


def test_errors_are_counted_apart_and_stop_nothing(numbers: Pass) -> None:
    def process(number: int) -> int:
        if number % 5 == 0:
            raise ValueError(f"not {number}")
        return number

    done = numbers.run(process=process)

    assert (done.state, done.succeeded, done.failed) == (JobState.SUCCESS, 16, 4)
    errors = {o.item: o.error for batch in numbers.batches for o in batch if o.error}
    assert errors == {n: f"not {n}" for n in (0, 5, 10, 15)}
    assert numbers.absorbed() == once()


@pytest.mark.parametrize(("retries", "succeeded"), [(0, 0), (1, 0), (2, 20), (3, 20)])
def test_an_item_is_tried_again_as_often_as_asked(
    numbers: Pass, retries: int, succeeded: int
) -> None:
    tries: Counter[int] = Counter()

    def third_time(number: int) -> int:
        tries[number] += 1
        if tries[number] < 3:
            raise OSError("not yet")
        return number

    done = numbers.run(process=third_time, retries=retries)

    assert (done.succeeded, done.failed) == (succeeded, 20 - succeeded)
    assert set(tries.values()) == {min(retries + 1, 3)}


def test_progress_tells_what_was_found_and_done(numbers: Pass) -> None:
    told: list[Progress] = []

    numbers.run(on_progress=told.append)

    assert told[0].total is None
    assert [p.succeeded for p in told if p.total is not None] == [0, 4, 8, 12, 16, 20]


def test_a_job_that_is_stopped_between_batches_goes_on_where_it_was(numbers: Pass) -> None:
    job = numbers.run(is_stopped=lambda: len(numbers.batches) >= 2)
    assert job.state is JobState.RUNNING
    assert sum(numbers.absorbed().values()) == 8

    done = numbers.run(job)

    assert (done.state, done.succeeded) == (JobState.SUCCESS, 20)
    assert numbers.absorbed() == once()
    assert len(numbers.discovered) == 20


def test_an_interrupted_discovery_starts_anew(store: Store) -> None:
    many = Pass(store, count=200)
    job = many.run(is_stopped=lambda: len(many.discovered) > 70)
    assert (job.state, job.total) == (JobState.RUNNING, None)
    assert sum(many.absorbed().values()) == 0

    done = many.run(job)

    assert (done.state, done.total) == (JobState.SUCCESS, 200)
    assert many.absorbed() == once(200)


def test_a_job_is_cancelled_after_its_current_batch_and_can_be_taken_up(numbers: Pass) -> None:
    def cancel(value: int) -> None:
        if len(numbers.batches) == 2:
            (job,) = numbers.store.read(jobs_store.unfinished)
            numbers.store.write(lambda: jobs_store.request_cancel(job.id))

    job = numbers.run(absorbed=cancel)
    assert (job.state, job.succeeded) == (JobState.CANCELLED, 8)
    assert numbers.store.write(lambda: jobs_store.reopen(job.id))

    done = numbers.run(job)

    assert done.state is JobState.SUCCESS
    assert numbers.absorbed() == once()


def test_a_job_that_is_cancelled_before_it_starts_does_nothing(numbers: Pass) -> None:
    job = numbers.store.write(lambda: jobs_store.ask("count", {}, AT))
    numbers.store.write(lambda: jobs_store.request_cancel(job.id))

    assert numbers.run(job).state is JobState.CANCELLED
    assert numbers.batches == []


def test_an_absorb_that_fails_fails_the_job_and_leaves_no_half_batch(numbers: Pass) -> None:
    def absorb(outcomes: Sequence[Outcome]) -> int:
        count = numbers.absorb(outcomes)
        if outcomes[0].item == 8:
            raise KeyError("broken rule")
        return count

    job = numbers.run(absorb=absorb)

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "broken rule" in job.error
    assert job.succeeded == 8
    assert numbers.absorbed() == {n: int(n < 8) for n in range(20)}

    assert numbers.store.write(lambda: jobs_store.reopen(job.id))
    assert numbers.run(job).state is JobState.SUCCESS
    assert numbers.absorbed() == once()


def test_a_discovery_that_fails_fails_the_job(numbers: Pass) -> None:
    def discover(argument: dict[str, object]) -> Iterator[int]:
        yield 1
        raise LookupError("no such folder")

    job = numbers.run(discover=discover)

    assert (job.state, job.error) == (JobState.FAILED, "LookupError: no such folder")


def test_a_store_that_is_worker_lost_is_no_failure_of_the_job(numbers: Pass) -> None:
    def absorb(outcomes: Sequence[Outcome]) -> None:
        raise StoreError("the disk is gone")

    with pytest.raises(StoreError):
        numbers.run(absorb=absorb)

    (job,) = numbers.store.read(jobs_store.unfinished)
    assert job.state is JobState.RUNNING


def test_an_executor_that_is_shut_down_at_the_end_of_the_daemon_fails_no_job(
    numbers: Pass,
) -> None:
    stop = threading.Event()
    executor = ThreadPoolExecutor(1)

    def process(number: int) -> int:
        if number == 5:
            stop.set()
            executor.shutdown(wait=False, cancel_futures=True)
        return number

    job = numbers.run(executor=executor, process=process, is_stopped=stop.is_set, workers=1)
    assert job.state is JobState.RUNNING

    assert numbers.run(job).state is JobState.SUCCESS
    assert numbers.absorbed() == once()


def test_no_more_items_are_under_way_than_asked(numbers: Pass) -> None:
    lock = threading.Lock()
    under_way, most = 0, 0
    both = threading.Barrier(2, timeout=5.0)

    def process(number: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        both.wait()
        with lock:
            under_way -= 1
        return number

    with ThreadPoolExecutor(8) as executor:
        numbers.run(executor=executor, process=process, workers=2)

    assert most == 2


KILLED_ON_THE_WAY = """
import json, os, random, signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from twinlens.jobs.definition import JobDefinition
from twinlens.jobs.runner import JobRunner
from twinlens.store import jobs, meta
from twinlens.store.database import Database
from twinlens.store.schema import prepare
from twinlens.store.writer import Writer

COUNT, AT = 60, "2026-01-02T03:04:05+00:00"
path, dice = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
prepare(Database(path))

def run(killed_in, after):
    steps = 0
    def step(name):
        nonlocal steps
        steps += name == killed_in
        if steps > after:
            os.kill(os.getpid(), signal.SIGKILL)
    def discover(argument):
        for number in range(COUNT):
            step("discover")
            yield number
    def process(number):
        step("process")
        return number
    def absorb(outcomes):
        for outcome in outcomes:
            step("absorb")
            key = f"item {outcome.item}"
            meta.write(key, str(int(meta.read(key) or 0) + 1))
    database = Database(path)
    writer = Writer(database)
    writer.start()
    definition = JobDefinition(
        "count", discover, process, absorb, absorbed=lambda value: step("absorbed"), batch_size=3
    )
    with ThreadPoolExecutor(2) as executor:
        job = writer.call(lambda: (jobs.unfinished() or [jobs.ask("count", {}, AT)])[0])
        done = JobRunner(database, writer, executor, lambda: AT).run(job, definition)
    writer.stop()
    writer.join(5.0)
    with database.reading():
        counts = [int(meta.read(f"item {n}") or 0) for n in range(COUNT)]
    print(json.dumps([done.state.value, done.total, done.succeeded, counts]), flush=True)

for turn in range(100):
    killed_in = dice.choice(["discover", "process", "absorb", "absorbed"])
    after = dice.randrange(20) if turn < 8 else 1000
    child = os.fork()
    if child == 0:
        run(killed_in, after)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        print(turn)
        break
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_a_job_that_is_killed_at_random_absorbs_every_item_once(tmp_path: Path, seed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_ON_THE_WAY, str(tmp_path / "twinlens.db"), str(seed)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    line, kills = done.stdout.splitlines()
    state, total, succeeded, counts = json.loads(line)
    assert int(kills) >= 1
    assert (state, total, succeeded) == ("success", 60, 60)
    assert counts == [1] * 60


def test_a_pass_that_is_paused_does_a_few_items_and_goes_on_later(numbers: Pass) -> None:
    paused = numbers.run(is_paused=lambda: True, few=5)

    assert paused.state is JobState.RUNNING
    assert sum(numbers.absorbed().values()) == 8, "whole batches"
    done = numbers.run(paused)
    assert done.state is JobState.SUCCESS
    assert set(numbers.absorbed().values()) == {1}
    assert len(numbers.discovered) == numbers.count, "discovered once"


def test_a_pass_of_few_items_is_not_paused(numbers: Pass) -> None:
    assert numbers.run(is_paused=lambda: True, few=20).state is JobState.SUCCESS


def test_a_pass_is_paused_in_its_middle_with_what_it_had_in_hand_recorded(numbers: Pass) -> None:
    paused = numbers.run(is_paused=lambda: len(numbers.batches) >= 2, workers=1)

    assert paused.state is JobState.RUNNING
    assert 8 <= sum(numbers.absorbed().values()) < numbers.count
    assert numbers.run(paused).state is JobState.SUCCESS
    assert set(numbers.absorbed().values()) == {1}


def test_what_has_cost_a_worker_is_told_from_what_failed_through_no_fault_of_its_own(
    numbers: Pass,
) -> None:
    errors = {3: WorkerLostError("died"), 4: PoolBrokenError("broke"), 5: OSError("busy")}
    told: dict[int, bool] = {}

    def process(number: int) -> int:
        if number in errors:
            raise errors[number]
        return number

    def review(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        told.update({outcome.item: outcome.is_worker_lost for outcome in outcomes})
        return outcomes

    numbers.run(process=process, review=review)

    assert len(told) == 20
    assert [number for number, is_worker_lost in told.items() if is_worker_lost] == [3]
