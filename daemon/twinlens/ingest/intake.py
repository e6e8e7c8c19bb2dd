"""The live path: hints settle, become entries of the work queue, are analysed and recorded.

One thread owns it all; watcher and workers only wake it. Every loop is one `step` that can be
called by hand.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from twinlens.errors import StoreError
from twinlens.ingest.absence import has_left, is_on_lost_mount, is_still_there
from twinlens.ingest.absorber import Absorbed
from twinlens.ingest.arrivals import EVENT
from twinlens.ingest.places import Place, Places
from twinlens.ingest.recorder import Seen
from twinlens.ingest.renames import source_of
from twinlens.ingest.spellings import is_other_spelling
from twinlens.ingest.worker import look_at
from twinlens.jobs.patience import retry_pause
from twinlens.jobs.pool import PoolBrokenError, PoolClosedError, WorkerLostError
from twinlens.jobs.work_queue import AGAIN, WRITTEN, WorkQueue
from twinlens.model.files import FileRecord, FileStatus, Finding, Look, Stat
from twinlens.model.jobs import WorkItem
from twinlens.model.paths import printable
from twinlens.model.picture import DECODED_VERSIONS
from twinlens.questions import NO_ANSWER
from twinlens.store import counters
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store.database import Database
from twinlens.store.work_items import Sample
from twinlens.store.writer import Writer

logger = logging.getLogger(__name__)

RECORDED_AT_ONCE = 64
LONGEST_WAIT_SECONDS = 30.0

LOST_AT_ONCE = 1
"""Files that have cost a worker may take all the time there is: arrivals must not wait for them."""

UNHEARD_SECONDS = 600.0
"""How long a file waits whose root does not answer. The scan that follows on the root's return is
not bound by it, and a root that hangs for days must not keep the disk of the database awake."""

_TOLD = (EVENT, WRITTEN)
"""Why entries are in the queue that the watcher told of."""


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What the intake works with. `absorb` records findings in the current transaction; `announce`
    hears of what was recorded once it is committed. `versions` are those of originals that are not
    measured again."""

    database: Database
    writer: Writer
    places: Places
    queue: WorkQueue
    executor: Executor
    absorb: Callable[[Sequence[Seen]], Absorbed]
    announce: Callable[[Absorbed], None]
    now: Callable[[], float]
    most_under_way: int
    versions: frozenset[int] = DECODED_VERSIONS


