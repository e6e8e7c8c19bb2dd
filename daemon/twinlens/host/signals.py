"""SIGTERM and SIGINT mean stop, SIGHUP means read the config again; the rest is left alone.

A handler runs in the middle of whatever the main thread does, so it only puts the signal's number
into a pipe. A small thread sets the flags: `Event.set()` inside a handler can deadlock with the
very `Event.wait()` that it interrupted.
"""

import os
import signal
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

_STOP = (signal.SIGTERM, signal.SIGINT)
_RELOAD = (signal.SIGHUP,)


class SignalFlags:
    """Two flags that signals set, from `with` to its end; for the main thread alone.

    `reload` stays set until the reader clears it. A forked child that is sent one of the signals
    dies of it, as if nothing had been installed.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.reload = threading.Event()
        self._any = threading.Event()
        self._owner = os.getpid()
        self._old: dict[signal.Signals, Any] = {}
        self._thread: threading.Thread | None = None
        self._read_end = self._write_end = -1

    def __enter__(self) -> Self:
        self._owner = os.getpid()
        self._read_end, self._write_end = os.pipe()
        # A pipe that is full already holds all there is to say.
        os.set_blocking(self._write_end, False)
        self._thread = threading.Thread(target=self._read, name="signals", daemon=True)
        self._thread.start()
        for number in (*_STOP, *_RELOAD):
            self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._old:
            number, handler = self._old.popitem()
            # None: set by something other than Python, and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        os.close(self._write_end)
        if self._thread is not None:
            self._thread.join()
        os.close(self._read_end)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a signal, so many seconds at most; True where a flag is set."""
        if not self.is_set():
            self._any.wait(timeout)
        self._any.clear()
        return self.is_set()

    def is_set(self) -> bool:
        """True where there is something to do."""
        return self.stop.is_set() or self.reload.is_set()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            return
        with suppress(OSError):
            os.write(self._write_end, bytes([number]))

    def _read(self) -> None:
        while numbers := os.read(self._read_end, 64):
            for number in numbers:
                (self.reload if number in _RELOAD else self.stop).set()
            self._any.set()
