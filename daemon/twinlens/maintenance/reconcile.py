"""Reconciliation: the count of each content is counted anew from its live files, and mended.

A plan is made from a read; the writer counts once more before it changes anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from twinlens.grouping.tallies import drift
from twinlens.store import generation, meta
from twinlens.store import originals as originals_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What one reconciliation found and mended. `drift` is the sum of all differences."""

    checked: int
    mended: int
    drift: int

    def as_result(self) -> dict[str, object]:
        """The object that is printed and kept."""
        return {"checked": self.checked, "mended": self.mended, "drift": self.drift}


@dataclass(frozen=True, slots=True)
class Reconcile:
    """One pass over all contents."""

    database: Database
    writer: Writer
    clock: Callable[[], datetime]

    def run(self) -> ReconcileReport:
        """Count, compare, mend."""
        with self.database.reading():
            stored = originals_store.counts()
            differences = drift(stored, originals_store.counted_links())
        mended = self.writer.call(self._mend)
        total = sum(abs(d.stored - d.counted) for d in differences)
        return ReconcileReport(len(stored), mended, total)

    def _mend(self) -> int:
        at = self.clock().isoformat(timespec="seconds")
        differences = drift(originals_store.counts(), originals_store.counted_links())
        for difference in differences:
            originals_store.set_count(difference.original_id, difference.counted, at)
        meta.write("last_reconcile_at", at)
        generation.lift_if_known_again()
        return len(differences)
