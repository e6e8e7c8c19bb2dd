"""A daemon as its owner runs it: a config, a database, a manager's socket, and its log.

The log is read as it is written: an event stands there once it is committed, so the time at which
its line comes is when the daemon has done with a file, and no polling adds to it or to the load.
"""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from measuring import Memory, cpu_seconds_below, descendants, memory_below
from subject import PROGRAM, SubjectError

_ENDS_WITHIN_SECONDS = 30.0
_WAITS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Household:
    """The config of one installation: its roots, its database, the time a file has to settle.

    Everything else is as it is delivered, but for `nice`: the times of a process that stands back
    say how busy the machine is.
    """

    config: Path
    database: Path
    roots: Sequence[Path]
    settle_seconds: float = 1.0
    processes: int = 0

    def write(self) -> None:
        """Write the config."""
        roots = ", ".join(json.dumps(str(root)) for root in self.roots)
        self.config.write_text(
            f"[database]\npath = {json.dumps(str(self.database))}\n"
            f"[watch]\nsettle_seconds = {self.settle_seconds}\n"
            f"[workers]\nprocesses = {self.processes}\nnice = 0\n"
            '[log]\nformat = "json"\n'
            # Passes by the clock would fall into what is measured; some read the files again.
            "[verify]\nminutes_a_day = 0\n[backup]\nkeep = 0\n"
            f'[[catalog]]\nname = "bench"\nroots = [{roots}]\n',
            encoding="utf-8",
        )

    def command(self, verb: str, *words: str) -> list[str]:
        """The command line of a verb."""
        return [str(PROGRAM), "--config", str(self.config), verb, *words]


@dataclass(frozen=True, slots=True)
class Use:
    """Processor time, and bytes that the disk was asked for and given, up to a moment."""

    at: float
    cpu_seconds: float
    read_bytes: int
    written_bytes: int


class Daemon:
    """The daemon of a household, from `with` to its end. All times are monotonic seconds.

    Raises SubjectError where it ends by itself, or does not do what is waited for in time.
    """

    def __init__(self, household: Household) -> None:
        self._household = household
        self._socket = household.config.with_name("notify.socket")
        self._process: subprocess.Popen[bytes]
        self._changed = threading.Condition()
        self._lines: list[tuple[float, dict[str, Any]]] = []
        self._is_at_end = False
        self.started_at = 0.0
        self.ready_seconds = 0.0
        """From the start of the process until it said that it is ready."""

    def __enter__(self) -> Self:
        self._socket.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self._socket))
            self.started_at = time.monotonic()
            self._process = subprocess.Popen(
                self._household.command("run"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=os.environ | {"NOTIFY_SOCKET": str(self._socket)},
            )
            threading.Thread(target=self._read, name="log", daemon=True).start()
            try:
                self._await_ready(manager)
            except BaseException:
                self._end()
                raise
            self.ready_seconds = time.monotonic() - self.started_at
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def events(self, name: str) -> list[tuple[float, Mapping[str, Any]]]:
        """The events of this name so far: when the line came, and the event's details."""
        with self._changed:
            lines = list(self._lines)
        return [
            (at, line["event"]["details"])
            for at, line in lines
            if line.get("event", {}).get("name") == name
        ]

    def warnings(self) -> list[str]:
        """What it warned of so far."""
        with self._changed:
            return [
                str(line.get("message"))
                for _, line in self._lines
                if line.get("level") in ("warning", "error")
            ]

    def await_events(
        self, name: str, count: int, seconds: float
    ) -> list[tuple[float, Mapping[str, Any]]]:
        """Wait until there are so many events of this name."""
        end = time.monotonic() + seconds
        with self._changed:
            while len(found := self.events(name)) < count:
                if self._is_at_end or time.monotonic() > end:
                    said = [line.get("message") for _, line in self._lines[-5:]]
                    raise SubjectError(
                        f"{len(found)} of {count} events {name} within {seconds} s; last: {said}"
                    )
                self._changed.wait(_WAITS_SECONDS)
        return found

    def await_scan(self, seconds: float) -> Mapping[str, Any]:
        """Wait for the end of the scan that every start begins with; returns what it found."""
        for _ in range(1000):
            passes = self.events("pass_finished")
            scans = [details for _, details in passes if details.get("task") == "scan"]
            if scans:
                return scans[0]
            self.await_events("pass_finished", len(passes) + 1, seconds)
        raise SubjectError("passes end one after the other and none is a scan")

    def use(self) -> "Use":
        """What all its processes have taken so far: all below this one, which has no other."""
        counts = [_io_counts(pid) for pid in descendants(os.getpid())]
        return Use(
            time.monotonic(),
            cpu_seconds_below(os.getpid()),
            sum(count.get("read_bytes", 0) for count in counts),
            sum(count.get("write_bytes", 0) for count in counts),
        )

    def memory(self) -> Memory:
        """The memory of all its processes now."""
        return memory_below(os.getpid())

    def send(self, number: signal.Signals) -> None:
        """A signal to the main process."""
        self._process.send_signal(number)

    def _await_ready(self, manager: socket.socket) -> None:
        manager.settimeout(_WAITS_SECONDS)
        while self._process.poll() is None:
            try:
                if "READY=1" in manager.recv(4096).decode().splitlines():
                    return
            except TimeoutError:
                continue
        raise SubjectError(f"the daemon ended with {self._process.returncode}: {self._lines[-3:]}")

    def _read(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        for line in stream:
            at = time.monotonic()
            try:
                told = json.loads(line)
            except ValueError:
                told = {"message": line.decode(errors="replace").rstrip()}
            with self._changed:
                self._lines.append((at, told))
                self._changed.notify_all()
        with self._changed:
            self._is_at_end = True
            self._changed.notify_all()

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_ENDS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket.unlink(missing_ok=True)


def _io_counts(pid: int) -> dict[str, int]:
    """proc(5), /proc/PID/io; empty for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines)}
