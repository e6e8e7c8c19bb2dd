"""Runs a command and says what it and everything that it started cost.

The processes of twinlens's workers outlive its main process by a moment and are nobody's children
then. This process adopts them (`PR_SET_CHILD_SUBREAPER`), so that the kernel's sum of the children
leaves nobody out.
"""

import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A measured command failed; the message ends with what it wrote to stderr."""


class CostlyError(Exception):
    """A measured command took longer than it was given, and was ended."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from start to end, of processor time in all processes, and the most memory at once.

    `rss_bytes` sums the resident memory of all processes and counts what they share more than once;
    `pss_bytes` counts it once. `others_cores` is how many cores the rest of the machine had busy
    meanwhile: where that and one's own work are more than there are, the wall clock says little.
    """

    wall_seconds: float
    cpu_seconds: float
    rss_bytes: int
    pss_bytes: int
    others_cores: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a tree of processes at one moment."""

    processes: int
    rss_bytes: int
    pss_bytes: int


def adopt_orphans() -> None:
    """Become the parent of all processes below that lose theirs. Once a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def cost_of(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    accepted: Collection[int] = (0,),
    within_seconds: float | None = None,
) -> tuple[Cost, str]:
    """Run to the end; returns the cost and what was written to stdout. Raises CommandError, and
    CostlyError where it did not end within the seconds that it was given.

    `environment` comes on top of this process's own; any exit code but the `accepted` is a failure.

    Call `adopt_orphans` first, and let no other child run meanwhile.
    """
    before, machine_before = children_seconds(), machine_seconds()
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    with _PeakSampler(os.getpid()) as peak:
        try:
            output, errors = process.communicate(timeout=within_seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.communicate()
            _reap_orphans()
            raise CostlyError(f"given up after {within_seconds:.0f} s") from None
        wall = time.perf_counter() - started
        _reap_orphans()
    if process.returncode not in accepted:
        raise CommandError(f"{command[0]} ended with {process.returncode}: {errors[-2000:]}")
    cpu = children_seconds() - before
    others = max(machine_seconds() - machine_before - cpu, 0.0) / wall
    return Cost(wall, cpu, peak.rss_bytes, peak.pss_bytes, others), output


def memory_below(pid: int) -> Memory:
    """The memory of all processes that descend from this one, itself left out."""
    sizes = [size for child in descendants(pid) if (size := _memory(child)) is not None]
    return Memory(len(sizes), sum(rss for rss, _ in sizes), sum(pss for _, pss in sizes))


def own_memory() -> Memory:
    """The memory of this process."""
    return Memory(1, *(_memory(os.getpid()) or (0, 0)))


def cpu_seconds_below(pid: int) -> float:
    """The processor time so far of all processes that descend from this one and are still there."""
    return sum(_cpu_seconds(child) for child in descendants(pid))


def descendants(pid: int) -> Iterator[int]:
    """Every living process below this one."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat_fields(int(name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    waiting = list(children.get(pid, ()))
    while waiting:
        child = waiting.pop()
        yield child
        waiting += children.get(child, ())


class _PeakSampler:
    """Looks at the memory below a process every now and then, on its own thread."""

    def __init__(self, pid: int) -> None:
        self.rss_bytes = 0
        self.pss_bytes = 0
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peak")

    def __enter__(self) -> "_PeakSampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            memory = memory_below(self._pid)
            self.rss_bytes = max(self.rss_bytes, memory.rss_bytes)
            self.pss_bytes = max(self.pss_bytes, memory.pss_bytes)


def _reap_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def children_seconds() -> float:
    """The processor time of all children that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine_seconds() -> float:
    """The processor time of the whole machine, from the first line of /proc/stat.

    user, nice and system; then idle, waiting and interrupts, of which only the last are work.
    """
    ticks = [int(field) for field in Path("/proc/stat").read_text().split()[1:8]]
    return (sum(ticks[:3]) + sum(ticks[5:7])) / _TICKS


def _memory(pid: int) -> tuple[int, int] | None:
    """(resident, proportional) bytes; None for a process that has just ended."""
    try:
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (OSError, IndexError):
        return None
    proportional = next((line for line in lines if line.startswith("Pss:")), "Pss: 0 kB")
    return resident, int(proportional.split()[1]) * 1024


def _cpu_seconds(pid: int) -> float:
    fields = _stat_fields(pid)
    return sum(int(ticks) for ticks in fields[11:13]) / _TICKS if fields else 0.0


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold anything: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
