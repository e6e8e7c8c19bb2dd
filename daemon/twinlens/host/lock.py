"""One twinlens process to a database, held by a lock file that lies beside it.

The lock is `flock`, which the kernel drops however the process ends; the text in the file only
names the holder. The file is never deleted, or two processes could lock two files of one name. The
database's own files are never opened: closing them would drop SQLite's locks.
"""

import fcntl
import os
import re
from contextlib import suppress
from types import TracebackType
from typing import Self

from twinlens.errors import CannotRunError, LockedError

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_LOCKS = "/proc/locks"
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW

Path = str | os.PathLike[str]


def lock_path(database: Path) -> str:
    """Name the lock file of a database."""
    return f"{os.fspath(database)}.lock"


def holder(database: Path) -> int | None:
    """Give the process id that holds a database, None where none does.

    It reads the kernel's table and never takes the lock, so it cannot get in a daemon's way.
    """
    try:
        with open(lock_path(database), "rb", opener=_open_to_read) as file:
            found = os.fstat(file.fileno())
            recorded = _recorded_pid(file.read(256))
        with open(_LOCKS, encoding="ascii", errors="replace") as table:
            locks = table.read()
    except OSError:
        return None
    pattern = r"^\d+: FLOCK\s+\S+\s+WRITE\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s"
    for pid, major, minor, inode in re.findall(pattern, locks, re.MULTILINE):
        device = os.makedev(int(major, 16), int(minor, 16))
        # btrfs has one device number for `stat` and another for locks; then the text decides.
        if int(inode) == found.st_ino and (device == found.st_dev or int(pid) == recorded):
            return int(pid)
    return None


class ProcessLock:
    """Holds the lock of a database from `with` to its end.

    Raises LockedError, naming the holder, where another process has it, and CannotRunError where
    the file cannot be made. A process forked meanwhile holds it too, one executed does not.
    """

    def __init__(self, database: Path) -> None:
        self._path = lock_path(database)
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        while self._descriptor is None:
            self._descriptor = self._locked()
        # The text only names the holder, and a full disk has no room for it.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n{_boot_id()}\n".encode("ascii"), 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def is_in_place(self) -> bool:
        """False once the file was deleted or replaced: another process may lock the new one."""
        try:
            found = os.stat(self._path, follow_symlinks=False)
        except OSError:
            return False
        descriptor = self._descriptor
        return descriptor is not None and os.path.samestat(os.fstat(descriptor), found)

    def _locked(self) -> int | None:
        """Open and lock the file; None where it was replaced in between."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        except OSError as error:
            raise CannotRunError(
                f"the lock file cannot be opened ({error.strerror}): {self._path}",
                "The folder of the database must exist and be writable by the daemon's user.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.stat(self._path, follow_symlinks=False)):
                return descriptor
        except BlockingIOError as error:
            pid = _recorded_pid(os.pread(descriptor, 256, 0))
            os.close(descriptor)
            name = "another process" if pid is None else f"process {pid}"
            raise LockedError(
                f"{name} works on this database: {self._path.removesuffix('.lock')}",
                "Stop it first, or give this one a database of its own.",
            ) from error
        except FileNotFoundError:
            pass
        except OSError as error:
            os.close(descriptor)
            raise CannotRunError(
                f"the database cannot be locked ({error.strerror}): {self._path}",
                "Keep the database on a local disk.",
            ) from error
        os.close(descriptor)
        return None


def _open_to_read(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)


def _recorded_pid(text: bytes) -> int | None:
    """Read the holder's number; None where it was written before the machine was last started."""
    lines = text.decode("ascii", "replace").split()
    if len(lines) != 2 or not lines[0].isdecimal() or lines[1] != _boot_id():
        return None
    return int(lines[0])


def _boot_id() -> str:
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "unknown"
