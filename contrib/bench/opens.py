"""Counts the files below a folder that anybody opens, as the kernel tells (inotify(7), IN_OPEN).

Folders are opened by every walk and are not counted.
"""

import ctypes
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_IN_OPEN = 0x20
_IN_Q_OVERFLOW = 0x4000
_IN_ISDIR = 0x40000000
_HEAD = struct.Struct("iIII")
_AT_ONCE = 1 << 20


class OpenCounter:
    """Counts from `with` to its end; then `count` is how many opens there were.

    Where the kernel lost some, the count is at least 1: more than none were opened.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.fsencode(folder)
        self._descriptor = -1
        self.folders = 0
        self.count = 0

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for folder, _, _ in os.walk(self._folder):
            if libc.inotify_add_watch(self._descriptor, folder, _IN_OPEN) < 0:
                number = ctypes.get_errno()
                os.close(self._descriptor)
                raise OSError(number, os.strerror(number), os.fsdecode(folder))
            self.folders += 1
        # What the walk itself opened.
        self._read()
        self.count = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._read()
        os.close(self._descriptor)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, _AT_ONCE)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                _, mask, _, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size + length
                self.count += bool(mask & _IN_Q_OVERFLOW) or not mask & _IN_ISDIR
