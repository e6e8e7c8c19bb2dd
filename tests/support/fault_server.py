"""A file system in user space that shows another folder, and fails where it is told to.

Run as a program: `fault_server.py FOLDER MOUNT_POINT ORDERS`. ORDERS is a JSON file that is looked
at before each call:

    {"faults": [{"call": "read", "path": "/one.jpg", "error": 5, "from": 4096, "seconds": 1.0}],
     "inodes_from": 7000, "one_form": "NFC", "ignores_case": true}

`inodes_from` is added to every inode number but the root's, as if the server had been started anew.
`path` is a shell pattern and may be left out, as may `from` (a byte that a read comes to) and
`seconds` (a delay before the call). Without `error` there is the delay alone.
"""

import errno
import fnmatch
import json
import os
import stat
import sys
import time
import unicodedata
from typing import Any

import mfusepy

_STAT = (
    *("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size"),
    *("st_atime_ns", "st_mtime_ns", "st_ctime_ns"),
)
_STATVFS = (
    *("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files"),
    *("f_flag", "f_frsize", "f_namemax"),
)


class FaultServer(mfusepy.Operations):
    """Passes each call on to the folder, after it has looked for a fault that is meant for it."""

    use_ns = True

    def __init__(self, folder: str, orders: str) -> None:
        self._folder = folder
        self._orders_path = orders
        self._read_at = -1
        self._orders: dict[str, Any] = {}

    def init_with_config(self, connection: Any, config: Any) -> None:
        """Nothing is remembered by the kernel, and inode numbers are ours."""
        if config is not None:
            config.use_ino = 1
            config.entry_timeout = config.attr_timeout = config.negative_timeout = 0.0
            config.direct_io = 1

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Like lstat."""
        self._hit("getattr", path)
        found = os.lstat(self._real(path))
        told = {name.removesuffix("_ns"): getattr(found, name) for name in _STAT}
        if path != "/":
            told["st_ino"] += self._order("inodes_from") or 0
        return told

    def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, int], int]]:
        """The names in a folder, with kinds and inode numbers."""
        self._hit("readdir", path)
        found = [(name, {"st_ino": 1, "st_mode": stat.S_IFDIR}, 0) for name in (".", "..")]
        for name in os.listdir(self._real(path)):
            status = os.lstat(f"{self._real(path)}/{name}")
            found.append((name, {"st_ino": status.st_ino, "st_mode": status.st_mode}, 0))
        return found

    def open(self, path: str, flags: int) -> int:
        """Open a file."""
        self._hit("open", path)
        return os.open(self._real(path), flags)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        """Make a file and open it."""
        self._hit("create", path)
        return os.open(self._real(path), os.O_RDWR | os.O_CREAT, mode)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Bytes of an open file."""
        self._hit("read", path, offset + size)
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Write into an open file."""
        self._hit("write", path)
        return os.pwrite(fh, data, offset)

    def release(self, path: str, fh: int) -> int:
        """Close a file."""
        os.close(fh)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """Make it last."""
        self._hit("fsync", path)
        os.fsync(fh)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        """Make a folder."""
        os.mkdir(self._real(path), mode)
        return 0

    def rename(self, old: str, new: str) -> int:
        """Give a file another name."""
        self._hit("rename", old)
        os.rename(self._real(old), self._folder + new)
        return 0

    def rmdir(self, path: str) -> int:
        """Remove an empty folder."""
        os.rmdir(self._real(path))
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        """Set times."""
        os.utime(self._real(path), ns=times)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        """Set the mode."""
        os.chmod(self._real(path), mode)
        return 0

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        """Cut a file."""
        os.truncate(self._real(path), length)
        return 0

    def unlink(self, path: str) -> int:
        """Remove a name."""
        self._hit("unlink", path)
        os.unlink(self._real(path))
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        """How full it is."""
        found = os.statvfs(self._real(path))
        return {name: getattr(found, name) for name in _STATVFS}

    def _order(self, name: str) -> Any:
        stamp = os.stat(self._orders_path).st_mtime_ns
        if stamp != self._read_at:
            with open(self._orders_path, encoding="utf-8") as file:
                self._orders = json.load(file)
            self._read_at = stamp
        return self._orders.get(name)

    def _hit(self, call: str, path: str, end: int | None = None) -> None:
        for fault in self._order("faults") or []:
            if fault["call"] != call or not fnmatch.fnmatchcase(path, fault.get("path", "*")):
                continue
            if end is not None and end <= fault.get("from", -1):
                continue
            time.sleep(fault.get("seconds", 0.0))
            if "error" in fault:
                raise mfusepy.FuseOSError(fault["error"])

    def _real(self, path: str) -> str:
        real = self._folder + path
        if not (self._order("one_form") or self._order("ignores_case")) or os.path.lexists(real):
            return real
        # One component after the other, as a file system that folds names does it.
        found = self._folder
        for part in path.strip("/").split("/"):
            wanted = self._folded(part)
            names = os.listdir(found) if os.path.isdir(found) else []
            name = next((n for n in names if self._folded(n) == wanted), None)
            if name is None:
                name = unicodedata.normalize(self._order("one_form") or "NFC", part)
            found = f"{found}/{name}"
        return found

    def _folded(self, name: str) -> str:
        form = self._order("one_form")
        folded = unicodedata.normalize(form, name) if form else name
        return folded.casefold() if self._order("ignores_case") else folded


def main() -> None:
    """Serve until unmounted."""
    folder, point, orders = sys.argv[1:]
    if not os.path.isdir(folder):
        sys.exit(f"{os.strerror(errno.ENOTDIR)}: {folder}")
    mfusepy.FUSE(FaultServer(folder, orders), point, foreground=True, nothreads=False, fsname="nas")


if __name__ == "__main__":
    main()
