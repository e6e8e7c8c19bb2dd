"""Orphan cleanup: forget contents that nothing has referred to for the grace period.

It forgets rows, never files. A content is forgotten once it was an orphan for the grace period, was
seen as one in two passes, and was gone over by a whole reconciliation since; all of this while
every root could be believed. The grace is counted by a clock that nobody sets (`store.lived`). A
pass that would forget implausibly much forgets nothing and asks. While any root is in doubt, or the
database is older than it was, nothing is forgotten: what looks like an orphan may be a picture on a
share that is not mounted.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from twinlens.host.uptime import Uptime, uptime
from twinlens.maintenance.trust import Look, in_doubt, look_at
from twinlens.model.roots import RootState
from twinlens.store import files as files_store
from twinlens.store import generation, lived, meta
from twinlens.store import orphans as orphans_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

FEW_ORPHANS = 20
"""So few are forgotten whatever their share of a library: an owner tidies up."""

CLOCK_JUMP_SECONDS = 300.0
"""The wall clock may run ahead of the uptime by this much between two passes: NTP's corrections are
seconds; a dead battery's are years."""

_CLOCK = "cleanup_clock"
ASKS = "cleanup_asks"
"""The fact that remembers what the brake asks; empty where it asks nothing."""


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """What one cleanup did.

    `checked` contents were ripe, `waiting` are orphans that have to wait. `frozen_by` names what
    stopped it; `asks` says what the brake wants to know, empty where it did not stop it.
    """

    checked: int
    removed_originals: int
    removed_files: int
    frozen_by: tuple[str, ...]
    waiting: int = 0
    asks: str = ""

    def as_result(self) -> dict[str, object]:
        """The object that is printed and kept."""
        return asdict(self) | {"frozen_by": list(self.frozen_by)}


@dataclass(frozen=True, slots=True)
class Cleanup:
    """One pass of the cleanup, planned from a read and re-checked by the writer.

    A pass forgets at most `batch_limit` contents; with `accept`, which answers the brake with yes,
    all that is ripe, in batches of as many. `look` asks the disk about a root; `steady` is a clock
    that nobody sets.
    """

    database: Database
    writer: Writer
    clock: Callable[[], datetime]
    grace_hours: float
    batch_limit: int
    brake_percent: float = 100.0
    accept: bool = False
    look: Look = look_at
    steady: Callable[[], Uptime] = uptime

    def run(self) -> CleanupReport:
        """Forget what is certain."""
        now = self.clock()
        at = now.isoformat(timespec="seconds")
        generation.advance(self.database.path, self.writer.call, at)
        with self.database.reading():
            roots = [(root, files_store.count_live(root.id)) for root in roots_store.active()]
            old = _older_database()
        frozen = (*in_doubt(roots, self.look), *old)
        if frozen:
            return CleanupReport(0, 0, 0, frozen, self.writer.call(_doubt))
        steady = self.steady()
        until, is_wall_steady = self.writer.call(lambda: self._see(now, steady))
        with self.database.reading():
            planned = orphans_store.ripe(until)
        report = self.writer.call(lambda: self._apply(planned, until, at))
        while self.accept and report.removed_originals < len(planned):
            done = report.removed_originals
            more = self.writer.call(lambda: self._apply(planned, until, at))
            report = _joined(report, more)
            if report.removed_originals == done:
                break
        if not is_wall_steady or report.frozen_by:
            return report
        before = (now - timedelta(hours=self.grace_hours)).isoformat(timespec="seconds")
        rows = self.writer.call(lambda: files_store.forget_gone(before, self.batch_limit))
        return _joined(report, CleanupReport(0, 0, rows, (), report.waiting, report.asks))

    def _see(self, now: datetime, steady: Uptime) -> tuple[float, bool]:
        """See the orphans of this pass. Returns since when (in the seconds of `store.lived`) those
        must have been seen that are old enough, and whether the wall clock can be believed."""
        seconds = lived.advance(steady)
        orphans_store.see(seconds)
        is_wall_steady = _is_wall_steady(now, steady)
        values = {"wall": now.timestamp(), "boot": steady.boot, "seconds": steady.seconds}
        meta.write(_CLOCK, json.dumps(values))
        return seconds - self.grace_hours * 3600, is_wall_steady

    def _apply(self, planned: list[int], until: float, at: str) -> CleanupReport:
        # Asked anew inside the transaction: since the plan was made a file may have come back, or
        # a root have gone.
        if frozen := (*_recorded_doubts(), *_older_database()):
            return CleanupReport(len(planned), 0, 0, frozen, _doubt())
        still = set(orphans_store.ripe(until))
        certain = [i for i in planned if i in still]
        asks = self._brake(len(certain))
        meta.write(ASKS, asks)
        if asks:
            return CleanupReport(len(planned), 0, 0, (), orphans_store.count(), asks)
        removed = orphans_store.forget(certain[: self.batch_limit], at)
        meta.write("last_cleanup_at", at)
        return CleanupReport(len(planned), removed, 0, (), orphans_store.count())

    def _brake(self, ripe: int) -> str:
        known = orphans_store.all_contents()
        if self.accept or ripe <= FEW_ORPHANS or ripe * 100 <= known * self.brake_percent:
            return ""
        return (
            f"{ripe} of {known} known contents have no file any more; nothing was forgotten. "
            f"If you deleted them: twinlens cleanup --accept"
        )


def _joined(first: CleanupReport, second: CleanupReport) -> CleanupReport:
    return CleanupReport(
        first.checked,
        first.removed_originals + second.removed_originals,
        first.removed_files + second.removed_files,
        second.frozen_by,
        second.waiting,
        second.asks,
    )


def _doubt() -> int:
    orphans_store.doubt()
    return orphans_store.count()


def _is_wall_steady(now: datetime, steady: Uptime) -> bool:
    """Whether the wall clock went as the uptime did, since the last pass."""
    text = meta.read(_CLOCK)
    if text is None:
        return True
    last = json.loads(text)
    if last["boot"] != steady.boot:
        return False
    passed = now.timestamp() - float(last["wall"])
    return abs(passed - (steady.seconds - float(last["seconds"]))) <= CLOCK_JUMP_SECONDS


def _recorded_doubts() -> tuple[str, ...]:
    roots = [(root, 0) for root in roots_store.active() if root.state is not RootState.ONLINE]
    return in_doubt(roots, lambda root, known: None)


def _older_database() -> tuple[str, ...]:
    frozen = generation.freeze()
    return () if frozen is None else (f"{frozen.reason}, on {frozen.at}",)
