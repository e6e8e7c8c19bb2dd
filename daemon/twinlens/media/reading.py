"""Reads one file once, from its first byte to its last, and says what that proves.

Only a regular file is opened for its content, nothing is mapped into memory (a file that is cut
short meanwhile must not kill the worker), and a digest is returned only for bytes that did not
change under the reading and still stand at the path.
"""

import errno
import hashlib
import io
import os
import stat as modes
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, Final

from twinlens.analysis.kinds import HEAD_BYTES
from twinlens.errors import MediaError
from twinlens.host.page_cache import let_go
from twinlens.model.files import Stat

GONE: Final = "gone"
"""The problem of a path where there is nothing."""

CHANGED: Final = "changed while it was read"

_LONGEST_GRAIN_NS = 2_000_000_000
_KEPT_BYTES = 32 << 20
"""Files up to this size are held in memory, so that hashing and decoding share one reading."""
_CHUNK_BYTES = 8 << 20
"""How much of a large file is read in one turn: a tenth of a second of a disk that spins."""
_FREED_FROM_BYTES = 256 << 20
"""Larger files are freed from memory while they are read, and not only afterwards."""
_SPARSE_FROM_BYTES = 1 << 30
_SPARSE_FACTOR = 8
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
_TRANSIENT = frozenset(
    {
        *(errno.EBUSY, errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT),
        *(errno.ENOTCONN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EREMOTEIO, errno.ENODEV),
    }
)
_TYPES = (
    (modes.S_ISLNK, "a symbolic link"),
    (modes.S_ISDIR, "a folder"),
    (modes.S_ISFIFO, "a named pipe"),
    (modes.S_ISSOCK, "a socket"),
    (modes.S_ISCHR, "a device"),
    (modes.S_ISBLK, "a device"),
)


class ReadError(MediaError):
    """A path that gave no trustworthy content; `is_transient` where a new try makes sense soon."""

    def __init__(
        self,
        message: str,
        *,
        stat: Stat | None = None,
        is_transient: bool = False,
        bytes_read: int = 0,
    ) -> None:
        super().__init__(message)
        self.stat = stat
        self.is_transient = is_transient
        self.bytes_read = bytes_read


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an open file: `data` is all of it, or None where it is too large to hold."""

    descriptor: int
    name: bytes
    size: int
    sha256: str
    head: bytes
    data: bytes | None

    def open(self) -> BinaryIO:
        """A stream at the first byte, from the descriptor that was hashed and not from the path."""
        if self.data is not None:
            return io.BytesIO(self.data)
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return open(self.descriptor, "rb", closefd=False)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`, fewer where the content ends."""
        if self.data is not None:
            return self.data[offset : offset + size]
        return os.pread(self.descriptor, size, offset)

    def path_for_programs(self) -> bytes:
        """A path that leads other processes of this user to the descriptor, whatever its name."""
        return b"/proc/%d/fd/%d" % (os.getpid(), self.descriptor)


