"""The program as its owner runs it: real processes, a real config, a real database, and a real
manager's socket. Tests look at it through the command line's own read verbs."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from twinlens.commands.duplicates import duplicates
from twinlens.commands.files import files
from twinlens.commands.groups import groups
from twinlens.commands.status import status
from twinlens.store.database import Database

SOURCE = Path(__file__).resolve().parents[2] / "daemon"
PROGRAM = (sys.executable, "-m", "twinlens")
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")

Row = dict[str, Any]


def eventually(claim: Callable[[], object], seconds: float, what: str = "") -> float:
    """Wait until the claim is true, and say how long that took; fail where it stays false."""
    started = time.monotonic()
    while True:
        is_late = time.monotonic() - started > seconds
        if claim():
            return time.monotonic() - started
        assert not is_late, f"not within {seconds} s: {what or claim}"
        time.sleep(0.05)


class House:
    """One installation in a folder: `photos` is its root, `state` holds the database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "photos"
        self.database = folder / "state" / "twinlens.db"
        self.config = folder / "config.toml"
        self.root.mkdir(exist_ok=True)
        self.configure()

    def configure(self, *, roots: Sequence[Path] = (), **sections: Row) -> None:
        """Write the config; a section's options are laid over those that make tests quick."""
        quick: dict[str, Row] = {
            "database": {"path": str(self.database)},
            "watch": {"settle_seconds": 0.3},
            "workers": {"processes": 2, "retries": 1, "retry_pause_seconds": 0.3},
        }
        for name, options in sections.items():
            quick[name] = quick.get(name, {}) | options
        catalog = {"name": "home", "roots": [str(root) for root in roots or (self.root,)]}
        lines = ["[[catalog]]", *_options(catalog | quick.pop("catalog", {}))]
        for name, options in quick.items():
            title = "[[notify.webhook]]" if name == "webhook" else f"[{name}]"
            lines += [title, *_options(options)]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A small environment: nothing of the one who runs the tests."""
        path = os.environ.get("PATH", "/usr/bin:/bin")
        plain = {"PATH": path, "HOME": str(self.folder), "PYTHONPATH": str(SOURCE)}
        return plain | {"PYTHONWARNINGS": "ignore"} | dict(extra or {})

    def cli(
        self,
        *words: str | bytes,
        prefix: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        seconds: float = 60.0,
    ) -> "subprocess.CompletedProcess[str]":
        """Run the command line to its end."""
        return subprocess.run(
            [*prefix, *PROGRAM, "--config", str(self.config), *words],
            env=self.environ(environ),
            cwd=self.folder,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=seconds,
        )

    def ask(self, *words: str, prefix: Sequence[str] = (), codes: Sequence[int] = (0,)) -> Row:
        """Run a verb with --json that prints one object."""
        done = self.cli(*words, "--json", prefix=prefix)
        assert done.returncode in codes, f"exit {done.returncode}: {done.stderr}"
        answer: Row = json.loads(done.stdout)
        return answer

    def scan(self, *words: str, prefix: Sequence[str] = ()) -> Row:
        """`twinlens scan`; broken pictures among the files are no failure here."""
        return self.ask("scan", *words, prefix=prefix, codes=(0, 1))

    def files(self) -> dict[str, Row]:
        """What `files --json` shows, by path relative to the root."""
        if not self.database.exists():
            return {}
        rows = files(Database(self.database, read_only=True))
        return {os.path.relpath(row["path"], self.root): row for row in rows}

    def groups(self, group_type: str | None = None) -> list[Row]:
        """What `groups --json` shows."""
        return list(groups(Database(self.database, read_only=True), group_type))

    def duplicates(self, wanted: str | None = None) -> list[Row]:
        """What `duplicates --json` shows."""
        return list(duplicates(Database(self.database, read_only=True), wanted))

    def status(self) -> Row:
        """What `status --json` shows."""
        return status(Database(self.database, read_only=True))

    def root_state(self) -> Row:
        """The first root in `status --json`."""
        first: Row = self.status()["roots"][0]
        return first

    def is_quiet(self) -> bool:
        """Nothing waits and no pass is under way."""
        now = self.status()
        return not (now["queue"]["pending"] or now["queue"]["running"] or now["jobs"])


@contextmanager
def house_for_everybody() -> Iterator[House]:
    """An installation that every user of the machine can reach; its state folder is nobody's."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path(tempfile.mkdtemp(prefix="twinlens-test-"))
    folder.chmod(0o755)
    house = House(folder)
    house.database.parent.mkdir()
    os.chown(house.database.parent, 65534, 65534)
    yield house
    subprocess.run(["chmod", "-R", "u+rwx", str(folder)], check=False)
    shutil.rmtree(folder)


class Daemon:
    """`twinlens run` in a process of its own, between `with` and its end.

    `prefix` is a command that starts it, and ends up being it (`exec`).
    """

    def __init__(
        self,
        house: House,
        *,
        prefix: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        is_waited_for: bool = True,
    ) -> None:
        self._house = house
        self._prefix = prefix
        self._environ = dict(environ or {})
        self._is_waited_for = is_waited_for
        self._log = house.folder / f"daemon-{secrets.token_hex(4)}.log"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._process: subprocess.Popen[bytes]
        self.messages: list[str] = []
        """Every line that the manager was sent, in order."""

    def __enter__(self) -> Self:
        address = f"twinlens-{secrets.token_hex(8)}"
        self._socket.bind("\0" + address)
        self._socket.setblocking(False)
        environ = self._house.environ({"NOTIFY_SOCKET": "@" + address} | self._environ)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._prefix, *PROGRAM, "--config", str(self._house.config), "run"],
                env=environ,
                cwd=self._house.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            if self._is_waited_for:
                self.wait_for("READY=1", 20.0)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10.0)
        self.messages = self.told
        self._socket.close()
        if kind is not None:
            last = "\n".join(self.log.splitlines()[-30:])
            sys.stderr.write(f"--- the end of the daemon's log\n{last}\n")

    @property
    def pid(self) -> int:
        """The main process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return self._log.read_text(encoding="utf-8", errors="backslashreplace")

    @property
    def told(self) -> list[str]:
        """Every line that the manager was sent until now."""
        while self._socket.fileno() >= 0:
            try:
                message = self._socket.recv(65536).decode("utf-8", "replace")
            except BlockingIOError:
                return self.messages
            self.messages += message.split("\n")
        return self.messages

    @property
    def is_running(self) -> bool:
        """The process has not ended."""
        return self._process.poll() is None

    def wait_for(self, message: str, seconds: float) -> float:
        """Wait until the manager was sent a line that begins so."""

        def is_told() -> bool:
            if any(line.startswith(message) for line in self.told):
                return True
            assert self.is_running, f"ended with {self._process.returncode}:\n{self.log}"
            return False

        return eventually(is_told, seconds, f"{message} among {self.messages}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process."""
        self._process.send_signal(number)

    def stop(self, seconds: float = 10.0) -> float:
        """Send SIGTERM, wait for a clean end, and say how long it took."""
        started = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self.wait(seconds) == 0, self.log
        return time.monotonic() - started

    def kill(self) -> None:
        """`kill -9`, and wait until the process and what it held is gone."""
        self.signal(signal.SIGKILL)
        self._process.wait(10.0)

    def wait(self, seconds: float) -> int:
        """Wait for the end; the exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {seconds} s:\n{self.log}") from None


def processes_below(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                stat = Path("/proc", entry, "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
    found = [pid]
    for known in found:
        found += children.get(known, [])
    return found


def _options(options: Row) -> list[str]:
    return [f"{name} = {json.dumps(value)}" for name, value in options.items()]
