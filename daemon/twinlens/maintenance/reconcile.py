"""Reconciliation: what the store believes is held against itself and against the disk, and mended.

A plan is made from a read; the writer looks once more at each thing before it changes it. The count
of each content is counted anew from its live files. Files that were believed gone and are there,
and files without a content, are looked at again; nothing is declared gone here.
"""

import logging
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from twinlens.maintenance.trust import Look, in_doubt, look_at
from twinlens.model.paths import join, printable
from twinlens.questions import NO_ANSWER, PATIENCE_SECONDS, Questions
from twinlens.store import counters, generation, meta, orphans, references, tallies, work_items
from twinlens.store import files as files_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

logger = logging.getLogger(__name__)

REASON = "reconcile"
"""Why a path is in the work queue that this pass found."""

STILL_COUNTED = "files that went were still counted"
NOT_COUNTED = "live files were not counted"
UNKNOWN = "unknown"
"""The causes of a drift, as far as the store can tell."""

SLOWEST_LOOK_SECONDS = 0.02
"""How long a share may take to say whether one file is there."""

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
    root. `questions` are what disks are being asked.
    """

    database: Database
    writer: Writer
    clock: Callable[[], datetime]
    is_ignored: Callable[[bytes], bool] = lambda path: False
    look: Look = look_at
    questions: Questions = field(default_factory=Questions)

    def run(self) -> ReconcileReport:
        """Count, compare, mend."""
        with self.database.reading():
            checked = orphans.all_contents()
            drifted = references.drifted()
            without = references.without_original(MOST_LOOKED_AT)
            is_miscounted = tallies.are_off()
            roots = [
                (root, files_store.count_live(root.id), references.gone_files(root.id))
                for root in roots_store.active()
            ]
        if is_miscounted:
            logger.warning("the numbers of files and groups were wrong: they are counted anew")
            self.writer.call(tallies.count_anew)
        back: list[tuple[int, bytes]] = []
        doubts: list[str] = []
        for root, known, gone in roots:
            doubt = in_doubt([(root, known)], self.look)
            if not doubt:
                found = self._back(root.path, gone, MOST_LOOKED_AT - len(back))
                if found is None:
                    doubt = (f"{printable(root.path)}: {NO_ANSWER}",)
                else:
                    back += [(root.id, path) for path in found]
            doubts += doubt
        return self.writer.call(lambda: self._mend(checked, drifted, back, without, tuple(doubts)))

    def _back(self, root: bytes, gone: list[bytes], most: int) -> list[bytes] | None:
        """Files that were believed gone and are there; None where the disk does not answer. Asked
        in no transaction and from no connection, so that a share that hangs holds up neither."""

        def ask() -> list[bytes]:
            found: list[bytes] = []
            for path in gone:
                if len(found) >= most:
                    break
                absolute = join(root, path)
                if _is_file(absolute) and not self.is_ignored(absolute):
                    found.append(path)
            return found

        seconds = PATIENCE_SECONDS + len(gone) * SLOWEST_LOOK_SECONDS
        return self.questions.ask((root, "what is gone"), ask, seconds, None)

    def _mend(
        self,
        checked: int,
        drifted: list[int],
        back: list[tuple[int, bytes]],
        without: list[tuple[int, bytes]],
        doubts: tuple[str, ...],
    ) -> ReconcileReport:
        at = self.clock().isoformat(timespec="seconds")
        mended = [m for i in drifted if (m := references.mend(i, at)) is not None]
        revived = [(i, p) for i, p in back if references.still_gone(i, *files_store.split(p))]
        blank = [
            (i, p) for i, p in without if references.is_without_original(i, *files_store.split(p))
        ]
        for root_id, path in (*revived, *blank):
            work_items.put(root_id, [path], reason=REASON, not_before=0.0, at=at)
        meta.write("last_reconcile_at", at)
        if not doubts:
            orphans.note_reconciled()
            generation.lift_if_known_again()
        wrong = [one for one in mended if one.stored != one.counted]
        drift = sum(abs(one.stored - one.counted) for one in wrong)
        counters.add(counters.DRIFT, drift)
        return ReconcileReport(
            checked=checked,
            mended=len(wrong),
            drift=drift,
            causes=_causes(wrong),
            revived=len(revived),
            without_original=len(blank),
            orphans=sum(one.is_new_orphan for one in mended),
            not_asked=doubts,
        )


def _causes(wrong: list[references.Mended]) -> dict[str, int]:
    causes: dict[str, int] = {}
    for one in wrong:
        if one.counted > one.stored:
            cause = NOT_COUNTED
        elif one.gone >= one.stored - one.counted:
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
