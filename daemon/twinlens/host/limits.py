"""What this machine allows: inotify watches and memory. It reads, and changes nothing."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PROC_SYS = Path("/proc/sys")
_CGROUP = Path("/sys/fs/cgroup")
_SENSIBLE_WATCHES = 65536
_SENSIBLE_INSTANCES = 512


@dataclass(frozen=True, slots=True)
class Limit:
    """One sysctl and its value, None where this kernel does not have it."""

    sysctl: str
    value: int | None


@dataclass(frozen=True, slots=True)
class InotifyLimits:
    """The limits that a watcher runs into, each the tighter of the system's and the user's."""

    watches: Limit
    instances: Limit
    queued_events: Limit

    def watch_advice(self, wanted: int = 0) -> str:
        """Say in one line how to make room for `wanted` watched folders."""
        # Twice over, because a tree grows and other programs watch folders too.
        return _advice(self.watches, max(_SENSIBLE_WATCHES, _next_power_of_two(2 * wanted)))

    def instance_advice(self) -> str:
        """Say in one line how to make room for one more watcher."""
        return _advice(self.instances, max(_SENSIBLE_INSTANCES, 2 * (self.instances.value or 0)))


def read_inotify_limits(proc_sys: Path = _PROC_SYS) -> InotifyLimits:
    """Read the limits as they are now."""
    return InotifyLimits(
        watches=_tighter(proc_sys, "fs.inotify.max_user_watches", "user.max_inotify_watches"),
        instances=_tighter(proc_sys, "fs.inotify.max_user_instances", "user.max_inotify_instances"),
        queued_events=_limit(proc_sys, "fs.inotify.max_queued_events"),
    )


def memory_bytes(cgroup: Path = _CGROUP, own_cgroup: Path = Path("/proc/self/cgroup")) -> int:
    """Give the memory that this process may use: the machine's, or its control group's if less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [machine]
    for folder in _control_groups(cgroup, own_cgroup):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(folder / name)
            if limit:
                limits.append(limit)
    return min(limits)


def _control_groups(cgroup: Path, own_cgroup: Path) -> list[Path]:
    """List the folders of this process's groups and all above them (cgroups(7))."""
    try:
        text = own_cgroup.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    folders = [cgroup, cgroup / "memory"]
    for controllers, path in re.findall(r"^\d+:([^:\n]*):/(.*)$", text, re.MULTILINE):
        if controllers == "" or "memory" in controllers.split(","):
            folder = (cgroup / "memory" if controllers else cgroup) / path
            folders += [each for each in (folder, *folder.parents) if each.is_relative_to(cgroup)]
    return folders


def _advice(limit: Limit, wanted: int) -> str:
    value = "not known" if limit.value is None else str(limit.value)
    line = f"{limit.sysctl}={wanted}"
    return (
        f"{limit.sysctl} is {value}; set it to {wanted}: "
        f"sysctl -w {line}, and the line {line} in /etc/sysctl.d/90-twinlens.conf"
    )


def _tighter(proc_sys: Path, system: str, user: str) -> Limit:
    first, second = _limit(proc_sys, system), _limit(proc_sys, user)
    if first.value is not None and second.value is not None and second.value < first.value:
        return second
    return first


def _limit(proc_sys: Path, sysctl: str) -> Limit:
    return Limit(sysctl, _number(proc_sys / sysctl.replace(".", "/")))


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _next_power_of_two(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()
