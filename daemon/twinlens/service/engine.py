"""The part that a scan by hand and the daemon share: store, workers, roots, queue, jobs.

It is built from the config and started in an order that matters: the workers' server before any
root is opened (a process that is forked while it holds a hung share hangs too), the lock before
the database, the schema before the writer.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

from twinlens.config.roots import clash_of
from twinlens.config.schema import CatalogConfig, Config
from twinlens.errors import StoreError
from twinlens.events import EventBus, EventFactory
from twinlens.grouping.bursts import BurstLimits
from twinlens.grouping.duplicates import PRESETS, SimilarityLimits
from twinlens.host.courtesy import be_courteous
from twinlens.host.lock import ProcessLock
from twinlens.host.memory import give_back
from twinlens.ingest.absorber import Absorbed, Absorber
from twinlens.ingest.clock_check import CHECK_CLOCKS, ClockCheck
from twinlens.ingest.intake import Intake, IntakeParts
from twinlens.ingest.places import Place, Places
from twinlens.ingest.poll import Poll
from twinlens.ingest.rebuild import REBUILDS, Rebuild
from twinlens.ingest.regroup import Regrouper
from twinlens.ingest.scan import Scan, ScanParts
from twinlens.ingest.tally import scan_result, scan_words
from twinlens.jobs.definition import Registry
from twinlens.jobs.runner import JobRunner, Progress
from twinlens.jobs.work_queue import Patience, WorkQueue
from twinlens.maintenance.trust import Look, look_at
from twinlens.model.events import EventName, Severity
from twinlens.model.jobs import JobRecord
from twinlens.model.paths import printable, to_text
from twinlens.model.picture import current_versions
from twinlens.model.roots import RootState
from twinlens.questions import Questions
from twinlens.service.asking import ask_alone, ask_each_once
from twinlens.service.ignoring import ignore_lists
from twinlens.service.interrupted import end_interrupted
from twinlens.service.scrubbing import Scrubbing
from twinlens.service.vaulting import Vaulting
from twinlens.service.workers import worker_pool
from twinlens.store import clock_doubts, exact_copies
from twinlens.store import jobs as jobs_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.schema import prepare
from twinlens.store.writer import Writer
from twinlens.watch.identity import RootHealth

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What differs between the daemon and a scan by hand.

    `patience_seconds` is how long a store that cannot be written is waited for (None: for ever);
    `retry_pause_seconds` and `retries` replace the config's where a human waits; `is_paused` says
    that the pass under way has to wait; `questions` are what disks are being asked already.
    """

    patience_seconds: float | None = None
    retry_pause_seconds: float | None = None
    retries: int | None = None
    is_paused: Callable[[], bool] = lambda: False
    on_progress: Callable[[Progress], None] = lambda progress: None
    on_trouble: Callable[[str], None] = lambda words: None
    questions: Questions = field(default_factory=Questions)


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def utc_text() -> str:
    """The time as the store keeps it."""
    return utc_now().isoformat(timespec="seconds")


