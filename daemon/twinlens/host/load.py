"""How busy other programs keep the processor: what the machine did, less what this program did.

The load average and the kernel's pressure figures do not say whose load it is, and a program that
gives way to its own work would never get anything done.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_BUSY = (0, 1, 2, 5, 6)
"""user, nice, system, irq and softirq in the first line of /proc/stat (proc(5)); guests are in user
already, and what a hypervisor took is nobody's here."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time since the machine was started, in clock ticks over all cores."""

    total: int
    busy: int
    own: int

    def others_percent(self, before: "Usage") -> float:
        """The share of all cores that other programs took since `before`, 0 to 100."""
        total = self.total - before.total
        others = (self.busy - before.busy) - (self.own - before.own)
        return 100.0 * min(max(others, 0), total) / total if total > 0 else 0.0


def usage(proc: Path = _PROC, pid: int | None = None) -> Usage | None:
    """What was used until now, by this process with all below it and by all; None where the kernel
    does not say."""
    try:
        words = (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
        ticks = [int(word) for word in words]
    except (OSError, ValueError):
        return None
    busy = sum(ticks[index] for index in _BUSY)
    return Usage(sum(ticks), busy, _own(proc, os.getpid() if pid is None else pid))


def _own(proc: Path, pid: int) -> int:
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for name in os.listdir(proc):
        if name.isdecimal():
            try:
                text = (proc / name / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(name))
            # Its own time and that of children which have ended, in user and kernel mode.
            used[int(name)] = sum(int(field) for field in fields[11:15])
    found = [pid]
    for known in found:
        found += children.get(known, [])
    return sum(used.get(known, 0) for known in found)
