"""A private mount namespace: tests mount and unmount in it, and nobody else sees it."""

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from support.daemon import eventually


class Mounts:
    """Held by a sleeping process between `with` and its end. `prefix` starts a command inside."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can mount")
        self._holder: subprocess.Popen[bytes]
        self._images: list[Path] = []

    def __enter__(self) -> Self:
        command = ["unshare", "--mount", "--propagation", "private", "sleep", "infinity"]
        self._holder = subprocess.Popen(command)
        own = os.readlink("/proc/self/ns/mnt")
        try:
            eventually(lambda: self._namespace() != own and self._is_holding(), 5.0)
        except AssertionError:
            pytest.skip("no mount namespaces here")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holder.kill()
        self._holder.wait()
        for image in self._images:
            image.unlink()

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command so that it runs inside."""
        return ("nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--")

    def run(self, *command: str | Path) -> None:
        """Run a command inside; fail where it fails."""
        words = [*self.prefix, *map(str, command)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def inside(self, path: Path) -> Path:
        """How a path inside is reached from outside."""
        return Path(f"/proc/{self._holder.pid}/root") / path.relative_to("/")

    def tmpfs(self, path: Path, size: str = "64m") -> None:
        """Mount an empty file system in memory."""
        self.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)

    def new_disk(self, mib: int = 16) -> Path:
        """Make a disk: an image with an empty ext4 on it."""
        descriptor, name = tempfile.mkstemp(suffix=".img")
        os.ftruncate(descriptor, mib << 20)
        os.close(descriptor)
        self._images.append(Path(name))
        subprocess.run(["mkfs.ext4", "-q", "-F", name], check=True, capture_output=True)
        return Path(name)

    def mount(self, disk: Path, path: Path) -> None:
        """Mount such a disk."""
        self.run("mount", "-o", "loop", disk, path)

    def unmount(self, path: Path) -> None:
        """Unmount whatever is mounted there, as an owner does: not lazily, not by force."""
        self.run("umount", path)

    def _namespace(self) -> str:
        return os.readlink(f"/proc/{self._holder.pid}/ns/mnt")

    def _is_holding(self) -> bool:
        return Path(f"/proc/{self._holder.pid}/comm").read_text(encoding="ascii") == "sleep\n"
