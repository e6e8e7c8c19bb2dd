"""The one door through which the store is changed: one thread, one connection, short transactions.

A call that meets a full disk, a lock or a passing I/O error is tried again with growing pauses
until it goes through or the writer is stopped: the callers wait, and so nothing that was found is
lost and nothing new is read meanwhile.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from peewee import OperationalError

from twinlens.errors import StoreError
from twinlens.store.database import Database, advice_for, is_database_error

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

PAUSES_SECONDS = (0.2, 1.0, 5.0, 15.0, 30.0)
_TRANSIENT = ("locked", "busy", "full", "disk i/o error", "unable to open")


class Writer:
    """Runs callables in transactions on its own thread, in the order in which they came.

    `patience_seconds` bounds the retries of one call (None: for ever). `on_trouble` hears in words
    why the store cannot be written, and "" once it can be again.
    """

    def __init__(
        self,
        database: Database,
        *,
        patience_seconds: float | None = None,
        on_trouble: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._database = database
        self._patience = patience_seconds
        self._on_trouble = on_trouble
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self.transactions = 0
        """How many calls were carried out: while it stays, so does everything in the store."""
        self._stopping = threading.Event()
        self._door = threading.Lock()
        self._is_shut = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._started: Future[None] = Future()

    def start(self) -> None:
        """Open the connection; raises StoreError where that fails."""
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """Let the calls that are waiting go through, then end the thread."""
        self._stopping.set()
        self._calls.put(None)

    def join(self, deadline_seconds: float) -> bool:
        """Wait for the thread; False where it is still busy."""
        self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def submit(self, work: Callable[[], Result]) -> "Future[Result]":
        """Run `work` in a transaction later; the future holds its result or error."""
        future: Future[Result] = Future()
        with self._door:
            if self._is_shut or not self._thread.is_alive():
                raise StoreError("the writer has stopped")
            self._calls.put((work, future))
        return future

    def call(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a transaction and wait for it. Must not be called from inside `work`."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a call from inside a transaction would wait for itself")
        return self.submit(work).result()

    def _run(self) -> None:
        try:
            with self._database.connected():
                self._started.set_result(None)
                while (item := self._calls.get()) is not None:
                    self._carry_out(*item)
        except StoreError as error:
            if not self._started.done():
                self._started.set_exception(error)
            else:
                logger.error("the store was lost: %s", error)
        finally:
            self._refuse_the_rest()

    def _carry_out(self, work: Callable[[], Any], future: "Future[Any]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        waited = 0.0
        attempt = 0
        while True:
            try:
                try:
                    with self._database.peewee.atomic():
                        result = work()
                finally:
                    # Also where it failed: it may have been committed before that.
                    self.transactions += 1
            except (OperationalError, sqlite3.Error) as error:
                pause = PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS) - 1)]
                is_patient = self._patience is None or waited + pause <= self._patience
                if not (is_transient(error) and is_patient) or self._stopping.wait(pause):
                    future.set_exception(self._as_store_error(error))
                    return
                self._on_trouble(f"{error}: {advice_for(error)}")
                logger.warning("the store cannot be written, trying again: %s", error)
                waited += pause
                attempt += 1
            except BaseException as error:  # noqa: BLE001 - belongs to the caller, not to this thread
                future.set_exception(
                    self._as_store_error(error) if is_database_error(error) else error
                )
                return
            else:
                if attempt:
                    self._on_trouble("")
                future.set_result(result)
                return

    def _as_store_error(self, error: BaseException) -> StoreError:
        translated = StoreError(f"{self._database.path}: {error}", advice_for(error))
        translated.__cause__ = error
        return translated

    def _refuse_the_rest(self) -> None:
        with self._door:
            self._is_shut = True
        while True:
            try:
                item = self._calls.get_nowait()
            except queue.Empty:
                return
            if item is not None:
                item[1].set_exception(StoreError("the writer has stopped"))


def is_transient(error: BaseException) -> bool:
    """Whether an error of the store passes by itself: a full disk, a lock, too many open files."""
    text = str(error).lower()
    return any(words in text for words in _TRANSIENT)
