"""Pools that are ended apart: nobody waits for them longer than he likes.

A process that waits for a disk or a share which does not answer (state D) outlives SIGKILL until it
is answered. pebble's own thread waits for it, so the whole pool stands still, and so would whoever
joins that pool.
"""

import multiprocessing
import multiprocessing.process
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pebble import ProcessPool


@dataclass(slots=True)
class _Leaving:
    pool: ProcessPool
    names: frozenset[str]
    thread: threading.Thread | None = None

    @property
    def is_there(self) -> bool:
        return self.thread is None or self.thread.is_alive()


class LeavingPools:
    """What is left of pools; not safe for threads but under the lock of whoever has it."""

    def __init__(self) -> None:
        self._all: list[_Leaving] = []

    def __len__(self) -> int:
        """How many are still there."""
        self._all = [leaving for leaving in self._all if leaving.is_there]
        return len(self._all)

    @property
    def names(self) -> frozenset[str]:
        """The tasks in which workers hang that are still there."""
        return frozenset().union(*(one.names for one in self._all if one.is_there))

    def add(self, pool: ProcessPool, names: Iterable[str] = ()) -> None:
        """End a pool; `names` are the tasks in which its workers hang."""
        self._all.append(_Leaving(pool, frozenset(names)))
        self.end()

    def end(self) -> None:
        """Start to end those for which there was no room for a thread before."""
        for leaving in self._all:
            if leaving.thread is None:
                thread = threading.Thread(target=_put_down, args=(leaving.pool,), daemon=True)
                with suppress(RuntimeError):
                    thread.start()
                    leaving.thread = thread

    def wait(self, seconds: float) -> bool:
        """Wait until all are gone, and tell whether they are."""
        until = time.monotonic() + seconds
        for leaving in self._all:
            if leaving.thread is not None:
                leaving.thread.join(max(until - time.monotonic(), 0.0))
        return len(self) == 0


def kill_workers() -> None:
    """Send SIGKILL to every worker there is: for when none of them is needed any more."""
    for child in multiprocessing.active_children():
        with suppress(OSError):
            child.kill()


def forget_workers() -> None:
    """Let the end of this program not wait for workers that are still there."""
    children: set[object] = multiprocessing.process._children  # type: ignore[attr-defined]
    # There is no other way: both Python and pebble join each child at exit, without a limit.
    children.difference_update(multiprocessing.active_children())


def _put_down(pool: ProcessPool) -> None:
    pool.stop()
    # One that never came to stand has nothing to be joined.
    with suppress(RuntimeError, OSError, AttributeError):
        pool.join()
