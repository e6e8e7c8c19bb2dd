"""Reconciliation: what the store believes is held against itself and against the disk, and mended.

A plan is made from a read; the writer looks once more at each thing before it changes it. The count
of each content is counted anew from its live files. Files that were believed gone and are there,
and files without a content, are looked at again; nothing is declared gone here.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from twinlens.grouping.tallies import Drift, drift
from twinlens.maintenance.trust import Look, in_doubt, look_at
from twinlens.model.paths import join
from twinlens.store import files as files_store
from twinlens.store import generation, meta, references, work_items
from twinlens.store import originals as originals_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

REASON = "reconcile"
"""Why a path is in the work queue that this pass found."""

STILL_COUNTED = "files that went were still counted"
NOT_COUNTED = "live files were not counted"
UNKNOWN = "unknown"
"""The causes of a drift, as far as the store can tell."""

MOST_LOOKED_AT = 10_000
"""Paths that one pass puts into the work queue; the next goes on."""


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What one reconciliation found and mended.

    `drift` is the sum of all differences, `causes` says how many contents drifted why. `revived`
    files were believed gone and are there; `without_original` live files refer to no content;
    `orphans` are contents without a file that were not known to be orphans. The first two are
    looked at again. `not_asked` names the roots whose disk could not be asked.
    """

    checked: int
    mended: int
    drift: int
    causes: dict[str, int] = field(default_factory=dict)
    revived: int = 0
    without_original: int = 0
    orphans: int = 0
    not_asked: tuple[str, ...] = ()

    def as_result(self) -> dict[str, object]:
        """The object that is printed and kept."""
        return {
            "checked": self.checked,
            "mended": self.mended,
            "drift": self.drift,
            "causes": dict(self.causes),
            "revived": self.revived,
            "without_original": self.without_original,
            "orphans": self.orphans,
            "not_asked": list(self.not_asked),
        }


@dataclass(frozen=True, slots=True)
class Reconcile:
    """One pass over all contents and all files that were believed gone.

    `is_ignored` says of an absolute path that it is not looked at; `look` asks the disk about a
    root.
    """

    database: Database
    writer: Writer
    clock: Callable[[], datetime]
    is_ignored: Callable[[bytes], bool] = lambda path: False
    look: Look = look_at

    def run(self) -> ReconcileReport:
        """Count, compare, mend."""
        with self.database.reading():
            stored = originals_store.counts()
            without = references.without_original()[:MOST_LOOKED_AT]
            roots = [(root, files_store.count_live(root.id)) for root in roots_store.active()]
        back: list[tuple[int, bytes]] = []
        doubts: list[str] = []
        for root, known in roots:
            doubt = in_doubt([(root, known)], self.look)
            doubts += doubt
            if not doubt:
                back += self._back(root.id, root.path, MOST_LOOKED_AT - len(back))
        return self.writer.call(lambda: self._mend(len(stored), back, without, tuple(doubts)))

    def _back(self, root_id: int, root: bytes, most: int) -> list[tuple[int, bytes]]:
        """Files that were believed gone and are there. Asks the disk, in no transaction."""
        found: list[tuple[int, bytes]] = []
        with self.database.reading():
            for path in references.gone_files(root_id):
                absolute = join(root, path)
                if len(found) >= most:
                    break
                if _is_file(absolute) and not self.is_ignored(absolute):
                    found.append((root_id, path))
        return found

    def _mend(
        self,
        checked: int,
        back: list[tuple[int, bytes]],
        without: list[tuple[int, bytes]],
        doubts: tuple[str, ...],
    ) -> ReconcileReport:
        at = self.clock().isoformat(timespec="seconds")
        differences = drift(originals_store.counts(), originals_store.counted_links())
        causes = _causes(differences, references.gone_links())
        for difference in differences:
            references.mend_count(difference.original_id, difference.counted, at)
        halves = references.half_orphans()
        for original_id in halves:
            references.mend_count(original_id, originals_store.count_of(original_id), at)
        revived = [(i, p) for i, p in back if references.still_gone(i, *files_store.split(p))]
        still = set(references.without_original())
        blank = [place for place in without if place in still]
        for root_id, path in (*revived, *blank):
            work_items.put(root_id, [path], reason=REASON, not_before=0.0, at=at)
        meta.write("last_reconcile_at", at)
        generation.lift_if_known_again()
        total = sum(abs(d.stored - d.counted) for d in differences)
        return ReconcileReport(
            checked,
            len(differences),
            total,
            causes,
            len(revived),
            len(blank),
            len(halves),
            doubts,
        )


def _causes(differences: tuple[Drift, ...], gone: dict[int, int]) -> dict[str, int]:
    causes: dict[str, int] = {}
    for one in differences:
        if one.counted > one.stored:
            cause = NOT_COUNTED
        elif gone.get(one.original_id, 0) >= one.stored - one.counted:
            cause = STILL_COUNTED
        else:
            cause = UNKNOWN
        causes[cause] = causes.get(cause, 0) + 1
    return causes


def _is_file(path: bytes) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
