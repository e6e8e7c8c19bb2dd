"""Runs a job in batches on any executor, so that a stopped one goes on where it was.

The items of a batch are submitted as soon as there is room, so the workers never wait for a
transaction; a batch is recorded when its last item is done.
"""

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from twinlens.errors import StoreError
from twinlens.jobs.definition import Item, JobDefinition, Outcome
from twinlens.jobs.pool import has_cost_a_worker
from twinlens.model.jobs import JobRecord, JobState
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

logger = logging.getLogger(__name__)

DISCOVERED_AT_ONCE = 16
"""Batches that one transaction of the discovery remembers."""

AHEAD = 64
"""Items a worker that are handed out at once: enough that an executor which bundles small ones has
full bundles, and that no worker waits while a batch is recorded."""

LOOK_UP_SECONDS = 0.5
"""How often a runner that waits for its items looks for a stop, and for items that are late."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `total` is None while it is still discovering."""

    job_id: int
    name: str
    discovered: int
    total: int | None
    succeeded: int
    failed: int


@dataclass(slots=True)
class _Batch:
    number: int
    items: list[Item]
    futures: list["Future[Any] | None"] = field(default_factory=list)


@dataclass(slots=True)
class _UnderWay:
    """One item on the executor; `started` is when it was first seen to be worked on."""

    batch: _Batch
    index: int
    started: float | None = None


