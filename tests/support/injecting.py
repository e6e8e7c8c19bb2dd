"""Commands to put before a program, so that it runs with a failing kernel, another clock, or less
of something than it is used to."""

import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Self

import pytest

from support.daemon import eventually
from support.killing import require_strace


def injected(log: Path, *faults: str, path: Path | None = None) -> tuple[str, ...]:
    """Let calls of a program fail: "fsync:error=EIO:when=3", "openat:delay_enter=1000" (µs).

    The program is the direct child: strace stands beside it, not above. With `path` only calls that
    have to do with it fail. strace writes what it saw into `log`.
    """
    require_strace()
    calls = ",".join(sorted({fault.split(":")[0] for fault in faults}))
    words = ["strace", "-D", "-f", "-qq", "-o", str(log), "-e", "signal=none"]
    words += ["--seccomp-bpf"] if path is None else ["-P", str(path)]
    words += ["-e", f"trace={calls}"]
    for fault in faults:
        words += ["-e", f"inject={fault}"]
    return (*words, "--")


def hits_of(log: Path) -> int:
    """How many calls were made to fail, or delayed."""
    try:
        told = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return 0
    return sum("(INJECTED)" in line or "(DELAYED)" in line for line in told.splitlines())


def with_few(limit: str, number: int) -> tuple[str, ...]:
    """A lower limit of inotify for one program: `watches` or `instances`.

    In a user namespace of its own, where root is root over its own files only.
    """
    prefix = (
        *("unshare", "--user", "--map-root-user", "sh", "-c"),
        f'echo {number} > /proc/sys/user/max_inotify_{limit} && exec "$0" "$@"',
    )
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    return prefix


def with_limit(option: str, number: int) -> tuple[str, ...]:
    """A limit of `ulimit` for one program: "-n" descriptors, "-u" processes, "-f" blocks."""
    return ("sh", "-c", f'ulimit {option} {number} && exec "$0" "$@"')


class FalseClock:
    """A clock of the wall that can be set while a program runs; waiting goes on as ever.

    `environ` is what the program needs; `jump` moves it. (libfaketime moves the waiting, too.)
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("no C compiler here, to build a false clock with")
        self._library = folder / "false_clock.so"
        source = Path(__file__).with_name("false_clock.c")
        words = [compiler, "-shared", "-fPIC", "-O1", "-o", self._library, source, "-ldl"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"the false clock cannot be built here: {done.stderr[:200]}")
        self._file = folder / "false-clock"
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """From now on the clock is so far from the true one."""
        # In place: the programs have it mapped.
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    @property
    def environ(self) -> dict[str, str]:
        """What is put into the environment of the program."""
        return {"LD_PRELOAD": str(self._library), "FALSE_CLOCK": str(self._file)}


class Injection:
    """Lets calls of a running process fail, between `with` and its end; see `injected`.

    Processes that it starts from then on are meant, too; those that it had started are not.
    """

    def __init__(self, pid: int, log: Path, *faults: str, path: Path | None = None) -> None:
        command = injected(log, *faults, path=path)
        # The process is there already: no -D and no --seccomp-bpf, which want to start it.
        words = [word for word in command[:-1] if word not in ("-D", "--seccomp-bpf")]
        self._words = [*words, "-p", str(pid)]
        self._pid = pid
        self._tracer: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._tracer = subprocess.Popen(self._words, stderr=subprocess.DEVNULL)
        eventually(self._is_attached, 10.0, "strace has attached")
        return self

    def __exit__(self, *_: object) -> None:
        self._tracer.terminate()
        self._tracer.wait(10.0)

    def _is_attached(self) -> bool:
        if self._tracer.poll() is not None:
            pytest.skip("processes cannot be traced here")
        wanted = f"TracerPid:\t{self._tracer.pid}\n"
        threads = list(Path(f"/proc/{self._pid}/task").glob("*/status"))
        return all(wanted in thread.read_text(encoding="ascii") for thread in threads)


class ControlGroup:
    """A control group with a limit, between `with` and its end; `prefix` puts a program into it."""

    def __init__(self, controller: str, limit: str, number: int) -> None:
        self._folder = Path("/sys/fs/cgroup") / controller / f"twinlens-test-{os.getpid()}"
        self._limit = limit
        self._number = number

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or not (self._folder.parent / "tasks").exists():
            pytest.skip(f"no control group {self._folder.parent.name} here")
        try:
            self._folder.mkdir()
            self.set_limit(self._number)
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        return self

    def __exit__(self, *_: object) -> None:
        eventually(self._is_removed, 10.0, "every process of the control group has ended")

    def _is_removed(self) -> bool:
        try:
            self._folder.rmdir()
        except OSError:
            return False
        return True

    def set_limit(self, number: int) -> None:
        """Another limit from now on."""
        (self._folder / self._limit).write_text(str(number), encoding="ascii")

    def used(self, what: str) -> int:
        """A figure that the group tells: "pids.current"."""
        return int((self._folder / what).read_text(encoding="ascii"))

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a program."""
        return ("sh", "-c", f'echo $$ > {self._folder}/tasks && exec "$0" "$@"')
