"""The passes that look after what is known, by the clock: cleanup, reconciliation, backup, and
reading files again."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from twinlens.commands.backup import folder_of
from twinlens.config.schema import Config
from twinlens.errors import StoreError
from twinlens.ingest.clock_check import CHECK_CLOCKS
from twinlens.maintenance.backup import NightlyBackup
from twinlens.maintenance.orphans import ASKS, Cleanup
from twinlens.maintenance.reconcile import Reconcile
from twinlens.maintenance.schedule import Schedule
from twinlens.maintenance.scrub import NAME
from twinlens.model.events import EventName
from twinlens.service.announcing import tell_problem
from twinlens.service.engine import Engine, utc_now, utc_text
from twinlens.service.ignoring import reason_to_ignore
from twinlens.service.measuring import MetricsFile
from twinlens.service.scrubbing import SLICE_SECONDS, USED, seconds_of
from twinlens.service.vaulting import VaultClock
from twinlens.store import clock_doubts, generation, meta, verifications
from twinlens.store import jobs as jobs_store
from twinlens.store.remembered import Remembered

logger = logging.getLogger(__name__)

IS_IT_NIGHT_SECONDS = 600.0
"""How often is looked whether the night's backup is due."""

NEXT_SLICE_SECONDS = 60.0
"""How often a slice of files is read again, while there is time left of the day's."""

CHECK_CLOCKS_SECONDS = 600.0
"""How often the clocks of cameras are checked, where anything was recorded since."""

KEPT_JOBS = 200


class Upkeep:
    """The periodic passes of one daemon."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        wake_jobs: Callable[[], None],
        ask_for_purge: Callable[[], None],
    ) -> None:
        self._config = config
        self._engine = engine
        self._wake_jobs = wake_jobs
        self._ask_for_purge = ask_for_purge
        # Asked each minute, and mostly for nothing.
        self._to_verify = Remembered(
            engine.database,
            engine.writer,
            lambda: (bool(jobs_store.unfinished()), meta.read(USED), verifications.waiting()),
        )

    def fill(self, schedule: Schedule) -> None:
        """Look at the database that was found, and put every pass on the schedule."""
        self._notice_older_database()
        config = self._config
        schedule.every(config.cleanup.interval_minutes * 60, "cleanup", self._clean_up)
        schedule.every(
            config.schedule.reconcile_interval_hours * 3600, "reconcile", self._reconcile
        )
        schedule.every(config.cleanup.interval_minutes * 60, "trash", self._ask_for_purge)
        schedule.every(CHECK_CLOCKS_SECONDS, "clocks", self._check_clocks)
        if config.backup.keep:
            schedule.every(IS_IT_NIGHT_SECONDS, "backup", self._back_up, first_in=60.0)
        if config.verify.minutes_a_day:
            schedule.every(NEXT_SLICE_SECONDS, "verify", self._verify)
        if config.metrics.file is not None:
            file = MetricsFile(self._engine.database, config.metrics.file, time.monotonic)
            schedule.every(config.metrics.interval_seconds, "metrics", file.step, first_in=5.0)
        if config.vault.place is not None:
            clock = VaultClock(self._engine, utc_now, self._wake_jobs)
            clock.fill_schedule(schedule)

    def _notice_older_database(self) -> None:
        engine = self._engine
        try:
            reason = generation.advance(engine.database.path, engine.writer.call, utc_text())
        except StoreError as error:
            tell_problem(
                self._engine, f"an older database would not be noticed: {error}; {error.advice}"
            )
            return
        if reason is not None:
            tell_problem(self._engine, f"{reason}; cleanup waits for a whole scan and a reconcile")

    def _clean_up(self) -> None:
        engine = self._engine
        cleanup = self._config.cleanup
        with engine.database.reading():
            frozen, asked = generation.freeze(), meta.read(ASKS)
            is_scanned = frozen is not None and generation.has_been_scanned(frozen)
        if is_scanned:
            # An older database was put back and all was scanned: only this was waited for.
            self._reconcile()
        report = Cleanup(
            engine.database,
            engine.writer,
            utc_now,
            cleanup.grace_hours,
            cleanup.batch_limit,
            cleanup.brake_percent,
            look=engine.look,
        ).run()
        engine.writer.call(lambda: jobs_store.trim(KEPT_JOBS))
        if report.asks and not asked:
            tell_problem(self._engine, report.asks)
        words = f"cleanup: {report.removed_originals} orphans forgotten"
        if report.frozen_by:
            words = f"cleanup: frozen by {'; '.join(report.frozen_by)}"
        self._pass_finished("cleanup", words, report.as_result())

    def _reconcile(self) -> None:
        engine = self._engine
        report = Reconcile(
            engine.database,
            engine.writer,
            utc_now,
            lambda path: reason_to_ignore(self._config, path) is not None,
            engine.look,
            engine.questions,
        ).run()
        engine.intake.wake.set()
        words = f"reconcile: {report.checked} originals counted, {report.mended} mended"
        if report.revived:
            words += f", {report.revived} files that came back"
        self._pass_finished("reconcile", words, report.as_result())

    def _back_up(self) -> None:
        backup, engine = self._config.backup, self._engine
        nightly = NightlyBackup(
            engine.database.path,
            engine.writer,
            folder_of(self._config),
            backup.keep,
            backup.hour,
            lambda: utc_now().astimezone(),
        )
        try:
            report = nightly.run_if_due()
        except StoreError as error:
            # The copy failed, not the database: the daemon goes on without it.
            tell_problem(self._engine, f"no backup was made: {error}; {error.advice}")
            return
        if report is not None:
            words = f"backup: {report.size >> 10} KiB in {report.path}"
            self._pass_finished("backup", words, report.as_result())

    def _check_clocks(self) -> None:
        """Ask for a look at the series of all cameras, once what waits is recorded."""
        engine = self._engine
        counts = engine.queue.counts()
        if counts["pending"] or counts["running"]:
            return
        with engine.database.reading():
            if jobs_store.unfinished() or not clock_doubts.is_due():
                return
        engine.writer.call(lambda: jobs_store.ask(CHECK_CLOCKS, {}, utc_text()))
        self._wake_jobs()

    def _verify(self) -> None:
        """Ask for the next slice of reading again, while nothing else waits and the day has time
        for it."""
        engine, verify = self._engine, self._config.verify
        now = utc_now()
        before = (now - timedelta(days=verify.every_days)).isoformat(timespec="seconds")
        is_busy, used, waiting = self._to_verify()
        left = verify.minutes_a_day * 60 - seconds_of(utc_text()[:10], used)
        if is_busy or left <= 0 or not waiting.is_due(before, utc_text()):
            return
        seconds = round(min(left, SLICE_SECONDS), 3)
        argument: dict[str, object] = {"before": before, "seconds": seconds}
        engine.writer.call(lambda: jobs_store.ask(NAME, argument, utc_text()))
        self._wake_jobs()

    def _pass_finished(self, task: str, words: str, result: dict[str, object]) -> None:
        self._engine.bus.publish(
            self._engine.new_event(EventName.PASS_FINISHED, words, task=task, result=result)
        )
