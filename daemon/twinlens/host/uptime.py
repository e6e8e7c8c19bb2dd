"""How long the machine has been up: a clock that nobody sets."""

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Uptime:
    """Which start of the machine it is, and the seconds since, time asleep included."""

    boot: str
    seconds: float


def uptime(proc: Path = Path("/proc")) -> Uptime:
    """Read it from the kernel. Where /proc does not tell, `boot` is empty."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        seconds = float((proc / "uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return Uptime("", time.clock_gettime(time.CLOCK_BOOTTIME))
    return Uptime(boot, seconds)


def least_passed(last: Uptime, now: Uptime) -> float:
    """Seconds that have passed for certain between two looks; 0 or more, whatever was done to the
    wall clock.

    After another start of the machine it is the time since that start: how long it was off, nobody
    can tell who does not believe the wall clock.
    """
    if last.boot and now.boot and last.boot != now.boot:
        return max(now.seconds, 0.0)
    # Without a name for the start: a later one has counted less, or has counted all that passed.
    return max(now.seconds - last.seconds, 0.0)
