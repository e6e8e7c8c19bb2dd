"""Worker processes behind the `concurrent.futures.Executor` interface.

`ProcessPoolExecutor` breaks as a whole when one worker dies and cannot end one that hangs. Here a
worker that dies, hangs or runs out of memory costs its own task only: its future fails with
WorkerLostError, the others go on, and a new worker takes its place (pebble does that).

Handing one small file to a worker and taking back what it found takes a tenth of the time that
the file takes, so quick tasks travel in bundles where more wait than there are workers. A bundle is
only a way to travel: whatever goes wrong with one, its tasks are done again one by one.

A worker that waits for a disk or a share which does not answer cannot be ended, and pebble stands
still with it. Then its pool is given up, and all but the task that hangs goes on in a new one.

What a long pass hands in may wait for hours; what goes in by `urgent` is sent off before all of it.

Workers are forked from a small server process that is started first, before any watched folder is
opened. The server is bare: it lives as long as the daemon, so what the work needs is loaded by each
worker for itself, and given back with the workers once they are idle.
"""

import logging
import multiprocessing
import multiprocessing.forkserver
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

from pebble import CONSTS, ProcessExpired, ProcessPool

from twinlens.jobs.bundles import LARGEST_BUNDLE, Bundle, Task, alone, run_each
from twinlens.jobs.leaving import LeavingPools, forget_workers, kill_workers

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

TASKS_PER_WORKER = 500
"""A worker is replaced after so many tasks or bundles: decoders leak."""

LOOK_AFTER_SECONDS = 1.0
"""How often is looked whether the pool still stands: pebble tells only whoever hands in a task."""

AHEAD_PER_WORKER = 2
"""Tasks or bundles that a worker has before it: one at work, and one so that it never waits."""

UNANSWERED_SECONDS = 4.0
"""How long pebble may take to end a worker at its deadline, beside its own patience with each."""

MOST_GIVEN_UP = 4
"""So many pools may be given up at a time: each keeps the memory of a worker that hangs."""

END_SECONDS = 4.0
KILLED_SECONDS = 2.0
"""How long workers may take to end when the pool is shut down: asked first, killed then."""


class WorkerLostError(Exception):
    """The worker died or was ended at its deadline; the message says which."""


class PoolBrokenError(WorkerLostError):
    """All workers were lost at once, or none could be started: no fault of the task."""


class PoolClosedError(WorkerLostError):
    """The pool was shut down with the task under way: no fault of the task."""


def has_cost_a_worker(error: BaseException | None) -> bool:
    """Whether a task failed because its worker died or had to be ended."""
    is_no_fault = isinstance(error, (PoolBrokenError, PoolClosedError))
    return isinstance(error, WorkerLostError) and not is_no_fault


