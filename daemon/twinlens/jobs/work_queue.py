"""The work queue: paths waiting to be looked at, with the patience that policy gives them.

It lives in this process; its memory is in the store, so a crash at any point loses no path. The
methods named `…_in_transaction` run inside a transaction of the writer that records the results
too; all others make their own.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from twinlens.jobs.patience import is_quarantined, retry_pause
from twinlens.model.jobs import WorkItem
from twinlens.store import work_items
from twinlens.store.database import Database
from twinlens.store.remembered import Remembered
from twinlens.store.work_items import Sample
from twinlens.store.writer import Writer

AGAIN = "again"
"""Why a path is in the queue that was looked at, with a result that could not be recorded."""

WRITTEN = "written"
"""Why a path is in the queue whose writer has closed it."""


TAKEN_AT_ONCE = 8
"""Paths that are leased as they are put: as many as there may soon be workers for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long failures are borne.

    After `retries` tries more a file is quarantined; the first pause is `pause_seconds`, each
    further one twice as long. `lease_seconds` bounds how long a worker may hold an item.
    """

    retries: int = 5
    pause_seconds: float = 30.0
    settle_seconds: float = 5.0
    lease_seconds: float = 900.0


class WorkQueue:
    """One entry a path. `now` gives seconds since the epoch, `clock` the time as text."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        patience: Patience,
        now: Callable[[], float],
        clock: Callable[[], str],
    ) -> None:
        self._next_due = Remembered(database, writer, work_items.next_due)
        self._counts = Remembered(database, writer, work_items.counts)
        self._writer = writer
        self.patience = patience
        self._now = now
        self._clock = clock
        # Put and leased in one transaction: a second one might wait behind a long pass's batch.
        self._taken: deque[WorkItem] = deque()

    def recover(self) -> int:
        """At start: take back what the last run had leased. Returns how many paths that were."""
        return self._writer.call(work_items.release_leases)

    def put(self, root_id: int, paths: Iterable[bytes], reason: str) -> None:
        """Ask for settled paths to be looked at now: `lease` gives the first few at once."""
        wanted = list(paths)
        room = TAKEN_AT_ONCE - len(self._taken)
        now, at = self._now(), self._clock()
        until = now + self.patience.lease_seconds

        def write() -> list[WorkItem]:
            first, rest = wanted[:room], wanted[room:]
            work_items.put(root_id, rest, reason=reason, not_before=now, at=at)
            return work_items.put(
                root_id, first, reason=reason, not_before=now, at=at, leased_until=until
            )

        self._taken += self._writer.call(write)

    def put_later(self, root_id: int, path: bytes, sample: Sample) -> None:
        """Ask for a young path to be looked at once it has held still."""
        self._writer.call(
            lambda: work_items.put(
                root_id,
                [path],
                reason="young",
                not_before=self._now() + self.patience.settle_seconds,
                at=self._clock(),
                samples={path: sample},
            )
        )

    def put_again_in_transaction(self, paths: Iterable[tuple[int, bytes]]) -> None:
        """Ask for another look at (root id, path) pairs."""
        for root_id, path in paths:
            work_items.put(root_id, [path], reason=AGAIN, not_before=self._now(), at=self._clock())

    def lease(
        self, limit: int, most_lost: int | None = None
    ) -> list[tuple[WorkItem, Sample | None]]:
        """Take due items, at most `most_lost` that have cost a worker. They stay in the queue until
        they are recorded or fail."""
        at_hand = min(len(self._taken), limit)
        stored: list[tuple[WorkItem, Sample | None]] = []
        due = self._next_due() if at_hand < limit else None
        if due is not None and due <= self._now():
            seconds = self.patience.lease_seconds
            stored = self._writer.call(
                lambda: work_items.lease(self._now(), seconds, limit - at_hand, most_lost)
            )
        # Last, so that none is lost where the store cannot be asked.
        return [(self._taken.popleft(), None) for _ in range(at_hand)] + stored

    def release_lost(self) -> int:
        """Take back items whose lease ran out."""
        return self._writer.call(lambda: work_items.release_leases(self._now()))

    def done_in_transaction(self, items: Sequence[WorkItem]) -> None:
        """The items' paths were recorded."""
        work_items.done([item.id for item in items])

    def postpone(self, item: WorkItem, sample: Sample | None) -> None:
        """The file does not hold still yet."""
        self._writer.call(
            lambda: work_items.postpone(
                item.id,
                not_before=self._now() + self.patience.settle_seconds,
                sample=sample,
            )
        )

    def put_off_in_transaction(self, item: WorkItem, seconds: float | None = None) -> None:
        """It cannot be judged now, through no fault of the file: wait without counting a try, for
        so long or for the policy's first pause."""
        pause = self.patience.pause_seconds if seconds is None else seconds
        work_items.postpone(item.id, not_before=self._now() + pause, sample=None)

    def is_last_try(self, item: WorkItem) -> bool:
        """Whether one more failure would quarantine the item."""
        return is_quarantined(item.attempts + 1, self.patience.retries)

    def is_last_after_lost_workers(self, item: WorkItem) -> bool:
        """Whether this is the last try of an item that has cost workers; an error of the disk says
        nothing against the file."""
        return item.workers_lost > 0 and self.is_last_try(item)

    def fail_in_transaction(
        self, item: WorkItem, error: str, *, is_worker_lost: bool = False
    ) -> bool:
        """A try failed; tells whether the item went to quarantine."""
        is_out = self.is_last_try(item)
        pause = retry_pause(item.attempts + 1, self.patience.pause_seconds)
        work_items.fail(
            item.id,
            error=error,
            retry_at=None if is_out else self._now() + pause,
            is_worker_lost=is_worker_lost,
        )
        return is_out

    def retry_in_transaction(
        self, root_id: int, path: bytes, error: str, *, is_worker_lost: bool = False
    ) -> None:
        """A try outside the queue failed: the queue goes on with its own patience."""
        work_items.put(
            root_id,
            [path],
            reason=f"retry: {error}"[:200],
            not_before=self._now() + retry_pause(1, self.patience.pause_seconds),
            at=self._clock(),
            workers_lost=int(is_worker_lost),
        )

    def retry_failed(self) -> int:
        """Give every quarantined path a new start."""
        return self._writer.call(work_items.retry_failed)

    def next_due(self) -> float | None:
        """When the next item is due, in seconds since the epoch."""
        return self._now() if self._taken else self._next_due()

    def counts(self) -> dict[str, int]:
        """How many items are pending, running, failed."""
        return dict(self._counts())
