"""Giving way to everything else that runs on the machine.

Both settings belong to a thread and are inherited by threads and processes that it starts, so this
is called first of all, from the main thread.
"""

import ctypes
import os
import platform
import sys
from dataclasses import dataclass

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""System call numbers; asm/unistd_64.h and asm-generic/unistd.h."""

_WHO_PROCESS = 1
_CLASS_IDLE = 3
_CLASS_SHIFT = 13


@dataclass(frozen=True, slots=True)
class Courtesy:
    """What took effect: the nice value that now holds, and whether I/O waits for an idle disk."""

    nice: int
    is_idle_io: bool


def be_courteous(nice: int = 10, *, idle_io: bool = True, machine: str | None = None) -> Courtesy:
    """Raise the nice value to `nice` and put I/O into the idle class; never raises.

    A nice value that is higher already is kept. `machine`, by default this one, picks the number of
    the system call; on one that is not known I/O is left as it is.
    """
    return Courtesy(_nice_at_least(nice), idle_io and _set_idle_io(machine or platform.machine()))


def _nice_at_least(wanted: int) -> int:
    now = os.nice(0)
    try:
        return os.nice(wanted - now) if wanted > now else now
    except OSError:
        return now


def _set_idle_io(machine: str) -> bool:
    number = _IOPRIO_SET.get(machine)
    # A 32-bit interpreter on a 64-bit kernel has other numbers.
    if number is None or sys.maxsize < 2**32 or sys.platform != "linux":
        return False
    arguments = (number, _WHO_PROCESS, 0, _CLASS_IDLE << _CLASS_SHIFT)
    result: int = ctypes.CDLL(None).syscall(*map(ctypes.c_long, arguments))
    return result == 0