@dataclass(slots=True)
class _UnderWay:
    item: WorkItem
    place: Place
    is_nested: bool
    mark: int | None
    future: "Future[Finding]"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is to be done with an item: record `seen`, count `error` as a failed try, or, where it
    is `is_later`, wait without counting (for long where its root is `is_unheard`); where it
    `is_moved_on`, look again at once. `mark` is that of a write that had not been read when the
    path was taken up; `is_worker_lost` says how the try failed."""

    item: WorkItem
    seen: Seen | None = None
    error: str = ""
    is_later: bool = False
    is_unheard: bool = False
    is_moved_on: bool = False
    is_worker_lost: bool = False
    mark: int | None = None


class Intake:
    """Takes items from the queue, has them analysed, and records what was found."""

    def __init__(self, parts: IntakeParts) -> None:
        self._parts = parts
        self._under_way: list[_UnderWay] = []
        # Taken from the queue, and not looked at because the store could not be asked.
        self._leased: deque[tuple[WorkItem, Sample | None]] = deque()
        self._ready: deque[_Verdict] = deque()
        self.wake = threading.Event()

    @property
    def is_idle(self) -> bool:
        """Nothing is under way."""
        return not self._under_way and not self._ready and not self._leased

    def step(self) -> float:
        """Do what can be done now; returns the seconds until there may be more to do."""
        self._collect()
        self._record()
        room = self._parts.most_under_way - len(self._under_way) - len(self._leased)
        if room > 0:
            in_hand = [work.item for work in self._under_way] + [item for item, _ in self._leased]
            lost = sum(item.workers_lost > 0 for item in in_hand)
            self._leased.extend(self._parts.queue.lease(room, max(LOST_AT_ONCE - lost, 0)))
        taken = 0
        while self._leased:
            item, sample = self._leased.popleft()
            try:
                self._take_up(item, sample)
            except StoreError:
                self._leased.appendleft((item, sample))
                raise
            taken += 1
        if self._ready or (taken and room > taken):
            return 0.0
        if self._under_way:
            return LONGEST_WAIT_SECONDS
        due = self._parts.queue.next_due()
        if due is None:
            return LONGEST_WAIT_SECONDS
        return min(max(due - self._parts.now(), 0.0), LONGEST_WAIT_SECONDS)

    def drain(self, until: Callable[[], bool]) -> None:
        """Step until nothing is due soon, or `until` says enough. Soon is within the settle time,
        or the longest pause between two tries."""
        patience = self._parts.queue.patience
        last_pause = retry_pause(patience.retries, patience.pause_seconds)
        horizon = max(2 * patience.settle_seconds, 2 * last_pause)
        while not until():
            pause = self.step()
            due = self._parts.queue.next_due()
            if self.is_idle and (due is None or due - self._parts.now() > horizon):
                return
            self.wake.wait(min(pause, 0.5))
            self.wake.clear()

    def _take_up(self, item: WorkItem, sample: Sample | None) -> None:
        place = self._parts.places.get(item.root_id)
        if place is None:
            self._ready.append(_Verdict(item))
            return
        if not self._parts.places.answers(place.root_id):
            # Whoever asked for the file would wait with it, and all other roots with him.
            self._ready.append(_Verdict(item, is_later=True, is_unheard=True, error=NO_ANSWER))
            return
        path = place.absolute(item.path)
        mark = self._parts.places.writes.mark(path)
        try:
            stat = Stat.of(os.lstat(path))
        except OSError:
            stat = None
        if stat is not None and sample is not None:
            current = (stat.size, stat.mtime_ns)
            if current != sample:
                self._parts.queue.postpone(item, current)
                return
        if place.ignore.reason(item.path, is_directory=False) is not None:
            seen = Seen(item.root_id, item.path, Finding(path, problem="ignored"))
            self._ready.append(_Verdict(item, seen, mark=mark))
            return
        if stat is None:
            self._submit(item, place, Look(path), is_nested=False, mark=mark)
            return
        self._look(item, place, stat, mark)

    def _look(self, item: WorkItem, place: Place, stat: Stat, mark: int | None) -> None:
        path = place.absolute(item.path)
        is_written = item.reason == WRITTEN or mark is not None
        with self._parts.database.reading():
            record = files_store.find(item.root_id, item.path)
            # One that was written to and closed is read, whatever its stat says: it may have been
            # renamed, written and given its old times within one look.
            if not is_written and record is not None and _is_unchanged(record, stat):
                self._ready.append(_Verdict(item))
                return
            if record is None and is_other_spelling(place, item.path, stat):
                self._ready.append(_Verdict(item, mark=mark))
                return
            source = None
            if not is_written and not _is_known_inode(record, stat):
                source = source_of(
                    place,
                    item.path,
                    stat,
                    still_there=is_still_there,
                    writes=self._parts.places.writes,
                )
            known = originals_store.digests_of_size(stat.size, self._parts.versions)
        is_nested = self._is_nested(place, stat)
        if source is not None:
            seen = Seen(item.root_id, item.path, Finding(path, stat=stat), is_nested, source)
            self._ready.append(_Verdict(item, seen))
            return
        is_careful = self._parts.queue.is_last_after_lost_workers(item)
        look = Look(path, known, stat.size, is_careful)
        self._submit(item, place, look, is_nested=is_nested, mark=mark)

    @staticmethod
    def _is_nested(place: Place, stat: Stat) -> bool:
        try:
            return os.lstat(place.path).st_dev != stat.device
        except OSError:
            return False

    def _submit(
        self, item: WorkItem, place: Place, look: Look, *, is_nested: bool, mark: int | None
    ) -> None:
        future = self._parts.executor.submit(look_at, look)
        self._under_way.append(_UnderWay(item, place, is_nested, mark, future))
        future.add_done_callback(lambda done: self.wake.set())

    def _collect(self) -> None:
        still: list[_UnderWay] = []
        for work in self._under_way:
            if not work.future.done():
                still.append(work)
                continue
            error = work.future.exception()
            if isinstance(error, PoolClosedError):
                # The item stays leased: the next start takes it up again.
                continue
            if isinstance(error, PoolBrokenError):
                self._ready.append(_Verdict(work.item, is_later=True, error=str(error)))
            elif error is None:
                verdict = self._judge(work, work.future.result())
                self._ready.append(replace(verdict, mark=work.mark))
            else:
                verdict = self._failed(work, str(error) or type(error).__name__)
                is_worker_lost = isinstance(error, WorkerLostError)
                self._ready.append(replace(verdict, is_worker_lost=is_worker_lost))
        self._under_way = still

    def _judge(self, work: _UnderWay, finding: Finding) -> _Verdict:
        item = work.item
        is_gone = finding.stat is None and not finding.is_transient
        if is_gone and not self._parts.places.is_trusted(item.root_id):
            return _Verdict(item, is_later=True, error="the root cannot be reached")
        if is_gone:
            with self._parts.database.reading():
                record = files_store.find(item.root_id, item.path)
            if is_on_lost_mount(work.place, record):
                return _Verdict(item, is_later=True, error="its mount cannot be reached")
            # The mount, or the file, came back after the worker had looked.
            if record and is_still_there(work.place.absolute(item.path), record.stat):
                return _Verdict(item, is_moved_on=True)
        if finding.sha256 is not None and finding.stat is not None:
            path = work.place.absolute(item.path)
            if has_left(path, finding.stat):
                return _Verdict(item, is_moved_on=True)
        is_second_look = item.reason == AGAIN
        seen = Seen(
            item.root_id,
            item.path,
            finding,
            work.is_nested,
            is_second_look=is_second_look,
            is_unread=work.mark is not None,
        )
        if not finding.is_transient:
            return _Verdict(item, seen)
        is_last = self._parts.queue.is_last_try(item)
        error = finding.problem or "changed while it was read"
        return _Verdict(item, seen if is_last else None, error)

    def _failed(self, work: _UnderWay, error: str) -> _Verdict:
        """The worker was lost. The last time this is recorded with the file."""
        item = work.item
        if not self._parts.queue.is_last_try(item):
            return _Verdict(item, None, error)
        path = work.place.absolute(item.path)
        try:
            stat = Stat.of(os.lstat(path))
        except OSError:
            return _Verdict(item, None, error)
        finding = Finding(path, stat=stat, problem=error)
        return _Verdict(item, Seen(item.root_id, item.path, finding, work.is_nested), error)

    def _record(self) -> None:
        while self._ready:
            batch = [self._ready.popleft() for _ in range(min(len(self._ready), RECORDED_AT_ONCE))]
            try:
                absorbed = self._parts.writer.call(lambda: self._write(batch))  # noqa: B023 - called before the loop goes on
            except StoreError:
                self._ready.extendleft(reversed(batch))
                raise
            self._forget_marks(batch, absorbed.look_again())
            self._parts.announce(absorbed)

    def _forget_marks(self, batch: list[_Verdict], again: set[tuple[int, bytes]]) -> None:
        """What is recorded now is what was written; not where the path is looked at once more."""
        for verdict in batch:
            item, mark = verdict.item, verdict.mark
            place = self._parts.places.get(item.root_id)
            is_open = verdict.error or verdict.is_later or verdict.is_moved_on
            if mark is None or place is None or is_open or (item.root_id, item.path) in again:
                continue
            self._parts.places.writes.was_read(place.absolute(item.path), mark)

    def _write(self, batch: list[_Verdict]) -> Absorbed:
        queue = self._parts.queue
        for verdict in batch:
            item, error = verdict.item, verdict.error
            if verdict.is_moved_on:
                queue.put_again_in_transaction([(item.root_id, item.path)])
            elif verdict.is_later:
                queue.put_off_in_transaction(item, UNHEARD_SECONDS if verdict.is_unheard else None)
            elif error and queue.fail_in_transaction(
                item, error, is_worker_lost=verdict.is_worker_lost
            ):
                tries, path = item.attempts + 1, printable(item.path)
                logger.warning("given up after %d tries (%s): %s", tries, error, path)
        absorbed = self._parts.absorb([v.seen for v in batch if v.seen is not None])
        told = {(v.item.root_id, v.item.path) for v in batch if v.item.reason in _TOLD}
        number = absorbed.changes(lambda seen: (seen.root_id, seen.path) in told)
        counters.add(counters.TOLD, number)
        queue.done_in_transaction([v.item for v in batch if not v.error and not v.is_moved_on])
        queue.put_again_in_transaction(absorbed.look_again())
        return absorbed


def _is_unchanged(record: FileRecord, stat: Stat) -> bool:
    return record.status in (
        FileStatus.OK,
        FileStatus.BROKEN,
        FileStatus.UNJUDGED,
        FileStatus.WAITING,
    ) and record.stat.is_same_content_as(stat)


def _is_known_inode(record: FileRecord | None, stat: Stat) -> bool:
    """Whether the path holds the inode that it held: then nothing was renamed to it."""
    is_live = record is not None and record.status is not FileStatus.GONE
    return is_live and record is not None and record.stat.inode == stat.inode
