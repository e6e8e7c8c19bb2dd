"""A private mount namespace: tests mount and unmount in it, and nobody else sees it."""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from support.daemon import eventually

DISKS = {
    "ext4": (16, ("mkfs.ext4", "-q", "-F")),
    "btrfs": (128, ("mkfs.btrfs", "-q", "-f")),
    "xfs": (320, ("mkfs.xfs", "-q", "-f", "-m", "reflink=1")),
    "ntfs": (16, ("mkntfs", "-q", "-F", "-f")),
}
"""For each file system the least MiB that it needs, and what makes it."""


class Mounts:
    """Held by a sleeping process between `with` and its end. `prefix` starts a command inside."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can mount")
        self._holder: subprocess.Popen[bytes]
        self._images: list[Path] = []
        # What is served by a process of its own keeps the namespace alive until it is unmounted.
        self._helpers: list[Path] = []

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
        for point in self._helpers:
            self.attempt("umount", point)
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
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def inside(self, path: Path) -> Path:
        """How a path inside is reached from outside."""
        return Path(f"/proc/{self._holder.pid}/root") / path.relative_to("/")

    def tmpfs(self, path: Path, size: str = "64m") -> None:
        """Mount an empty file system in memory."""
        self.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)

    def new_disk(self, mib: int = 16, kind: str = "ext4", options: Sequence[str] = ()) -> Path:
        """Make a disk: an image with an empty file system on it; a skip where none can be made."""
        least, make = DISKS[kind]
        if shutil.which(make[0]) is None:
            pytest.skip(f"{make[0]} is not installed")
        descriptor, name = tempfile.mkstemp(suffix=".img")
        os.ftruncate(descriptor, max(mib, least) << 20)
        os.close(descriptor)
        self._images.append(Path(name))
        subprocess.run([*make, *options, name], check=True, capture_output=True)
        return Path(name)

    def mount(self, disk: Path, path: Path, kind: str = "ext4", options: str = "loop") -> None:
        """Mount such a disk; a skip where this kernel has no such file system."""
        done = self.attempt("mount", "-t", kind, "-o", options, disk, path)
        if done.returncode != 0 and "unknown filesystem type" in done.stderr:
            pytest.skip(f"{kind} cannot be mounted here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr

    def mount_folding(self, disk: Path, path: Path) -> None:
        """Mount an NTFS disk that does not tell IMG.JPG from img.jpg."""
        done = self.attempt("lowntfs-3g", "-o", "ignore_case", disk, path)
        if done.returncode != 0:
            pytest.skip(f"ntfs-3g does not mount here: {done.stderr.strip()[:200]}")
        self._helpers.append(path)

    def bind(self, folder: Path, path: Path) -> None:
        """Let a folder be seen at another path, as a mount of its own."""
        self.run("mount", "--bind", folder, path)

    def remount(self, path: Path, options: str) -> None:
        """Change the options of a mount: "ro", "rw"."""
        self.run("mount", "-o", f"remount,{options}", path)

    def attempt(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, whatever becomes of it."""
        words = [*self.prefix, *map(str, command)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def start(self, *command: str | Path) -> "subprocess.Popen[bytes]":
        """Start a process inside; whoever starts it ends it."""
        words = [*self.prefix, *map(str, command)]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def unmount(self, path: Path) -> None:
        """Unmount whatever is mounted there, as an owner does: not lazily, not by force."""
        self.run("umount", path)

    def _namespace(self) -> str:
        return os.readlink(f"/proc/{self._holder.pid}/ns/mnt")

    def _is_holding(self) -> bool:
        return Path(f"/proc/{self._holder.pid}/comm").read_text(encoding="ascii") == "sleep\n"


def fill_up(folder: Path) -> Path:
    """Write a file until nothing fits any more; the file."""
    ballast = folder / "ballast.bin"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 512):
            try:
                while True:
                    file.write(b"\0" * size)
                    os.fsync(file.fileno())
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
    return ballast
