"""The daemon: watches, takes in, runs passes by the clock, tells, and ends within its time.

Threads: `main` waits for signals and gives signs of life; `sentry` places watches and looks after
the roots; watchdog's bring hints; `intake` settles and records; `jobs` runs passes; `requests`
answers other processes, in the middle of a pass too; `store-writer` writes; `webhooks` delivers;
the scheduler only asks for passes.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from twinlens.config.schema import Config
from twinlens.errors import StoreError, TwinlensError
from twinlens.events import EventBus
from twinlens.host.lock import lock_path
from twinlens.host.readiness import Readiness
from twinlens.host.requests import Spool
from twinlens.ingest.arrivals import ArrivalParts, Arrivals
from twinlens.ingest.places import Place
from twinlens.ingest.poll import POLL
from twinlens.ingest.scan import SCAN
from twinlens.maintenance.schedule import Schedule
from twinlens.model.events import EventName
from twinlens.model.paths import to_text
from twinlens.questions import Questions
from twinlens.service.announcing import announce_start, tell_problem
from twinlens.service.engine import Engine, EngineOptions, utc_text
from twinlens.service.giving_way import GivingWay, giving_way
from twinlens.service.purging import Purging
from twinlens.service.requests import FOR_PASSES, Holder
from twinlens.service.sentry import Sentry
from twinlens.service.starting import starting
from twinlens.service.upkeep import Upkeep
from twinlens.service.warming import start_warming
from twinlens.store import jobs as jobs_store
from twinlens.store import meta
from twinlens.store.remembered import Remembered
from twinlens.store.writer import is_transient
from twinlens.watch.hints import Hint

if TYPE_CHECKING:
    from twinlens.notify.webhook import WebhookNotifier

logger = logging.getLogger(__name__)

LOOK_AT_REQUESTS_SECONDS = 1.0
UNASKED_SECONDS = 60.0
"""Whoever asks for a pass wakes the thread that runs them; this is only for what nobody asked."""

LONGEST_REST_SECONDS = 30.0
"""Whoever has a hint wakes the intake; this is for a clock that was set."""

PAUSED_SECONDS = 5.0
"""How often is looked whether passes that wait may go on."""

HEALTH_SECONDS = 30.0
ABSENT_SECONDS = 5.0
"""How often the roots are looked at; the second while one is missing: its owner is at it."""

PASSING_SECONDS = 2.0
"""How long a store that cannot be read for now is left alone."""

STOP_SECONDS = 6.0
LONGEST_WATCH_SECONDS = 60.0
"""How long the first scan waits for the watches: a share that hangs must not hold up the others."""


class Daemon:
    """One life of the daemon with one config. `run` returns when it is told to end."""

    def __init__(
        self, config: Config, readiness: Readiness, bus: EventBus, questions: Questions
    ) -> None:
        self._config = config
        self._readiness = readiness
        self._bus = bus
        self._questions = questions
        self._stop = threading.Event()
        self._trouble = ""
        self._failure: TwinlensError | None = None
        self._jobs_wake = threading.Event()
        self._sentry_wake = threading.Event()
        self._is_watching = threading.Event()
        self._requests_wake = threading.Event()
        self._spool = Spool(config.database.path)
        self._engine: Engine
        self._arrivals: Arrivals
        self._sentry: Sentry
        self._purging: Purging
        self._giving_way: GivingWay

    def run(self, is_ended: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Start, work until `is_ended`, stop. `wait(seconds)` returns early at a signal.

        Raises what made the daemon unable to go on: a database that is gone or corrupt.
        """
        self._giving_way = giving_way(
            self._config.schedule,
            few=lambda name: self._engine.registry.get(name).few,
            tell=lambda why: self._engine.writer.call(lambda: meta.write("passes_wait", why)),
        )
        options = EngineOptions(
            on_trouble=self._note_trouble,
            is_paused=self._giving_way.is_paused,
            questions=self._questions,
        )
        with ExitStack() as stack:
            start = stack.enter_context(ExitStack())
            start.enter_context(starting(self._readiness))
            engine = Engine(self._config, options, self._bus, self._stop.is_set)
            self._engine = stack.enter_context(engine)
            notifier = self._notifier()
            schedule = Schedule()
            self._sentry = Sentry(self._config, self._engine, self._take_hint, self._ask_scan)
            # Before the watches: a hint needs a place to go.
            self._arrivals = self._new_arrivals()
            self._purging = self._new_purging()
            threads = [
                threading.Thread(target=work, name=name, daemon=True)
                for name, work in (
                    ("sentry", self._run_sentry),
                    ("intake", self._run_intake),
                    ("jobs", self._run_jobs),
                    ("requests", self._run_requests),
                )
            ]
            try:
                if notifier is not None:
                    self._bus.subscribe(notifier)
                    notifier.start()
                self._ask_scan(None, "start")
                self._fill(schedule)
                announce_start(self._engine)
                # Only now: the first scan takes all of a core for as long as it lasts.
                for thread in threads:
                    thread.start()
                schedule.start()
                start.close()
                self._readiness.ready()
                threads.append(start_warming(self._engine))
                self._live(is_ended, wait)
            finally:
                self._end(threads, schedule, notifier)
        if self._failure is not None:
            raise self._failure

    def _end(
        self,
        threads: list[threading.Thread],
        schedule: Schedule,
        notifier: "WebhookNotifier | None",
    ) -> None:
        """Stop everything but the engine, in reverse, within `STOP_SECONDS` in all."""
        deadline = time.monotonic() + STOP_SECONDS
        self._bus.publish(self._engine.new_event(EventName.DAEMON_STOPPING, "stopping"))
        self._stop.set()
        self._giving_way.end()
        intake = self._engine.intake.wake
        for wake in (intake, self._jobs_wake, self._requests_wake, self._sentry_wake):
            wake.set()
        self._sentry.stop()
        # Workers first: whoever waits for one gets an answer at once.
        self._engine.pool.shutdown(wait=False, cancel_futures=True)
        schedule.stop()
        if notifier is not None:
            notifier.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(deadline - time.monotonic(), 0.1))
        if notifier is not None:
            notifier.join(max(deadline - time.monotonic(), 0.1))
        self._sentry.join(max(deadline - time.monotonic(), 0.1))

    def _live(self, is_ended: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Give signs of life. Nothing here touches a root, so a share that hangs cannot stop it."""
        pause = min((self._readiness.watchdog_seconds or 60.0) / 3, 5.0)
        while not is_ended() and self._failure is None:
            self._readiness.watchdog()
            # First: a connection to read would make a new, empty file.
            self._failure = self._failure or self._database_taken_away()
            if self._failure is not None:
                return
            try:
                self._readiness.status(self._status_line())
            except StoreError as error:
                if not self._is_passing(error):
                    raise
                self._readiness.status(f"waiting: {error}")
            if self._engine.pool.give_back():
                self._engine.rest()
            wait(pause)

    def _take_hint(self, hint: Hint) -> None:
        self._arrivals.hint(hint)

    def _events_lost(self, place: Place, hint: Hint) -> None:
        self._sentry.events_lost(place, hint)
        # It looks more often while a root is missing.
        self._sentry_wake.set()

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
                settle_seconds=self._sentry.settle_seconds,
                monotonic=time.monotonic,
                is_stopped=self._stop.is_set,
            ),
            engine.intake.wake,
        )

    def _database_taken_away(self) -> StoreError | None:
        """What to end with where the file is not there any more: SQLite would write to nowhere.

        Or its lock file: it keeps no other daemon out any more.
        """
        if not self._engine.database.is_in_place():
            return StoreError(
                f"{self._config.database.path}: was deleted or replaced while in use",
                "put it back, or start anew: everything is found again by a scan",
            )
        if not self._engine.lock.is_in_place():
            return StoreError(
                f"{lock_path(self._config.database.path)}: was deleted or replaced while in use",
                "leave it to twinlens, and start anew: what was missed is found by a scan",
            )
        return None

    def _run_sentry(self) -> None:
        def work() -> float:
            if not self._is_watching.is_set():
                self._sentry.start()
                self._is_watching.set()
            else:
                self._sentry.look_after()
                self._spool.tidy(time.time())
            return HEALTH_SECONDS if self._sentry.is_complete else ABSENT_SECONDS

        self._loop("sentry", work, self._sentry_wake)

    def _run_intake(self) -> None:
        intake, arrivals = self._engine.intake, self._arrivals

        def work() -> float:
            due = self._engine.queue.next_due()
            if arrivals.is_idle and intake.is_idle and (due is None or due > time.time()):
                return min(due - time.time(), LONGEST_REST_SECONDS) if due else LONGEST_REST_SECONDS
            # One connection for all that a step asks.
            with self._engine.database.reading():
                return min(arrivals.step(), intake.step())

        self._loop("intake", work, intake.wake)

    def _run_jobs(self) -> None:
        first_scan_by = time.monotonic() + LONGEST_WATCH_SECONDS
        unfinished = Remembered(self._engine.database, self._engine.writer, jobs_store.unfinished)

        def work() -> float:
            if not self._is_watching.is_set() and time.monotonic() < first_scan_by:
                # What arrives between a scan and its watch would be missed by both.
                return 0.1
            self._giving_way.asked.clear()  # before the look, so that nothing is missed
            job = self._giving_way.choose(waiting := unfinished())
            if job is None:
                return PAUSED_SECONDS if waiting else UNASKED_SECONDS
            done = self._engine.carry_out(job)
            if not self._stop.is_set():
                self._giving_way.came_back(done)
            if done.error is not None:
                tell_problem(self._engine, f"the pass {done.name} failed: {done.error}")
            self._engine.intake.wake.set()
            return 0.0

        self._loop("jobs", work, self._jobs_wake)

    def _run_requests(self) -> None:
        def work() -> float:
            self._answer_requests()
            return 0.0 if self._purging.step() else LOOK_AT_REQUESTS_SECONDS

        self._loop("requests", work, self._requests_wake)

    def _answer_requests(self) -> None:
        """Do what other processes ask for; see `host.requests` for why not through the database."""
        holder = Holder.of(self._engine)
        for asked in self._spool.take():
            try:
                answer = holder.answer(asked.verb, asked.argument)
            except (TwinlensError, KeyError, ValueError) as error:
                answer = {"error": str(error), "advice": getattr(error, "advice", "")}
            self._spool.answer(asked, answer)
            if asked.verb in FOR_PASSES:
                self._giving_way.asked.set()
            self._jobs_wake.set()
            self._engine.intake.wake.set()

    def _new_purging(self) -> Purging:
        def finished(words: str, result: dict[str, object]) -> None:
            event = EventName.PASS_FINISHED
            self._bus.publish(self._engine.new_event(event, words, task="trash", result=result))

        return Purging(Holder.of(self._engine).action_room(), finished)

    def _is_passing(self, error: StoreError) -> bool:
        """Whether to wait for the store: too many open files, say, with the database in place."""
        is_over = self._stop.is_set() or self._database_taken_away() is not None
        return is_transient(error) and not is_over

    def _loop(self, name: str, work: Callable[[], float], wake: threading.Event) -> None:
        """Call `work` until the daemon ends; it returns how long it has nothing to do."""
        troubled = False
        while not self._stop.is_set():
            try:
                pause = work()
                if troubled:
                    troubled = False
                    self._note_trouble("")
                    # A step that failed may have had hints in its hands.
                    self._ask_scan(None, f"{name} goes on after trouble")
            except StoreError as error:
                if self._is_passing(error):
                    logger.warning("%s: the store cannot be read, trying again: %s", name, error)
                    self._note_trouble(str(error))
                    troubled, pause = True, PASSING_SECONDS
                else:
                    if not self._stop.is_set():
                        self._failure = self._database_taken_away() or error
                        self._stop.set()
                    return
            except Exception:  # the top of a thread: one failing step must not end it
                if self._stop.is_set():
                    return
                logger.exception("%s: a step failed", name)
                troubled, pause = name == "intake", 5.0
            wake.wait(pause)
            wake.clear()

    def _fill(self, schedule: Schedule) -> None:
        config = self._config
        schedule.every(
            config.watch.scan_interval_minutes * 60,
            "scan",
            self._scan_by_the_clock,
        )
        schedule.every(config.watch.poll_interval_minutes * 60, "poll", self._poll)
        Upkeep(config, self._engine, self._jobs_wake.set, self._ask_for_purge).fill(schedule)

    def _ask_for_purge(self) -> None:
        self._purging.ask()
        self._requests_wake.set()

    def _scan_by_the_clock(self) -> None:
        self._sentry.refresh()
        self._ask_scan(None, "schedule")

    def _poll(self) -> None:
        for root_id in self._sentry.polled():
            # A scan would wait behind the one that waits, and so would what is new.
            self._ask_scan(root_id, "polling", POLL if self._giving_way.has_paused(SCAN) else SCAN)

    def _ask_scan(self, root_id: int | None, why: str, name: str = SCAN) -> None:
        """Ask for a scan of one root, or of all; one that waits already is enough."""
        place = None if root_id is None else self._engine.places.get(root_id)
        argument: dict[str, object] = {} if place is None else {"paths": [to_text(place.path)]}
        at = utc_text()
        logger.debug("a scan is asked for: %s", why)
        self._engine.writer.call(lambda: jobs_store.ask(name, argument, at))
        self._jobs_wake.set()

    def _notifier(self) -> "WebhookNotifier | None":
        if not self._config.notify.webhook:
            return None
        from twinlens.service.webhooks import webhook_notifier  # noqa: PLC0415 - see there

        return webhook_notifier(self._config, self._engine)

    def _note_trouble(self, words: str) -> None:
        self._trouble = words

    def _status_line(self) -> str:
        if self._trouble:
            return f"waiting: {self._trouble}"
        counts = self._engine.queue.counts()
        settling = self._arrivals.waiting()
        busy = counts["pending"] + counts["running"] + settling
        return f"{busy} waiting, {counts['failed']} given up" if busy else "watching"
