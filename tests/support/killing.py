"""Ends a piece of work at any of its calls of the kernel, or lets one call fail, by strace."""

import mmap
import os
import shutil
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WRITE_PATH = (
    *(
        "openat",
        "mkdirat",
        "mkdir",
        "linkat",
        "renameat",
        "renameat2",
        "unlinkat",
        "unlink",
        "rmdir",
    ),
    *("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fcntl", "ioctl", "pread64"),
)
"""The calls at which a crash or an error makes a difference."""

_LAST = ("exit", "exit_group", "restart_syscall", "clock_nanosleep")
"""Not of the work: its end, and the waiting for its begin."""


def require_strace() -> None:
    """Skip where processes cannot be traced."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")


def run_under(
    fault: str | None,
    log: Path,
    work: Callable[[], object],
    *,
    has_threads: bool = False,
    is_every_call: bool = False,
) -> int:
    """Run `work` in a child under one fault ("SYSCALL:signal=SIGKILL:when=3"); its exit status.

    The child is forked, waits until strace is there, and ends without any cleaning up. The fault
    counts from the begin of `work`. A negative status is a signal, 0 the end of the work, 1 an
    exception of it. `log` receives what strace saw: the write path, or every call. Only the thread
    of `work` is meant, unless it `has_threads`: each of them then counts its own calls.
    """
    # Not a pipe: a read that waits while strace comes is counted as one of the work's own.
    gate = mmap.mmap(-1, 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            while not gate[0]:
                time.sleep(0.001)
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may leave the child another way
            with log.with_suffix(".error").open("w", encoding="utf-8") as report:
                traceback.print_exc(file=report)
        finally:
            os._exit(status)
    words = ["strace", "-qq", "-o", str(log), "-p", str(child), "-e", "signal=none"]
    calls = WRITE_PATH if fault is None else (fault.split(":")[0],)
    words += ["-e", "trace=all" if is_every_call and not fault else f"trace={','.join(calls)}"]
    if fault is not None:
        words += ["-e", f"inject={fault}"]
    if has_threads:
        words.append("-f")
    tracer = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        _wait_for_tracer(child, tracer)
        gate[0] = 1
        _, status = os.waitpid(child, 0)
    finally:
        tracer.wait(20)
        gate.close()
    return os.waitstatus_to_exitcode(status)


def calls_of(log: Path, *, is_every_call: bool = False) -> dict[str, int]:
    """How often each call was made in a run without a fault."""
    found: dict[str, int] = {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        name = line.split("(", 1)[0].split(" ")[-1]
        if name in WRITE_PATH or (is_every_call and name.isidentifier() and name not in _LAST):
            found[name] = found.get(name, 0) + 1
    return found


def kills(calls: dict[str, int]) -> Iterator[str]:
    """One fault for each call: the process ends as it begins it."""
    for name, times in sorted(calls.items()):
        for number in range(1, times + 1):
            yield f"{name}:signal=SIGKILL:when={number}"


def failures(calls: dict[str, int], error: str) -> Iterator[str]:
    """One fault for each call: it fails with this error, once."""
    for name, times in sorted(calls.items()):
        for number in range(1, times + 1):
            yield f"{name}:error={error}:when={number}"


def thinned(calls: dict[str, int], most: int) -> dict[str, list[int]]:
    """Which times of each call to try: all of them, or about `most` spread over them."""
    return {
        name: list(range(1, times + 1, max(1, -(-times // most))))
        for name, times in sorted(calls.items())
    }


def _wait_for_tracer(child: int, tracer: "subprocess.Popen[bytes]") -> None:
    path = Path(f"/proc/{child}/status")
    for _ in range(2000):
        if f"TracerPid:\t{tracer.pid}\n" in path.read_text(encoding="ascii"):
            return
        if tracer.poll() is not None:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.skip("processes cannot be traced here")
        time.sleep(0.002)
    raise AssertionError("strace did not attach")
