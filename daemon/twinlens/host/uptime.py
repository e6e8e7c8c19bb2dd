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
    """Read it from the kernel; where /proc does not tell, each process is a start of its own."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        seconds = float((proc / "uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return Uptime("", time.monotonic())
    return Uptime(boot, seconds)
