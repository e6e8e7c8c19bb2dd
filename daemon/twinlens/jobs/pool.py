"""Worker processes behind the `concurrent.futures.Executor` interface.

`ProcessPoolExecutor` breaks as a whole when one worker dies and cannot end one that hangs. Here a
worker that dies, hangs or runs out of memory costs its own task only: its future fails with
WorkerLostError, the others go on, and a new worker takes its place (pebble does that).

Workers are forked from a small server process that is started first, before any watched folder is
opened, and that has the analysis loaded already: a new worker costs milliseconds and shares its
memory. Idle workers are given back.
"""

import multiprocessing
import multiprocessing.forkserver
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

Result = TypeVar("Result")

TASKS_PER_WORKER = 2000
"""A worker is replaced after so many files: decoders leak."""


class WorkerLostError(Exception):
    """The worker died or was ended at its deadline; the message says which."""


class PoolClosedError(WorkerLostError):
    """The pool was shut down with the task under way: no fault of the task."""


class WorkerPool(Executor):
    """`processes` workers with a deadline for each task.

    `deadline(args)` gives the seconds that a call with these arguments may take. `preload` names
    modules that the server imports once for all workers.
    """

    def __init__(
        self,
        processes: int,
        *,
        initializer: Callable[..., None],
        initargs: tuple[Any, ...] = (),
        deadline: Callable[[tuple[Any, ...]], float],
        idle_seconds: float = 60.0,
        preload: Sequence[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.processes = processes
        self._initializer = initializer
        self._initargs = initargs
        self._deadline = deadline
        self._idle_seconds = idle_seconds
        self._preload = list(preload)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._under_way: set[Future[Any]] = set()
        self._last_used = monotonic()
        self._is_shut = False

    def start_server(self) -> None:
        """Start the process that workers are forked from. Call before any root is opened."""
        multiprocessing.set_forkserver_preload(self._preload)
        multiprocessing.forkserver.ensure_running()

    def submit(  # type: ignore[override]  # positional arguments are all a task needs
        self, fn: Callable[..., Result], /, *args: Any
    ) -> "Future[Result]":
        """Run `fn(*args)` in a worker."""
        outer: Future[Result] = Future()
        outer.set_running_or_notify_cancel()
        with self._lock:
            if self._is_shut:
                raise RuntimeError("the worker pool is shut down")
            inner = self._schedule(fn, args)
            self._under_way.add(outer)
        inner.add_done_callback(lambda done: self._pass_on(done, outer))
        return outer

    def _schedule(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> "Future[Any]":
        """Hand a task to pebble. A pool that broke as a whole (an idle worker was killed while it
        held pebble's channel) takes no more: it is replaced by a new one."""
        deadline = self._deadline(args)
        try:
            return self._running_pool().schedule(fn, args=args, timeout=deadline)
        except RuntimeError:
            broken, self._pool = self._pool, None
            threading.Thread(target=_put_down, args=(broken,), name="pool-end", daemon=True).start()
            left, self._under_way = self._under_way, set()
            for outer in left:
                outer.set_exception(WorkerLostError("the worker pool broke"))
            return self._running_pool().schedule(fn, args=args, timeout=deadline)

    def warm(self) -> None:
        """Start the workers that a file which is about to settle will need."""
        with self._lock:
            if not self._is_shut:
                self._last_used = self._monotonic()
                if self._pool is None:
                    # pebble starts its workers with the first task.
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
        self._end(pool)
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; with `cancel_futures` at once, and their tasks fail.

        Call it again to wait for what was not waited for: pebble ends its processes only then.
        """
        with self._lock:
            self._is_shut = True
            pool = self._pool
            if wait:
                self._pool = None
        if pool is None:
            return
        if cancel_futures:
            pool.stop()
            self._fail_all()
        else:
            pool.close()
        if wait:
            pool.join()
            self._fail_all()

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
        for outer in left:
            outer.set_exception(PoolClosedError("the worker pool was shut down"))

    def _pass_on(self, inner: "Future[Any]", outer: "Future[Any]") -> None:
        with self._lock:
            self._last_used = self._monotonic()
            if outer not in self._under_way:
                return
            self._under_way.remove(outer)
        if inner.cancelled():
            outer.set_exception(PoolClosedError("the worker pool was shut down"))
            return
        error = inner.exception()
        if error is None:
            outer.set_result(inner.result())
        elif isinstance(error, TimeoutError):
            outer.set_exception(WorkerLostError("took longer than its deadline; worker ended"))
        elif isinstance(error, ProcessExpired):
            outer.set_exception(WorkerLostError(f"the worker died (exit code {error.exitcode})"))
        else:
            outer.set_exception(error)

    @staticmethod
    def _end(pool: ProcessPool | None) -> None:
        if pool is not None:
            pool.close()
            pool.join()


def _put_down(pool: ProcessPool | None) -> None:
    if pool is not None:
        pool.stop()
        pool.join()
