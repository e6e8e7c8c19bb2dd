"""Binds the vault to the rest: its passes as jobs, by hand and by the clock."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from twinlens.commands.turns import is_elsewhere_wanted
from twinlens.commands.vault import spec_of
from twinlens.errors import ConfigError
from twinlens.jobs.definition import JobDefinition
from twinlens.jobs.work_queue import WRITTEN
from twinlens.maintenance.schedule import Schedule
from twinlens.maintenance.trust import in_doubt
from twinlens.maintenance.vault_fill import FILL, VaultFill
from twinlens.maintenance.vault_gc import GC, GcRules, VaultGc
from twinlens.maintenance.vault_passes import NO_VAULT, VaultParts
from twinlens.maintenance.vault_scrub import SCRUB, VaultScrub
from twinlens.maintenance.vault_work import look_through, read_blob, store
from twinlens.model.events import EventName, Severity
from twinlens.store import blobs, generation, meta, work_items
from twinlens.store import files as files_store
from twinlens.store import jobs as jobs_store
from twinlens.store import roots as roots_store
from twinlens.vault.naming import PARTS

if TYPE_CHECKING:
    from twinlens.service.engine import Engine

VAULT_JOBS = (FILL, SCRUB, GC)

SLICE_SECONDS = 45.0
"""How long other passes wait behind a slice, at the most by one object more."""

NEXT_FILL_SECONDS = 60.0
"""How often a slice is filled while something is left of the last one: a new vault takes days."""

NEXT_SLICE_SECONDS = 600.0
"""How often a slice of objects is read again, while any is due."""

_LAST = {FILL: "last_vault_fill_at", SCRUB: "last_vault_verify_at", GC: "last_vault_gc_at"}
_TROUBLE = "vault_trouble"
_LEFT = "vault_left"
"""The fact that remembers that the last slice of filling has left something for the next."""


class Vaulting:
    """The passes over the vault of one engine. Without a vault they are known, and do nothing."""

    def __init__(self, engine: "Engine", clock: Callable[[], str]) -> None:
        self._engine = engine
        self._clock = clock

    def definitions(self) -> list[JobDefinition]:
        """The jobs; each item has one try, for the next pass is another."""
        engine = self._engine
        spec, why_not = None, NO_VAULT
        try:
            spec = spec_of(engine.config)
        except ConfigError as error:
            why_not = str(error)
        parts = VaultParts(
            spec=spec,
            why_not=why_not,
            database=engine.database,
            clock=self._clock,
            monotonic=time.monotonic,
            look_again=self._look_again,
            tell=self._tell,
            is_elsewhere_wanted=self._is_elsewhere_wanted,
            is_stopped=engine.is_stopped,
            on_finished=self._finished,
        )
        config = engine.config
        rules = GcRules(
            engine.writer,
            config.vault.grace_days,
            config.cleanup.brake_percent,
            self._doubts,
        )
        fill, scrub, gc = VaultFill(parts), VaultScrub(parts), VaultGc(parts, rules, PARTS)
        return [
            replace(_job(FILL, fill, store, batch_size=16), refers_to=_first_of_each),
            _job(SCRUB, scrub, read_blob, batch_size=16, absorbed=scrub.absorbed),
            _job(GC, gc, look_through, batch_size=1),
        ]

    def _look_again(self, root_id: int, path: bytes) -> None:
        # "Written": it is read whatever its stat says.
        work_items.put(root_id, [path], reason=WRITTEN, not_before=0.0, at=self._clock())

    def _is_elsewhere_wanted(self) -> bool:
        with self._engine.database.reading():
            return is_elsewhere_wanted(jobs_store.unfinished(), VAULT_JOBS)

    def _doubts(self) -> tuple[str, ...]:
        with self._engine.database.reading():
            roots = [(root, files_store.count_live(root.id)) for root in roots_store.active()]
            frozen = generation.freeze()
        older = () if frozen is None else (f"{frozen.reason}, on {frozen.at}",)
        return (*in_doubt(roots, self._engine.look), *older)

    def _finished(self, name: str, result: dict[str, object]) -> None:
        at, trouble = self._clock(), str(result["trouble"])

        def work() -> bool:
            is_news = bool(trouble) and trouble != meta.read(_TROUBLE)
            meta.write(_TROUBLE, trouble)
            if not trouble:
                meta.write(_LAST[name], at)
            if name == FILL:
                is_left = bool(result["left"]) and not trouble
                meta.write(_LEFT, "yes" if is_left else "")
            return is_news

        if self._engine.writer.call(work):
            self._tell(f"the vault: {trouble}")

    def _tell(self, words: str) -> None:
        engine = self._engine
        engine.bus.publish(engine.new_event(EventName.PROBLEM, words, severity=Severity.WARNING))


class VaultClock:
    """Asks for the passes over the vault when their time has come, while nothing else waits."""

    def __init__(
        self,
        engine: "Engine",
        now: Callable[[], datetime],
        wake_jobs: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._now = now
        self._wake_jobs = wake_jobs
        self._monotonic = monotonic
        self._fill_at = monotonic()

    def fill_schedule(self, schedule: Schedule) -> None:
        """Put the passes on the schedule."""
        hours = self._engine.config.vault.gc_interval_hours
        schedule.every(NEXT_FILL_SECONDS, "vault", self.fill)
        schedule.every(hours * 3600, "vault_gc", self.collect)
        if self._engine.config.verify.minutes_a_day:
            schedule.every(NEXT_SLICE_SECONDS, "vault_verify", self.verify)

    def fill(self) -> None:
        """Ask for a slice of filling, if anything is lacking: each interval, and at once where the
        last slice has left something."""
        with self._engine.database.reading():
            is_left = bool(meta.read(_LEFT))
        if not is_left and self._monotonic() < self._fill_at:
            return
        interval = self._engine.config.vault.fill_interval_minutes * 60
        self._fill_at = self._monotonic() + interval
        with self._engine.database.reading():
            is_due = blobs.vault_identity() is not None and bool(blobs.lacking(1))
        self._ask(FILL, {"seconds": SLICE_SECONDS}, is_due=is_due)

    def verify(self) -> None:
        """Ask for a slice of reading objects again, if any was not read for long enough."""
        now, days = self._now(), self._engine.config.verify.every_days
        before = (now - timedelta(days=days)).isoformat(timespec="seconds")
        with self._engine.database.reading():
            is_due = blobs.vault_identity() is not None and bool(
                blobs.due(before, now.isoformat(timespec="seconds"), 1)
            )
        self._ask(SCRUB, {"before": before, "seconds": SLICE_SECONDS}, is_due=is_due)

    def collect(self) -> None:
        """Ask for a pass through the whole vault."""
        with self._engine.database.reading():
            is_due = blobs.vault_identity() is not None
        self._ask(GC, {}, is_due=is_due)

    def _ask(self, name: str, argument: dict[str, object], *, is_due: bool) -> None:
        engine = self._engine
        at = self._now().isoformat(timespec="seconds")
        with engine.database.reading():
            is_waiting = any(job.name == name for job in jobs_store.unfinished())
        if is_due and not is_waiting:
            engine.writer.call(lambda: jobs_store.ask(name, argument, at))
            self._wake_jobs()


def _first_of_each(items: Sequence[Any]) -> list[str]:
    return [item[0] for item in items]


def _job(
    name: str,
    state: Any,
    process: Callable[[Any], Any],
    *,
    batch_size: int,
    absorbed: Callable[[Sequence[str]], None] = lambda told: None,
) -> JobDefinition:
    return JobDefinition(
        name=name,
        discover=state.discover,
        prepare=state.prepare,
        process=process,
        absorb=state.absorb,
        absorbed=absorbed,
        finalize=state.finalize,
        batch_size=batch_size,
        workers=1,
        retries=0,
        timeout_seconds=86_400.0,
    )