class Engine:
    """Everything that knows and records pictures, between `with` and its end."""

    def __init__(
        self,
        config: Config,
        options: EngineOptions,
        bus: EventBus,
        is_stopped: Callable[[], bool],
    ) -> None:
        self.config = config
        self.bus = bus
        self.is_stopped = is_stopped
        self.new_event = EventFactory(utc_now)
        self.questions = options.questions
        self.look: Look = partial(look_at, questions=options.questions)
        self.lock = ProcessLock(config.database.path)
        self.database = Database(config.database.path)
        self.writer = Writer(
            self.database,
            patience_seconds=options.patience_seconds,
            on_trouble=options.on_trouble,
        )
        exiftool = exiftool_program(config)
        self._versions = current_versions(
            are_pictures_decoded=config.similarity.enabled, has_exiftool=exiftool is not None
        )
        self.pool = worker_pool(config, exiftool)
        self.queue = WorkQueue(
            self.database, self.writer, _patience(config, options), time.time, utc_text
        )
        self.registry = Registry()
        self.places: Places
        self.absorber: Absorber
        self.intake: Intake
        self.scan: Scan
        self._options = options
        self._exits = ExitStack()
        # Whether what the queue brings belongs to the scan: by hand it does, as its second part.
        # What comes by events while the daemon scans is none of the scan's.
        self._is_one_pass = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            wanted = self.config.workers.nice
            if (nice := be_courteous(wanted).nice) > wanted:
                words = "the nice value stays %d, workers.nice = %d takes a restart of the daemon"
                logger.info(words, nice, wanted)
            # The folder of the database is made before the lock file is put into it.
            stack.enter_context(self.lock)
            self.pool.start_server()
            stack.callback(self.pool.shutdown, cancel_futures=True)
            for name in prepare(self.database):
                logger.info("the database's schema was brought up to date: %s", name)
            self.writer.start()
            stack.callback(self._stop_writer)
            self._furnish()
            regroup = self.absorber.regroup
            end_interrupted(self.config, self.database, self.writer, regroup, self.look)
            recovered = self.queue.recover()
            if recovered:
                logger.info("%d files that the last run left unfinished are taken up", recovered)
            self._exits = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    def run_job(self, name: str, argument: dict[str, object]) -> JobRecord:
        """Ask for a pass and carry it out here and now.

        What a killed process left open of this name is closed: the new pass looks at it anew.
        """
        at = utc_text()
        job = self.writer.call(lambda: ask_alone(name, argument, at))
        return self.carry_out(job)

    def carry_out(self, job: JobRecord) -> JobRecord:
        """Run a job, or go on with one, to its end or until this is stopped."""
        runner = JobRunner(
            self.database,
            self.writer,
            self.pool,
            utc_text,
            is_stopped=self.is_stopped,
            is_paused=self._options.is_paused,
            on_progress=self._options.on_progress,
        )
        try:
            return runner.run(job, self.registry.get(job.name))
        finally:
            self._reckon_copies()
            self.rest()

    def rest(self) -> None:
        """Give back the tens of MB that work has left and a daemon at rest has no use for."""

        def shrink() -> None:
            self.absorber.rest()
            self.database.shrink()
            give_back()

        # A writer that has stopped holds nothing any more.
        with suppress(StoreError):
            self.writer.submit(shrink)

    def _reckon_copies(self) -> None:
        """Note what exact copies come to, where the pass has changed that."""
        with self.database.reading():
            is_due = exact_copies.is_anything_unreckoned()
        while is_due and not self.is_stopped():
            is_due = self.writer.call(exact_copies.reckon) > 0

    def catch_up(self) -> None:
        """Carry out what is left of grouping anew, before anything else is asked of the groups."""
        with self.database.reading():
            left = [job for job in jobs_store.unfinished() if job.name in REBUILDS]
        for job in left:
            self.carry_out(job)

    def check_clocks(self) -> None:
        """Look for faults of cameras' clocks, where anything changed since that was last done."""
        with self.database.reading():
            is_due = clock_doubts.is_due()
        if is_due:
            self.run_job(CHECK_CLOCKS, {})

    def settle_queue(self) -> None:
        """Look at what a scan found too young, once it has settled, and at what failed."""
        self._is_one_pass = True
        self.intake.drain(self.is_stopped)

    def with_totals(self, job: JobRecord) -> JobRecord:
        """The job with the numbers as they are after the queue was worked off."""
        self.scan.tally.waiting = self.queue.counts()["pending"]
        with self.database.reading():
            result = scan_result(self.scan.tally, time.monotonic() - self.scan.tally.started)
        return replace(job, result=result)

    def _furnish(self) -> None:
        config = self.config
        catalogs = [
            (c.name, c.action.value, [os.fsencode(root) for root in c.roots])
            for c in config.catalog
        ]
        records = self.writer.call(lambda: roots_store.adopt(catalogs))
        self.places = Places(
            records,
            ignore_lists(config),
            self.writer,
            self._root_changed,
            questions=self.questions,
            clash=lambda path: clash_of(config, path, self.questions),
        )
        regrouper = regrouper_of(config)
        self.absorber = Absorber(self.database, self.places, regrouper, utc_now, self.bus)
        self.intake = Intake(
            IntakeParts(
                database=self.database,
                writer=self.writer,
                places=self.places,
                queue=self.queue,
                executor=self.pool.urgent,
                absorb=self.absorber.absorb,
                announce=self._announce_live,
                now=time.time,
                most_under_way=4 * self.pool.processes,
                versions=self._versions,
            )
        )
        self.scan = Scan(self._scan_parts())
        rebuild = Rebuild(self.database, self.writer, regrouper, self.absorber.regroup)
        clocks = ClockCheck(self.database, self.writer, utc_now)
        for definition in (
            self.scan.definition(),
            Poll(self._scan_parts()).definition(),
            *rebuild.definitions(),
            clocks.definition(),
        ):
            self.registry.add(definition)
        scrubbing = Scrubbing(
            database=self.database,
            writer=self.writer,
            places=self.places,
            bus=self.bus,
            new_event=self.new_event,
            clock=utc_text,
            is_stopped=self.is_stopped,
        )
        for definition in (scrubbing.definition(), *Vaulting(self, utc_text).definitions()):
            self.registry.add(definition)
        self._ask_rebuild(rebuild, regrouper.rules)

    def _ask_rebuild(self, rebuild: Rebuild, rules: str) -> None:
        """Another preset, or another version's rules: what is stored has to be grouped anew."""
        with self.database.reading():
            is_due = rebuild.is_due()
        if not is_due:
            self.writer.call(rebuild.remember_first_rules)
            return
        logger.info("the rules for groups changed: all is grouped anew, and no picture read")
        self.writer.call(lambda: ask_each_once(REBUILDS, {"rules": rules}, utc_text()))

    def _scan_parts(self) -> ScanParts:
        return ScanParts(
            database=self.database,
            writer=self.writer,
            places=self.places,
            queue=self.queue,
            absorb=self.absorber.absorb,
            announce=self.absorber.announce,
            monotonic=time.monotonic,
            now=time.time,
            clock=utc_text,
            settle_seconds=self.config.watch.settle_seconds,
            brake_percent=self.config.watch.missing_percent_brake,
            is_stopped=self.is_stopped,
            on_finished=self._scan_finished,
            versions=self._versions,
            warm=self.pool.warm,
        )

    def _announce_live(self, absorbed: Absorbed) -> None:
        if self._is_one_pass:
            self.scan.tally.add(absorbed.results)
        self.absorber.announce(absorbed)

    def _stop_writer(self) -> None:
        self.writer.stop()
        if not self.writer.join(8.0):
            logger.error("the database did not finish its last transaction in time")

    def _root_changed(self, place: Place, before: RootState, health: RootHealth) -> None:
        is_back = health.state is RootState.ONLINE
        words = "back" if is_back else health.state.value
        self.bus.publish(
            self.new_event(
                EventName.ROOT_BACK if is_back else EventName.ROOT_UNREACHABLE,
                f"{words} ({health.detail}): {printable(place.path)}",
                severity=Severity.INFO if is_back else Severity.WARNING,
                root=to_text(place.path),
                state=health.state.value,
                before=before.value,
                detail=health.detail,
            )
        )

    def _scan_finished(self, result: dict[str, object]) -> None:
        self.bus.publish(
            self.new_event(
                EventName.PASS_FINISHED,
                scan_words(result),
                task="scan",
                result=result,
            )
        )