class WorkerPool(Executor):
    """`processes` workers with a deadline for each task.

    `deadline(args)` gives the seconds that a call with these arguments may take, `is_quick(args)`
    whether it may travel with others, `name(args)` what it is called in the log.
    """

    def __init__(
        self,
        processes: int,
        *,
        initializer: Callable[..., None],
        initargs: tuple[Any, ...] = (),
        deadline: Callable[[tuple[Any, ...]], float],
        is_quick: Callable[[tuple[Any, ...]], bool] = lambda args: False,
        name: Callable[[tuple[Any, ...]], str] = str,
        idle_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.processes = processes
        self._initializer = initializer
        self._initargs = initargs
        self._deadline = deadline
        self._is_quick = is_quick
        self._name = name
        self._idle_seconds = idle_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._under_way: set[Future[Any]] = set()
        self._waiting: deque[Task] = deque()
        self._urgent: deque[Task] = deque()
        self.urgent: Executor = _UrgentDoor(self)
        self._travelling: dict[Future[Any], Bundle] = {}
        self._last_used = monotonic()
        self._is_shut = False
        self._leaving = LeavingPools()
        self._is_full_of_hung = False
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="pool-watch", daemon=True)

    def start_server(self) -> None:
        """Start the process that workers are forked from. Call before any root is opened."""
        # Now, because later there may be no room for a thread: that is what it is there for.
        self._watch.start()
        multiprocessing.set_forkserver_preload([])
        multiprocessing.forkserver.ensure_running()

    def submit(  # type: ignore[override]  # positional arguments are all a task needs
        self, fn: Callable[..., Result], /, *args: Any
    ) -> "Future[Result]":
        """Run `fn(*args)` in a worker."""
        return self._take(fn, args, is_urgent=False)

    def _take(
        self, fn: Callable[..., Result], args: tuple[Any, ...], *, is_urgent: bool
    ) -> "Future[Result]":
        outer: Future[Result] = Future()
        outer.set_running_or_notify_cancel()
        with self._lock:
            if self._is_shut:
                raise RuntimeError("the worker pool is shut down")
            deadline, is_quick, name = self._deadline(args), self._is_quick(args), self._name(args)
            if name and name in self._leaving.names:
                outer.set_exception(WorkerLostError("a worker that cannot be ended still is at it"))
                return outer
            self._under_way.add(outer)
            task = Task(fn, args, outer, deadline, is_quick, is_urgent, name)
            self._line_of(task).append(task)
            sent = self._send()
        self._follow(sent)
        return outer

    def _send(self, room: int = 0) -> "list[Future[Any]]":
        """Send off what there is room for; the caller holds the lock, and follows what was sent
        when it has let go of it: a bundle may have arrived already."""
        sent: list[Future[Any]] = []
        room = len(self._travelling) + room if room else AHEAD_PER_WORKER * self.processes
        while (
            (line := self._urgent or self._waiting)
            and len(self._travelling) < room
            and not self._is_shut
        ):
            # Shared out evenly: no worker shall have a full bundle while another has nothing.
            share = max(1, min(LARGEST_BUNDLE, len(line) // room))
            bundle = [line.popleft()]
            while len(bundle) < share and bundle[-1].is_quick and line[0].is_quick:
                bundle.append(line.popleft())
            inner = self._send_off(bundle)
            if inner is not None:
                sent.append(inner)
        return sent

    def _line_of(self, task: Task) -> deque[Task]:
        return self._urgent if task.is_urgent else self._waiting

    def _follow(self, sent: "list[Future[Any]]") -> None:
        for inner in sent:
            inner.add_done_callback(self._arrived)

    def _send_off(self, bundle: list[Task]) -> "Future[Any] | None":
        """Hand a bundle to pebble; None where no worker can be started, and its tasks failed."""
        calls = [(task.function, task.arguments) for task in bundle]
        futures = {task.future for task in bundle}
        # The longest alone: where they need more together, they are done again one by one.
        deadline = max(task.deadline for task in bundle)
        for kept in (futures, set[Future[Any]]()):
            try:
                inner = self._running_pool().schedule(run_each, args=(calls,), timeout=deadline)
            except (RuntimeError, OSError):
                # Broken as a whole; or too many files are open, or processes there.
                self._replace_broken_pool(kept)
            else:
                self._travelling[inner] = Bundle(bundle, deadline)
                return inner
        return None

    def _replace_broken_pool(self, kept: "set[Future[Any]]") -> None:
        """A pool that broke as a whole takes no more (an idle worker was killed while it held
        pebble's channel): what it has under way is lost, but for `kept` and what still waits."""
        if self._pool is not None:
            self._leaving.add(self._pool)
        self._pool = None
        kept = kept | {task.future for task in (*self._urgent, *self._waiting)}
        lost, self._under_way = self._under_way - kept, self._under_way & kept
        self._travelling.clear()
        for outer in lost:
            outer.set_exception(PoolBrokenError("the worker pool broke, or could not be started"))

    def _look_after(self) -> None:
        """Notice that the pool broke, or stands still, when nobody hands in a task: those under way
        would hang."""
        while not self._ended.wait(LOOK_AFTER_SECONDS):
            with self._lock:
                sent = []
                if self._pool is not None and self._under_way and not self._pool.active:
                    self._replace_broken_pool(set())
                    sent = self._send()
                elif self._pool is not None and self._stands_still():
                    self._give_up(self._pool)
                    sent = self._send()
                self._leaving.end()
            self._follow(sent)

    def _stands_still(self) -> bool:
        """Whether pebble fails to end a worker, and the pool may be given up."""
        for inner, bundle in self._travelling.items():
            bundle.seconds += LOOK_AFTER_SECONDS * inner.running()
        grace = UNANSWERED_SECONDS + CONSTS.term_timeout * self.processes
        if all(b.seconds <= b.deadline + grace for b in self._travelling.values()):
            return False
        was_full, self._is_full_of_hung = self._is_full_of_hung, len(self._leaving) >= MOST_GIVEN_UP
        if self._is_full_of_hung and not was_full:
            logger.error(
                "%d workers cannot be ended; nothing is read until a disk or a share answers them",
                len(self._leaving) + 1,
            )
        return not self._is_full_of_hung

    def _give_up(self, pool: ProcessPool) -> None:
        """What is late by itself is lost, the rest goes to the front of its line again."""
        bundles, self._travelling = list(self._travelling.values()), {}
        hung = [b.tasks[0] for b in bundles if b.is_late and len(b.tasks) == 1]
        names = [task.name for bundle in bundles if bundle.is_late for task in bundle.tasks]
        logger.error("a worker cannot be ended, others go on without it: %s", ", ".join(names))
        self._pool = None
        # Its other workers wait for the one that hangs, and their tasks are done again elsewhere.
        kill_workers()
        self._leaving.add(pool, [task.name for task in hung])
        for bundle in reversed(bundles):
            open_ = [task for task in bundle.tasks if task.future in self._under_way]
            again = [alone(task) if bundle.is_late else task for task in open_ if task not in hung]
            self._line_of(bundle.tasks[0]).extendleft(reversed(again))
        for task in hung:
            self._under_way.discard(task.future)
            task.future.set_exception(
                WorkerLostError("took longer than its deadline; the worker cannot be ended")
            )

    def warm(self) -> None:
        """Start the workers that a file which is about to settle will need."""
        with self._lock:
            if not self._is_shut:
                self._last_used = self._monotonic()
                if self._pool is None:
                    # pebble starts its workers with the first task. Where none can be started, the
                    # task that needs one will say so.
                    with suppress(RuntimeError, OSError):
                        self._running_pool().schedule(int)

    def give_back(self) -> bool:
        """End the workers where they have been idle long enough; tells whether it did."""
        with self._lock:
            is_idle = (
                self._pool is not None
                and not self._under_way
                and self._monotonic() - self._last_used >= self._idle_seconds
            )
            if not is_idle:
                return False
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
            pool.join()
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; with `cancel_futures` at once, and their tasks fail.

        Call it again to wait for what was not waited for: pebble ends its processes only then.
        """
        with self._lock:
            sent = [] if cancel_futures else self._send(room=len(self._urgent) + len(self._waiting))
            self._is_shut = True
            self._ended.set()
            pool = self._pool
            if wait:
                self._pool = None
        self._follow(sent)
        if pool is not None and not cancel_futures:
            pool.close()
            if wait:
                pool.join()
        elif pool is not None:
            pool.stop()
            if wait:
                self._leaving.add(pool)
        if wait or cancel_futures:
            self._fail_all()
        if wait:
            self._see_off()

    def _see_off(self) -> None:
        """Wait for workers that end, and for no other."""
        self._leaving.end()
        if self._leaving.wait(END_SECONDS):
            return
        kill_workers()
        if not self._leaving.wait(KILLED_SECONDS):
            at_work = {b.tasks[0].name for inner, b in self._travelling.items() if inner.running()}
            names = ", ".join(sorted(self._leaving.names | at_work)) or "an unknown file"
            logger.error("ends without a worker that cannot be ended, at work on: %s", names)
            forget_workers()

    def _running_pool(self) -> ProcessPool:
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=self.processes,
                max_tasks=TASKS_PER_WORKER,
                initializer=self._initializer,
                initargs=list(self._initargs),
                context=multiprocessing.get_context("forkserver"),
            )
        return self._pool

    def _fail_all(self) -> None:
        """pebble leaves the futures of a stopped pool open, and whoever waits for them would wait
        for ever."""
        with self._lock:
            left, self._under_way = self._under_way, set()
            self._waiting.clear()
            self._urgent.clear()
        for outer in left:
            outer.set_exception(PoolClosedError("the worker pool was shut down"))

    def _arrived(self, inner: "Future[Any]") -> None:
        """Give each task of a bundle its result, or do them again one by one."""
        error = None if inner.cancelled() else inner.exception()
        is_done = not inner.cancelled() and error is None
        with self._lock:
            self._last_used = self._monotonic()
            if inner not in self._travelling:
                # Of a pool that was given up.
                return
            bundle = self._travelling.pop(inner).tasks
            open_ = [task.future in self._under_way for task in bundle]
            if error is not None and len(bundle) > 1:
                again = [task for task, is_open in zip(bundle, open_, strict=True) if is_open]
                self._line_of(bundle[0]).extendleft(alone(task) for task in reversed(again))
            else:
                self._under_way.difference_update(task.future for task in bundle)
                again = []
            sent = self._send()
        self._follow(sent)
        if again:
            return
        results = inner.result() if is_done else [None] * len(bundle)
        for task, is_open, result in zip(bundle, open_, results, strict=True):
            if not is_open:
                continue
            if is_done:
                task.future.set_result(result)
            else:
                task.future.set_exception(_told(error))


class _UrgentDoor(Executor):
    """What is handed in here goes before all that was handed in to the pool itself."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def submit(  # type: ignore[override]  # as the pool's own
        self, fn: Callable[..., Result], /, *args: Any
    ) -> "Future[Result]":
        """Run `fn(*args)` in the next worker that is free."""
        return self._pool._take(fn, args, is_urgent=True)


def _told(error: BaseException | None) -> BaseException:
    """What pebble says of a task, in this module's words; None for one that was cancelled."""
    if error is None:
        return PoolClosedError("the worker pool was shut down")
    if isinstance(error, TimeoutError):
        return WorkerLostError("took longer than its deadline; worker ended")
    if isinstance(error, ProcessExpired):
        return WorkerLostError(f"the worker died (exit code {error.exitcode})")
    return error
