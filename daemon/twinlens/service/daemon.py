"""The daemon: watches, takes in, runs passes by the clock, tells, and ends within its time.

Threads: `main` waits for signals and gives signs of life; `watch` (watchdog's) brings hints;
`intake` settles and records; `jobs` runs passes; `store-writer` writes; `webhooks` delivers; the
scheduler only asks for passes.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable

from twinlens.actions.canary import prove_events
from twinlens.config.credentials import read_secret
from twinlens.config.schema import Config
from twinlens.errors import StoreError, TwinlensError
from twinlens.events import EventBus
from twinlens.host.readiness import Readiness
from twinlens.host.requests import Spool
from twinlens.ingest.arrivals import ArrivalParts, Arrivals
from twinlens.ingest.places import Place
from twinlens.maintenance.orphans import Cleanup
from twinlens.maintenance.reconcile import Reconcile
from twinlens.maintenance.schedule import Schedule
from twinlens.model.events import EventName, Severity
from twinlens.model.paths import printable, to_text
from twinlens.model.roots import RootState, WatchMode
from twinlens.notify.webhook import WebhookNotifier, WebhookTarget
from twinlens.service import requests
from twinlens.service.engine import (
    Engine,
    EngineOptions,
    catalog_of,
    exiftool_program,
    utc_now,
    utc_text,
)
from twinlens.store import jobs as jobs_store
from twinlens.store import meta
from twinlens.store import roots as roots_store
from twinlens.store.outbox import Outbox
from twinlens.watch.hints import Hint, HintKind, LostReason
from twinlens.watch.mounts import current_mounts, is_network, mount_of
from twinlens.watch.observer import Watcher
from twinlens.watch.polling import PollingChoice, should_poll

logger = logging.getLogger(__name__)

LOOK_AT_REQUESTS_SECONDS = 1.0
HEALTH_SECONDS = 30.0
KEPT_JOBS = 200
STOP_SECONDS = 8.0


class Daemon:
    """One life of the daemon with one config. `run` returns when it is told to end."""

    def __init__(self, config: Config, readiness: Readiness, bus: EventBus) -> None:
        self._config = config
        self._readiness = readiness
        self._bus = bus
        self._stop = threading.Event()
        self._trouble = ""
        self._failure: TwinlensError | None = None
        self._jobs_wake = threading.Event()
        self._has_jobs = True
        self._spool = Spool(config.database.path)
        self._canaries: dict[bytes, threading.Event] = {}
        self._engine: Engine
        self._arrivals: Arrivals
        self._watcher: Watcher

    def run(self, is_ended: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Start, work until `is_ended`, stop. `wait(seconds)` returns early at a signal.

        Raises what made the daemon unable to go on: a database that is gone or corrupt.
        """
        options = EngineOptions(on_trouble=self._note_trouble)
        with Engine(self._config, options, self._bus, self._stop.is_set) as self._engine:
            notifier = self._notifier()
            schedule = Schedule()
            self._watcher = Watcher(self._hint)
            threads = [
                threading.Thread(target=self._run_intake, name="intake", daemon=True),
                threading.Thread(target=self._run_jobs, name="jobs", daemon=True),
            ]
            try:
                if notifier is not None:
                    self._bus.subscribe(notifier)
                    notifier.start()
                self._watcher.start()
                self._arrivals = self._new_arrivals()
                self._watch_roots()
                self._ask_scan(None, "start")
                for thread in threads:
                    thread.start()
                self._fill(schedule)
                schedule.start()
                self._announce_start()
                self._readiness.ready()
                self._live(is_ended, wait)
            finally:
                self._readiness.stopping()
                self._stop.set()
                self._engine.intake.wake.set()
                self._jobs_wake.set()
                self._watcher.stop()
                schedule.stop()
                # Workers first: whoever waits for one gets an answer at once.
                self._engine.pool.shutdown(wait=False, cancel_futures=True)
                for thread in threads:
                    if thread.ident is not None:
                        thread.join(STOP_SECONDS)
                if notifier is not None:
                    notifier.stop()
                    notifier.join(4.0)
                self._watcher.join(2.0)
        if self._failure is not None:
            raise self._failure

    def _live(self, is_ended: Callable[[], bool], wait: Callable[[float], object]) -> None:
        pause = min((self._readiness.watchdog_seconds or 60.0) / 3, 20.0)
        next_health = 0.0
        while not is_ended() and self._failure is None:
            self._readiness.watchdog()
            self._readiness.status(self._status_line())
            self._engine.pool.give_back()
            if time.monotonic() >= next_health:
                self._look_at_health()
                next_health = time.monotonic() + HEALTH_SECONDS
            wait(min(pause, 5.0))

    # -- watching -----------------------------------------------------------------------------

    def _new_arrivals(self) -> Arrivals:
        engine = self._engine
        return Arrivals(
            ArrivalParts(
                database=engine.database,
                places=engine.places,
                queue=engine.queue,
                ask_scan=self._ask_scan,
                on_lost=self._events_lost,
                on_activity=engine.pool.warm,
                settle_seconds=self._settle_seconds,
                monotonic=time.monotonic,
                is_stopped=self._stop.is_set,
            ),
            engine.intake.wake,
        )

    def _hint(self, hint: Hint) -> None:
        if hint.kind is HintKind.CANARY:
            heard = self._canaries.get(hint.path)
            if heard is not None:
                heard.set()
            return
        self._arrivals.hint(hint)

    def _watch_roots(self) -> None:
        for place in self._engine.places.all():
            self._watch(place)

    def _watch(self, place: Place) -> None:
        """Watch one root by events or by polling, and record which and why."""
        mode, detail = self._choose_mode(place)
        root_id = place.root_id
        self._engine.writer.call(lambda: roots_store.set_watch(root_id, mode, detail))
        logger.info("%s (%s): %s", mode.value, detail, printable(place.path))

    def _choose_mode(self, place: Place) -> tuple[WatchMode, str]:
        if self._engine.places.check(place.root_id).state in (
            RootState.UNREACHABLE,
            RootState.CHANGED,
        ):
            return WatchMode.NONE, "not reachable now"
        catalog = catalog_of(self._config, place.path)
        choices = {os.fsencode(root): choice for root, choice in catalog.polling.items()}
        choice: PollingChoice = choices.get(place.path, self._config.watch.polling).value
        mount = mount_of(place.path, current_mounts())
        is_polled, why = should_poll(choice, mount)
        if is_polled:
            return WatchMode.POLLING, why
        report = self._watcher.watch(place.path, place.ignore)
        if not report.is_watched:
            return WatchMode.POLLING, f"it cannot be watched; {report.advice}"
        if catalog.canary:
            is_polled, why = should_poll(choice, mount, self._canary(place.path))
            if is_polled:
                return WatchMode.POLLING, why
        if not report.is_complete:
            return (
                WatchMode.INOTIFY,
                f"{report.failures} of {report.failures + report.directories} folders are not "
                f"watched and found by scans only; {report.advice}",
            )
        return WatchMode.INOTIFY, f"{report.directories} folders, {why}"

    def _canary(self, root: bytes) -> bool | None:
        def saw(path: bytes, seconds: float) -> bool:
            heard = self._canaries.setdefault(path, threading.Event())
            return heard.wait(seconds)

        result = prove_events(root, saw)
        self._canaries.clear()
        logger.info("canary: %s: %s", result.detail, printable(root))
        return result.is_seen

    def _events_lost(self, place: Place, hint: Hint) -> None:
        root_id = place.root_id
        if hint.lost is LostReason.OVERFLOW:
            self._engine.writer.call(lambda: roots_store.count_overflow(root_id))
        self._bus.publish(
            self._engine.new_event(
                EventName.EVENTS_LOST,
                f"events were lost ({hint.detail or hint.lost}), scanning: {printable(place.path)}",
                severity=Severity.WARNING,
                root=to_text(place.path),
                reason=None if hint.lost is None else hint.lost.value,
                detail=hint.detail,
            )
        )
        if hint.lost in (LostReason.UNMOUNTED, LostReason.ROOT_GONE, LostReason.BROKEN):
            self._watcher.unwatch(place.path)
            self._watch(place)
        elif hint.lost is LostReason.WATCH_LIMIT:
            self._watch(place)
        self._ask_scan(root_id, "events were lost")

    def _look_at_health(self) -> None:
        """Roots that come and go, a database that was taken away, a queue that stands still."""
        if not self._engine.database.is_in_place():
            raise StoreError(
                f"{self._config.database.path}: was deleted or replaced while in use",
                "put it back, or start anew: everything is found again by a scan",
            )
        with self._engine.database.reading():
            modes = {record.id: record.watch_mode for record in roots_store.active()}
        for place in self._engine.places.all():
            before = self._engine.places.state(place.root_id)
            state = self._engine.places.check(place.root_id).state
            is_reachable = state in (RootState.ONLINE, RootState.SUSPECT)
            if not is_reachable and modes.get(place.root_id) is not WatchMode.NONE:
                self._watcher.unwatch(place.path)
                self._watch(place)
            elif is_reachable and (
                before is RootState.UNREACHABLE or modes.get(place.root_id) is WatchMode.NONE
            ):
                self._watch(place)
                self._ask_scan(place.root_id, "the root is back")
            elif state is RootState.CHANGED and before is not RootState.CHANGED:
                # Another disk, or a new folder: the scan recognises it by its files.
                self._ask_scan(place.root_id, "the root changed")

    def _settle_seconds(self, root: bytes) -> float:
        watch = self._config.watch
        if is_network(mount_of(root, current_mounts())):
            return watch.network_settle_seconds
        return watch.settle_seconds

    # -- working ------------------------------------------------------------------------------

    def _run_intake(self) -> None:
        intake, arrivals = self._engine.intake, self._arrivals

        def work() -> float:
            return min(arrivals.step(), intake.step())

        self._loop("intake", work, intake.wake)

    def _run_jobs(self) -> None:
        def work() -> float:
            self._answer_requests()
            if not self._has_jobs:
                return LOOK_AT_REQUESTS_SECONDS
            with self._engine.database.reading():
                waiting = jobs_store.unfinished()
            if not waiting:
                self._has_jobs = False
                return 0.0
            done = self._engine.carry_out(waiting[0])
            if done.error is not None:
                self._problem(f"the pass {done.name} failed: {done.error}")
            self._engine.intake.wake.set()
            return 0.0

        self._loop("jobs", work, self._jobs_wake)

    def _answer_requests(self) -> None:
        """Do what other processes ask for; see `host.requests` for why not through the database."""
        for asked in self._spool.take():
            try:
                answer = requests.answer(
                    self._config,
                    self._engine.database,
                    self._engine.writer,
                    asked.verb,
                    asked.argument,
                )
            except (TwinlensError, KeyError, ValueError) as error:
                answer = {"error": str(error), "advice": getattr(error, "advice", "")}
            self._spool.answer(asked, answer)
            self._has_jobs = True
            self._engine.intake.wake.set()

    def _loop(self, name: str, work: Callable[[], float], wake: threading.Event) -> None:
        """Call `work` until the daemon ends; it returns how long it has nothing to do."""
        while not self._stop.is_set():
            try:
                pause = work()
            except StoreError as error:
                if not self._stop.is_set():
                    self._failure = error
                    self._stop.set()
                return
            except Exception:  # the top of a thread: one failing step must not end it
                if self._stop.is_set():
                    return
                logger.exception("%s: a step failed", name)
                pause = 5.0
            wake.wait(pause)
            wake.clear()

    # -- passes by the clock ------------------------------------------------------------------

    def _fill(self, schedule: Schedule) -> None:
        config = self._config
        schedule.every(
            config.watch.scan_interval_minutes * 60,
            "scan",
            lambda: self._ask_scan(None, "schedule"),
        )
        schedule.every(config.watch.poll_interval_minutes * 60, "poll", self._poll)
        schedule.every(config.cleanup.interval_minutes * 60, "cleanup", self._clean_up)
        schedule.every(
            config.schedule.reconcile_interval_hours * 3600, "reconcile", self._reconcile
        )

    def _poll(self) -> None:
        with self._engine.database.reading():
            polled = [r for r in roots_store.active() if r.watch_mode is WatchMode.POLLING]
        for record in polled:
            self._ask_scan(record.id, "polling")

    def _clean_up(self) -> None:
        engine = self._engine
        cleanup = self._config.cleanup
        report = Cleanup(
            engine.database, engine.writer, utc_now, cleanup.grace_hours, cleanup.batch_limit
        ).run()
        engine.writer.call(lambda: jobs_store.trim(KEPT_JOBS))
        words = f"cleanup: {report.removed_originals} orphans forgotten"
        if report.frozen_by:
            words = f"cleanup: frozen by {'; '.join(report.frozen_by)}"
        self._pass_finished("cleanup", words, report.as_result())

    def _reconcile(self) -> None:
        report = Reconcile(self._engine.database, self._engine.writer, utc_now).run()
        words = f"reconcile: {report.checked} originals counted, {report.mended} mended"
        self._pass_finished("reconcile", words, report.as_result())

    def _ask_scan(self, root_id: int | None, why: str) -> None:
        """Ask for a scan of one root, or of all; one that waits already is enough."""
        place = None if root_id is None else self._engine.places.get(root_id)
        argument: dict[str, object] = {} if place is None else {"paths": [to_text(place.path)]}
        at = utc_text()
        logger.debug("a scan is asked for: %s", why)
        self._engine.writer.call(lambda: jobs_store.ask("scan", argument, at))
        self._has_jobs = True
        self._jobs_wake.set()

    # -- telling ------------------------------------------------------------------------------

    def _notifier(self) -> WebhookNotifier | None:
        targets = [
            WebhookTarget(
                name=hook.url,
                url=hook.url,
                secret=read_secret(hook),
                events=frozenset(hook.events),
                batch_seconds=hook.batch_seconds,
                timeout_seconds=hook.timeout_seconds,
                max_attempts=hook.max_attempts,
                max_body_bytes=hook.max_body_kib * 1024,
                allow_private=hook.allow_private,
            )
            for hook in self._config.notify.webhook
        ]
        if not targets:
            return None
        outbox = Outbox(self._engine.database, self._engine.writer, utc_text)
        return WebhookNotifier(targets, outbox, host=os.uname().nodename)

    def _announce_start(self) -> None:
        if exiftool_program(self._config) is None:
            self._problem(
                "exiftool was not found: RAW and video are hashed but not understood; "
                "install it: sudo apt install libimage-exiftool-perl"
            )
        roots = [printable(place.path) for place in self._engine.places.all()]
        facts = json.dumps({"pid": os.getpid(), "started_at": utc_text()})
        self._engine.writer.call(lambda: meta.write("daemon", facts))
        self._bus.publish(
            self._engine.new_event(
                EventName.DAEMON_STARTED, f"watching {', '.join(roots)}", roots=roots
            )
        )

    def _problem(self, words: str) -> None:
        self._bus.publish(
            self._engine.new_event(EventName.PROBLEM, words, severity=Severity.WARNING)
        )

    def _pass_finished(self, task: str, words: str, result: dict[str, object]) -> None:
        self._bus.publish(
            self._engine.new_event(EventName.PASS_FINISHED, words, task=task, result=result)
        )

    def _note_trouble(self, words: str) -> None:
        self._trouble = words

    def _status_line(self) -> str:
        if self._trouble:
            return f"waiting: {self._trouble}"
        counts = self._engine.queue.counts()
        settling = self._arrivals.waiting()
        busy = counts["pending"] + counts["running"] + settling
        return f"{busy} files waiting, {counts['failed']} given up" if busy else "watching"