def catalog_of(config: Config, root: bytes) -> CatalogConfig:
    """The catalog that a root belongs to."""
    return next(c for c in config.catalog if root in [os.fsencode(r) for r in c.roots])


def similarity_limits(config: Config) -> SimilarityLimits:
    """How alike pictures must be, from preset and override."""
    limits = PRESETS[config.similarity.preset.value]
    override = config.similarity.max_distance
    if override is None:
        return limits
    return SimilarityLimits(override, min(limits.re_encoded_distance, override))


def burst_limits(config: Config) -> BurstLimits:
    """What makes a burst."""
    chosen = config.bursts
    return BurstLimits(
        chosen.gap_seconds, chosen.least_pictures, chosen.least_seconds, chosen.primary.value
    )


def regrouper_of(config: Config) -> Regrouper:
    """What groups anew whatever changes touch, by the owner's limits."""
    return Regrouper(similarity_limits(config), utc_now, burst_limits(config))


def exiftool_program(config: Config, environ: Mapping[str, str] = os.environ) -> str | None:
    """The path of exiftool; None where it is not installed."""
    return shutil.which(config.exiftool.path, path=environ.get("PATH"))


def _patience(config: Config, options: EngineOptions) -> Patience:
    workers = config.workers
    pause = options.retry_pause_seconds
    return Patience(
        retries=workers.retries if options.retries is None else options.retries,
        pause_seconds=workers.retry_pause_seconds if pause is None else pause,
        settle_seconds=config.watch.settle_seconds,
        lease_seconds=86_400.0,
    )
