"""Orphan cleanup: forget contents that no file has referred to for the grace period.

It forgets rows, never files. A content is forgotten once it was an orphan for the grace period and
in two passes, while every root could be believed. A pass that would forget implausibly much forgets
nothing and asks. While any root is in doubt, or the database is older than it was, nothing is
forgotten: what looks like an orphan may be a picture on a share that is not mounted.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from twinlens.host.uptime import Uptime, uptime
from twinlens.maintenance.trust import Look, in_doubt, look_at
from twinlens.model.roots import RootState
from twinlens.store import files as files_store
from twinlens.store import generation, meta
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

    `accept` answers the brake with yes. `look` asks the disk about a root; `steady` is a clock that
    nobody sets.
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
        """Forget what is certain, at most `batch_limit` contents."""
        now = self.clock()
        at = now.isoformat(timespec="seconds")
        before = (now - timedelta(hours=self.grace_hours)).isoformat(timespec="seconds")
        generation.advance(self.database.path, self.writer.call, at)
        with self.database.reading():
            roots = [(root, files_store.count_live(root.id)) for root in roots_store.active()]
            old = _older_database()
        frozen = (*in_doubt(roots, self.look), *old)
        if frozen:
            return CleanupReport(0, 0, 0, frozen)
        steady = self.steady()
        self.writer.call(lambda: self._see(now, at, steady))
        with self.database.reading():
            planned = orphans_store.ripe(before, at)
        return self.writer.call(lambda: self._apply(planned, before, at))

    def _see(self, now: datetime, at: str, steady: Uptime) -> None:
        orphans_store.see(at)
        if _has_jumped(now, steady):
            orphans_store.begin_anew(at)
        values = {"wall": now.timestamp(), "boot": steady.boot, "seconds": steady.seconds}
        meta.write(_CLOCK, json.dumps(values))

    def _apply(self, planned: list[int], before: str, at: str) -> CleanupReport:
        # Asked anew inside the transaction: since the plan was made a file may have come back, or
        # a root have gone.
        if frozen := (*_recorded_doubts(), *_older_database()):
            return CleanupReport(len(planned), 0, 0, frozen)
        still = set(orphans_store.ripe(before, at))
        certain = [i for i in planned if i in still]
        asks = self._brake(len(certain))
        meta.write(ASKS, asks)
        if asks:
            return CleanupReport(len(planned), 0, 0, (), orphans_store.count(), asks)
        removed = orphans_store.forget(certain[: self.batch_limit], at)
        rows = files_store.forget_gone(before, self.batch_limit)
        meta.write("last_cleanup_at", at)
        return CleanupReport(len(planned), removed, rows, (), orphans_store.count())

    def _brake(self, ripe: int) -> str:
        known = orphans_store.all_contents()
        if self.accept or ripe <= FEW_ORPHANS or ripe * 100 <= known * self.brake_percent:
            return ""
        return (
            f"{ripe} of {known} known contents have no file any more; nothing was forgotten. "
            f"If you deleted them: twinlens cleanup --accept"
        )


def _has_jumped(now: datetime, steady: Uptime) -> bool:
    """Whether the wall clock went ahead of the uptime, or back, since the last pass."""
    text = meta.read(_CLOCK)
    if text is None:
        return False
    last = json.loads(text)
    passed = now.timestamp() - float(last["wall"])
    if passed < -CLOCK_JUMP_SECONDS:
        return True
    if last["boot"] != steady.boot or not steady.boot:
        return False
    return passed - (steady.seconds - float(last["seconds"])) > CLOCK_JUMP_SECONDS


def _recorded_doubts() -> tuple[str, ...]:
    roots = [(root, 0) for root in roots_store.active() if root.state is not RootState.ONLINE]
    return in_doubt(roots, lambda root, known: None)


def _older_database() -> tuple[str, ...]:
    frozen = generation.freeze()
    return () if frozen is None else (f"{frozen.reason}, on {frozen.at}",)
