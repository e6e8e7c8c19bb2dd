"""twinlens as the benchmark runs it: whole processes with a config and a database of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import Cost, Memory, cost_of, cpu_seconds_below, memory_below

PROGRAM = Path(sys.executable).with_name("twinlens")
_SCAN_ENDS_WITHIN_SECONDS = 3600.0


class SubjectError(Exception):
    """twinlens did something else than it was asked for: a number would mean nothing."""


@dataclass(frozen=True, slots=True)
class Idle:
    """The daemon that has nothing to do: memory of all its processes, and its share of one core."""

    memory: Memory
    cpu_percent: float


class Subject:
    """twinlens looking at `roots` with `processes` workers; its files lie in `folder`.

    `pictures` is how many files it has to find, `more` further lines of its config: of its workers,
    and then of other sections.
    """

    def __init__(
        self, roots: Sequence[Path], folder: Path, processes: int, pictures: int, more: str = ""
    ) -> None:
        self._folder = folder
        self._config = folder / "config.toml"
        self._pictures = pictures
        self._text = (
            f"[database]\npath = {json.dumps(str(folder / 'state' / 'twinlens.db'))}\n"
            # Not nice: what else runs on the machine must hit the floor and the scan alike.
            f"[workers]\nprocesses = {processes}\nnice = 0\n{more}"
            f'[[catalog]]\nname = "bench"\nroots = {json.dumps([str(root) for root in roots])}\n'
        )

    def forget(self) -> None:
        """Begin with no database."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._config.write_text(self._text)

    def scan(self, *, is_first: bool, may_fail: bool = False) -> Cost:
        """One scan; raises SubjectError where it did not find what it should.

        With `may_fail` some of the files may be broken.
        """
        # It ends with 1 where it tells of broken files.
        accepted = (0, 1) if may_fail else (0,)
        cost, output = cost_of([*self._command("scan"), "--json"], accepted=accepted)
        found = json.loads(output)
        expected = self._pictures if is_first else 0
        is_complete = (found["files"], found["added"]) == (self._pictures, expected)
        if not is_complete or (found["failed"] and not may_fail):
            raise SubjectError(f"a scan of {self._pictures} pictures said: {output}")
        return cost

    def duplicates(self) -> tuple[list[list[str]], list[list[str]]]:
        """What it says of the files: (byte-identical ones, ones that show the same), by path."""
        exact: list[list[str]] = []
        perceptual: list[list[str]] = []
        for group in self._listed("duplicates"):
            found = exact if group["duplicate_type"] == "exact" else perceptual
            found.append([member["path"] for member in group["members"]])
        return exact, perceptual

    def files(self) -> Iterator[dict[str, Any]]:
        """What it knows of each file, as its command line shows it."""
        return self._listed("files")

    def _listed(self, verb: str) -> Iterator[dict[str, Any]]:
        command = [*self._command(verb), "--json"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        return map(json.loads, listed.stdout.splitlines())

    def idle(self, quiet_seconds: float, watched_seconds: float) -> Idle:
        """Start the daemon, let it take in what it does not know, and look at it when it rests.

        With a fresh database it has done all the work itself, so that what it does not give back
        afterwards is counted.
        """
        with (self._folder / "daemon.log").open("wb") as log:
            daemon = subprocess.Popen(self._command("run"), stdout=log, stderr=log)
        try:
            self._await_first_scan(daemon)
            time.sleep(quiet_seconds)
            memory = memory_below(os.getpid())
            before, started = cpu_seconds_below(os.getpid()), time.perf_counter()
            time.sleep(watched_seconds)
            used = cpu_seconds_below(os.getpid()) - before
            return Idle(memory, 100 * used / (time.perf_counter() - started))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)

    def _await_first_scan(self, daemon: "subprocess.Popen[bytes]") -> None:
        log = self._folder / "daemon.log"
        end = time.monotonic() + _SCAN_ENDS_WITHIN_SECONDS
        while b"scan of" not in log.read_bytes():
            if daemon.poll() is not None or time.monotonic() > end:
                raise SubjectError(f"the daemon's first scan did not end; see {log}")
            time.sleep(0.2)

    def _command(self, verb: str) -> list[str]:
        return [str(PROGRAM), "--config", str(self._config), verb]