class JobRunner:
    """Carries out jobs of a registry, one at a time, on the executor it is given."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        executor: Executor,
        clock: Callable[[], str],
        *,
        is_stopped: Callable[[], bool] = lambda: False,
        is_paused: Callable[[], bool] = lambda: False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._writer = writer
        self._executor = executor
        self._clock = clock
        self._is_stopped = is_stopped
        self._is_paused = is_paused
        self._on_progress = on_progress
        self._monotonic = monotonic

    def run(self, job: JobRecord, definition: JobDefinition) -> JobRecord:
        """Run the job until it ends, is stopped, paused or cancelled, and return how it stands.

        A stopped job, and one that is paused with more than few items left, stays `running` in the
        store and goes on at the next call. An error of the pass itself (not of an item) ends the
        job as `failed` and is raised again where it is an error of the store.
        """
        try:
            return self._run(job.id, definition, json.loads(job.argument))
        except StoreError:
            raise
        except Exception as error:  # a pass must not take the daemon with it
            if self._is_stopped():
                # An executor that is shut down refuses work: the job goes on at the next start.
                return self._stored(job.id)
            logger.exception("job %s failed", definition.name)
            words = f"{type(error).__name__}: {error}"
            self._writer.call(
                lambda: jobs_store.finish(job.id, JobState.FAILED, self._clock(), error=words)
            )
            return self._stored(job.id)

    def _run(
        self, job_id: int, definition: JobDefinition, argument: dict[str, object]
    ) -> JobRecord:
        at = self._clock()
        if self._is_cancelled(job_id):
            return self._interrupted(job_id)
        if not self._writer.call(lambda: jobs_store.begin(job_id, at)):
            is_complete = self._discover(job_id, definition, argument)
            if not is_complete:
                return self._interrupted(job_id)
        with self._database.reading():
            is_complete = self._process(job_id, definition)
        if not is_complete:
            return self._interrupted(job_id)
        result = definition.finalize()
        self._writer.call(
            lambda: jobs_store.finish(job_id, JobState.SUCCESS, self._clock(), result=result)
        )
        return self._stored(job_id)

    def _discover(
        self, job_id: int, definition: JobDefinition, argument: dict[str, object]
    ) -> bool:
        items = definition.discover(argument)
        number = count = 0
        while chunk := _chunks(items, definition.batch_size, DISCOVERED_AT_ONCE):
            if self._is_stopped() or self._is_cancelled(job_id):
                return False
            first, batches = number, chunk
            self._writer.call(lambda: _remember(job_id, definition, first, batches))  # noqa: B023 - called before the loop goes on
            number += len(chunk)
            count += sum(len(batch) for batch in chunk)
            self._on_progress(Progress(job_id, definition.name, count, None, 0, 0))
        if self._is_stopped():
            return False
        self._writer.call(lambda: jobs_store.set_discovered(job_id, count))
        self._on_progress(Progress(job_id, definition.name, count, count, 0, 0))
        return True

    def _process(self, job_id: int, definition: JobDefinition) -> bool:
        numbers = deque(jobs_store.pending_batches(job_id))
        is_cancelled = self._is_cancelled(job_id)
        most = definition.workers or AHEAD * int(getattr(self._executor, "processes", 2))
        under_way: deque[_Batch] = deque()
        unsubmitted: deque[tuple[_Batch, int]] = deque()
        running: dict[Future[Any], _UnderWay] = {}
        few = definition.few
        while numbers or under_way:
            if self._is_stopped() or is_cancelled:
                wait(running, definition.timeout_seconds)
                return False
            while numbers and len(unsubmitted) < most and (few > 0 or not self._is_paused()):
                batch = self._load(job_id, numbers.popleft())
                few -= len(batch.items)
                under_way.append(batch)
                unsubmitted.extend((batch, index) for index in range(len(batch.items)))
            while unsubmitted and len(running) < most:
                batch, index = unsubmitted.popleft()
                future = self._submit(definition, batch.items[index])
                batch.futures[index] = future
                if future is not None:
                    running[future] = _UnderWay(batch, index)
            if running:
                self._await_some(running, definition.timeout_seconds)
            if not under_way:
                # Paused, and what was in hand is recorded.
                return False
            while not (self._is_stopped() or is_cancelled or not under_way) and self._is_done(
                under_way[0], unsubmitted
            ):
                is_cancelled = self._record(job_id, definition, under_way.popleft())
        return True

    def _await_some(self, running: "dict[Future[Any], _UnderWay]", timeout_seconds: float) -> None:
        """Wait a moment for items to be done; those that are, or are too late, are taken out."""
        pause = min(LOOK_UP_SECONDS, timeout_seconds / 2)
        for future in wait(running, pause, return_when="FIRST_COMPLETED").done:
            del running[future]
        now = self._monotonic()
        for future, work in list(running.items()):
            if work.started is None and future.running():
                work.started = now
            if work.started is not None and now - work.started >= timeout_seconds:
                del running[future]
                work.batch.futures[work.index] = _late(timeout_seconds)

    def _load(self, job_id: int, number: int) -> _Batch:
        items = jobs_store.batch_items(job_id, number)
        return _Batch(number, items, [None] * len(items))

    @staticmethod
    def _is_done(batch: _Batch, unsubmitted: "deque[tuple[_Batch, int]]") -> bool:
        if unsubmitted and any(waiting is batch for waiting, _ in unsubmitted):
            return False
        return all(future is None or future.done() for future in batch.futures)

    def _submit(self, definition: JobDefinition, item: Item) -> "Future[Any] | None":
        argument = definition.prepare(item)
        if argument is None:
            return None
        return self._executor.submit(definition.process, argument)

    def _record(self, job_id: int, definition: JobDefinition, batch: _Batch) -> bool:
        """Record a finished batch; tells whether the job was cancelled meanwhile."""
        retries = 0
        tried = []
        for item, future in zip(batch.items, batch.futures, strict=True):
            outcome, tries = self._outcome(definition, item, future)
            tried.append(outcome)
            retries += tries
        outcomes = definition.review(tried)
        failed = sum(outcome.error is not None for outcome in outcomes)
        first_error = next((o.error for o in outcomes if o.error is not None), None)

        def write() -> Any:
            value = definition.absorb(outcomes)
            jobs_store.finish_batch(
                job_id,
                batch.number,
                succeeded=len(outcomes) - failed,
                failed=failed,
                retries=retries,
                error=first_error,
            )
            return value

        definition.absorbed(self._writer.call(write))
        job = self._stored(job_id)
        self._on_progress(
            Progress(job_id, definition.name, job.total or 0, job.total, job.succeeded, job.failed)
        )
        return job.cancel_requested

    def _outcome(
        self, definition: JobDefinition, item: Item, future: "Future[Any] | None"
    ) -> tuple[Outcome, int]:
        """What became of an item, and how many new tries that took."""
        error, is_worker_lost = "not tried", False
        for attempt in range(definition.retries + 1):
            if attempt:
                future = self._submit(definition, item)
            if future is None:
                return Outcome(item), attempt
            try:
                return Outcome(item, result=future.result(definition.timeout_seconds)), attempt
            except Exception as failure:  # noqa: BLE001 - an item's failure is a recorded fact
                error = str(failure) or type(failure).__name__
                is_worker_lost = has_cost_a_worker(failure)
        return Outcome(item, error=error, is_worker_lost=is_worker_lost), definition.retries

    def _interrupted(self, job_id: int) -> JobRecord:
        if self._is_cancelled(job_id):
            self._writer.call(lambda: jobs_store.finish(job_id, JobState.CANCELLED, self._clock()))
        return self._stored(job_id)

    def _is_cancelled(self, job_id: int) -> bool:
        return self._stored(job_id).cancel_requested

    def _stored(self, job_id: int) -> JobRecord:
        with self._database.reading():
            job = jobs_store.get(job_id)
        if job is None:
            raise LookupError(f"job {job_id} is not in the store")
        return job


def _remember(
    job_id: int, definition: JobDefinition, first: int, batches: list[list[Item]]
) -> None:
    jobs_store.add_batches(job_id, first, batches)
    jobs_store.refer_to(job_id, definition.refers_to([item for batch in batches for item in batch]))


def _late(seconds: float) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_exception(TimeoutError(f"took longer than {seconds:g} seconds"))
    return future


def _chunks(items: Iterator[Item], size: int, most: int) -> list[list[Item]]:
    chunk: list[list[Item]] = []
    while len(chunk) < most and (batch := list(islice(items, size))):
        chunk.append(batch)
    return chunk
