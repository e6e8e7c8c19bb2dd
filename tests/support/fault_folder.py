"""A root that fails as told: a folder seen through a file system of our own (FUSE)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from support.daemon import eventually
from support.mounts import Mounts

_SERVER = Path(__file__).with_name("fault_server.py")


class FaultFolder:
    """Shows `behind` at `point` within the namespace, between `with` and its end."""

    def __init__(self, mounts: Mounts, behind: Path, point: Path) -> None:
        if not Path("/dev/fuse").exists():
            pytest.skip("no FUSE here: there is no /dev/fuse")
        self._mounts = mounts
        self._behind = behind
        self.point = point
        self._orders = behind.with_name(f"{behind.name}-orders.json")
        self._control = behind.with_name(f"{behind.name}-control")
        self._server: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.order()
        words = (sys.executable, _SERVER, self._behind, self.point, self._orders)
        self._server = self._mounts.start(*words)
        try:
            eventually(lambda: self._is_mounted() or self._server.poll() is not None, 10.0)
        finally:
            if not self._is_mounted():
                self._server.kill()
                self._server.wait(10.0)
        if self._server.poll() is not None:
            pytest.skip("no FUSE here: is libfuse3 installed, and may this user mount?")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Its death ends whatever waits for an answer, too.
        self.resume()
        self.die()
        self._mounts.attempt("umount", "--lazy", self.point)
        self._mounts.attempt("umount", self._control)

    @property
    def inside(self) -> Path:
        """How the folder is reached from outside of the namespace."""
        return self._mounts.inside(self.point)

    def order(self, *faults: Mapping[str, Any], **manners: object) -> None:
        """From now on fail like this, and no other way; see `fault_server`."""
        new = self._orders.with_suffix(".new")
        new.write_text(json.dumps({"faults": list(faults), **manners}), encoding="utf-8")
        os.replace(new, self._orders)

    def hang(self) -> None:
        """Answer nothing any more, as a share whose server is gone.

        Whoever asks can still be killed: a request that the server has taken already, and that
        nothing but its answer ends, is waited for first. For those order a fault of many seconds.
        """
        waiting = self._requests()
        while True:
            self._server.send_signal(signal.SIGSTOP)
            eventually(self._is_stopped, 5.0)
            if waiting.read_text(encoding="ascii").strip() == "0":
                return
            self.resume()
            time.sleep(0.01)

    def resume(self) -> None:
        """Answer again."""
        if self._server.poll() is None:
            self._server.send_signal(signal.SIGCONT)

    def die(self) -> None:
        """End the server, and leave the mount behind: ENOTCONN for everybody."""
        if self._server.poll() is None:
            self._server.kill()
        self._server.wait(10.0)

    def _requests(self) -> Path:
        """The kernel's count of requests to the server that have no answer yet."""
        if not self._control.exists():
            self._control.mkdir()
            done = self._mounts.attempt("mount", "-t", "fusectl", "none", self._control)
            assert done.returncode == 0, done.stderr
        number = os.minor(self.inside.stat().st_dev)
        return self._mounts.inside(self._control) / str(number) / "waiting"

    def _is_stopped(self) -> bool:
        tasks = Path(f"/proc/{self._server.pid}/task")
        states = [(task / "stat").read_text(encoding="ascii") for task in tasks.iterdir()]
        return all(state.rpartition(")")[2].split()[0] == "T" for state in states)

    def _is_mounted(self) -> bool:
        found = self._mounts.attempt("findmnt", "--noheadings", "--types", "fuse", self.point)
        return found.returncode == 0
