"""Turns that processes take: who has one keeps the others out, and gives it back by ending, too.

A turn is a lock on one byte of a file that all of them have opened (fcntl(2), open file description
locks): it needs no server, no names, and no cleaning up after a process that was killed.
"""

import fcntl
import os
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_FLOCK = "hhqqi"
"""struct flock of 64-bit Linux, with the machine's own gaps: type, whence, start, length, pid."""

LONGEST_WAIT_SECONDS = 5.0
"""A turn is a tenth of a second. Who has one for longer hangs, and nobody shall hang with him."""

_ASK_EVERY_SECONDS = 0.002
"""A lock that is waited for in the kernel can only be given up by a signal."""


class Turns:
    """The turns of one file, known by numbers; OSError where it cannot be opened."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)

    @contextmanager
    def taken(self, numbers: Iterable[int]) -> Iterator[None]:
        """Wait for these turns, have them inside `with`; go on without one that does not come."""
        wanted = sorted(set(numbers))
        try:
            # In one order everywhere: nobody waits for one who waits for him.
            for number in wanted:
                self._wait_for(number)
            yield
        finally:
            for number in wanted:
                self._lock(fcntl.F_UNLCK, number)

    def close(self) -> None:
        """Give back what is held."""
        os.close(self._descriptor)

    def _wait_for(self, number: int) -> None:
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < end:
            try:
                self._lock(fcntl.F_WRLCK, number)
            except BlockingIOError:
                time.sleep(_ASK_EVERY_SECONDS)
            else:
                return

    def _lock(self, kind: int, number: int) -> None:
        wanted = struct.pack(_FLOCK, kind, os.SEEK_SET, number, 1, 0)
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, wanted)
