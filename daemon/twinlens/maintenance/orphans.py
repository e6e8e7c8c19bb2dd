"""Orphan cleanup: forget contents that no file has referred to for the grace period.

It forgets rows, never files. While any root cannot be trusted nothing is forgotten: what looks like
an orphan may be a picture on a share that is not mounted.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from twinlens.model.paths import printable
from twinlens.model.roots import RootState
from twinlens.store import files as files_store
from twinlens.store import generation, meta
from twinlens.store import originals as originals_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """What one cleanup did. `frozen_by` names the roots that stopped it."""

    checked: int
    removed_originals: int
    removed_files: int
    frozen_by: tuple[str, ...]

    def as_result(self) -> dict[str, object]:
        """The object that is printed and kept."""
        return asdict(self) | {"frozen_by": list(self.frozen_by)}


@dataclass(frozen=True, slots=True)
class Cleanup:
    """One pass of the cleanup, planned from a read and re-checked by the writer."""

    database: Database
    writer: Writer
    clock: Callable[[], datetime]
    grace_hours: float
    batch_limit: int

    def run(self) -> CleanupReport:
        """Forget what is certain, at most `batch_limit` contents."""
        now = self.clock()
        generation.advance(self.database.path, self.writer.call, now.isoformat(timespec="seconds"))
        before = (now - timedelta(hours=self.grace_hours)).isoformat(timespec="seconds")
        with self.database.reading():
            frozen = _frozen_by()
            planned = [] if frozen else originals_store.orphans(before, self.batch_limit)
        if frozen:
            return CleanupReport(0, 0, 0, frozen)
        return self.writer.call(lambda: self._apply(planned, before))

    def _apply(self, planned: list[int], before: str) -> CleanupReport:
        # Asked anew inside the transaction: since the plan was made a file may have come back, or
        # a root have gone.
        if frozen := _frozen_by():
            return CleanupReport(len(planned), 0, 0, frozen)
        certain = set(originals_store.orphans(before, self.batch_limit))
        removed = originals_store.delete(i for i in planned if i in certain)
        rows = files_store.forget_gone(before, self.batch_limit)
        meta.write("last_cleanup_at", self.clock().isoformat(timespec="seconds"))
        return CleanupReport(len(planned), removed, rows, ())


def _frozen_by() -> tuple[str, ...]:
    """What cannot be trusted now, and why: watched roots, or the database itself."""
    roots = tuple(
        f"{printable(record.path)}: {record.detail}"
        for record in roots_store.active()
        if record.state is not RootState.ONLINE
    )
    frozen = generation.freeze()
    return roots if frozen is None else (*roots, f"{frozen.reason}, on {frozen.at}")
