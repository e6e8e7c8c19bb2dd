"""What the kernel holds of a file in memory, and leaving that as it was found.

Reading a library through once must not push out what others use: the film that is being watched.
"""

import ctypes
import os
from functools import cache

_CACHESTAT = 451
"""The system call's number, the same on every machine (cachestat(2), Linux 6.5)."""


class _Range(ctypes.Structure):
    _fields_ = (("start", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Pages(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("cached", "dirty", "writeback", "evicted", "recently_evicted")
    )


def is_held(descriptor: int) -> bool:
    """Whether anything of an open file is in memory; False where the kernel does not say."""
    whole, pages = _Range(0, 0), _Pages()
    result = _libc().syscall(
        ctypes.c_long(_CACHESTAT),
        ctypes.c_int(descriptor),
        ctypes.byref(whole),
        ctypes.byref(pages),
        ctypes.c_uint(0),
    )
    return bool(result == 0 and pages.cached)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def let_go(descriptor: int, start: int = 0, length: int = 0) -> None:
    """Free what was read of an open file, from `start` on, all of it where `length` is 0. What is
    not on the disk yet stays."""
    os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)