def wait_until_sealed(
    descriptor: int,
    stat: Stat,
    now_ns: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait, two seconds at most, until a file that changed a moment ago cannot be written to and
    keep its stat (see `Stat.sealed_at_ns`): what is read then is known by it for good.

    A ctime that is later than now is of another clock, and tells nothing. Raises `ReadError` where
    the file changed meanwhile.
    """
    left_ns = stat.sealed_at_ns - now_ns()
    if not 0 < left_ns <= _LONGEST_GRAIN_NS:
        return
    sleep(left_ns / 1e9)
    after = Stat.of(os.fstat(descriptor))
    if not after.is_same_content_as(stat):
        raise ReadError(CHANGED, stat=after, is_transient=True)


@contextmanager
def open_regular(path: bytes) -> Iterator[tuple[int, Stat]]:
    """Open a regular file for reading and close it again; gives the descriptor and what it is.

    `lstat` comes first because merely opening a device can do something; the descriptor is then
    asked again, because the path may have been replaced in between. The time of access is left
    alone where the file is ours. Raises `ReadError`.
    """
    try:
        seen = os.lstat(path)
    except OSError as error:
        raise _problem(error, None) from error
    _require_regular(seen)
    try:
        descriptor = _open(path)
    except OSError as error:
        raise _problem(error, Stat.of(seen)) from error
    try:
        opened = os.fstat(descriptor)
        _require_regular(opened)
        yield descriptor, Stat.of(opened)
    finally:
        os.close(descriptor)


def read_content(
    descriptor: int,
    path: bytes,
    before: Stat,
    most_bytes: int,
    turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    is_used: bool = True,
) -> Content:
    """Read the whole file and prove that it was one content from first to last byte.

    Files over `most_bytes` (0: no bound) are not read, nor are those of a GiB and more that are
    mostly holes. A file that grows while it is read is read no further than the size it had. `turn`
    is held while bytes come from the disk, and not while they are hashed. A very large file is
    freed from memory piece by piece, unless it `is_used` by others.
    Raises `ReadError`.
    """
    _require_sensible_size(descriptor, before, most_bytes)
    digest = hashlib.sha256()
    kept: list[bytes] = []
    head = b""
    count = 0
    is_large = before.size > _KEPT_BYTES
    is_freed = not is_used and before.size > _FREED_FROM_BYTES
    try:
        if is_large:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        at_once = _CHUNK_BYTES if is_large else _KEPT_BYTES
        for chunk in _chunks(descriptor, before.size, at_once, turn):
            digest.update(chunk)
            head = head or chunk[:HEAD_BYTES]
            count += len(chunk)
            if not is_large:
                kept.append(chunk)
            elif is_freed:
                let_go(descriptor, count - len(chunk), len(chunk))
        after = Stat.of(os.fstat(descriptor))
    except OSError as error:
        raise _problem(error, before, count) from error
    if count != before.size or not after.is_same_content_as(before):
        raise ReadError(CHANGED, stat=after, is_transient=True, bytes_read=count)
    _require_still_at(path, before, count)
    data = None if is_large else kept[0] if len(kept) == 1 else b"".join(kept)
    return Content(descriptor, os.path.basename(path), count, digest.hexdigest(), head, data)


def _open(path: bytes) -> int:
    try:
        return os.open(path, _FLAGS | os.O_NOATIME)
    except PermissionError:
        return os.open(path, _FLAGS)


def _chunks(
    descriptor: int,
    size: int,
    chunk_bytes: int,
    turn: Callable[[], AbstractContextManager[object]],
) -> Iterator[bytes]:
    """Read to the end, or one byte past `size`, which is enough to know that it grew."""
    left = size + 1
    while left > 0:
        with turn():
            chunk = os.read(descriptor, min(chunk_bytes, left))
        if not chunk:
            return
        yield chunk
        left -= len(chunk)


def _require_regular(result: os.stat_result) -> None:
    if modes.S_ISREG(result.st_mode):
        return
    what = next((name for test, name in _TYPES if test(result.st_mode)), "of an unknown type")
    raise ReadError(f"not a regular file: {what}")


def _require_sensible_size(descriptor: int, before: Stat, most_bytes: int) -> None:
    if most_bytes and before.size > most_bytes:
        raise ReadError(
            f"not read: {before.size} bytes are more than the limit of {most_bytes}", stat=before
        )
    stored = os.fstat(descriptor).st_blocks * 512
    if before.size < _SPARSE_FROM_BYTES or stored * _SPARSE_FACTOR >= before.size:
        return
    try:
        # Compressing and network file systems report few blocks too; only a hole is a hole.
        hole = os.lseek(descriptor, 0, os.SEEK_HOLE)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        return
    if hole < before.size:
        raise ReadError(
            f"not read: a sparse file, {stored} of {before.size} bytes are stored", stat=before
        )


def _require_still_at(path: bytes, before: Stat, count: int) -> None:
    try:
        there = Stat.of(os.lstat(path))
    except OSError as error:
        raise _problem(error, before, count) from error
    if (there.device, there.inode) != (before.device, before.inode):
        raise ReadError(
            "replaced while it was read", stat=there, is_transient=True, bytes_read=count
        )


def _problem(error: OSError, stat: Stat | None, bytes_read: int = 0) -> ReadError:
    code = error.errno or 0
    if code in _ABSENT:
        return ReadError(GONE, bytes_read=bytes_read)
    if code == errno.ELOOP:
        return ReadError("not a regular file: a symbolic link")
    return ReadError(
        f"not readable: {os.strerror(code)}",
        stat=stat,
        # What could not even be asked may be anything: never an absence, and asked again.
        is_transient=stat is None or code in _TRANSIENT,
        bytes_read=bytes_read,
    )
