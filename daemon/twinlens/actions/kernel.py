"""The calls of Linux that an action stands on and Python does not have.

Each either does exactly what it says or raises OSError: nothing here falls back to a weaker way.
"""

import ctypes
import errno
import fcntl
import os
import signal
import struct
from types import TracebackType
from typing import Self

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2

_F_SETSIG = 10
_FIDEDUPERANGE = 0xC0189436
_DEDUPE_HEAD = struct.Struct("=QQHHI")
_DEDUPE_TARGET = struct.Struct("=qQQiI")
_DEDUPE_DIFFERS = 1
_DEDUPE_BYTES = 16 << 20
"""The most that one call compares: btrfs and xfs take no more at once."""

_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.ENOTTY})


def is_unsupported(error: OSError) -> bool:
    """Whether the file system, and not this file, is the reason."""
    return error.errno in _UNSUPPORTED


def _renameat2() -> "ctypes._NamedFuncPointer":
    call = ctypes.CDLL(None, use_errno=True).renameat2
    call.argtypes = [
        *(ctypes.c_int, ctypes.c_char_p),
        *(ctypes.c_int, ctypes.c_char_p),
        ctypes.c_uint,
    ]
    call.restype = ctypes.c_int
    return call


def _rename(folder: int, name: bytes, to_folder: int, to_name: bytes, flags: int) -> None:
    try:
        call = _renameat2()
    except AttributeError:  # musl before 1.2.6 and glibc before 2.28 lack the wrapper
        raise OSError(errno.ENOSYS, "renameat2 is not in this C library") from None
    if call(folder, name, to_folder, to_name, flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(to_name))


def exchange(folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
    """Swap two names at one instant: neither is ever missing. Raises OSError.

    The folders are descriptors, the names are single components.
    """
    _rename(folder, name, to_folder, to_name, RENAME_EXCHANGE)


def move(folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
    """Rename at one instant and never over anything: FileExistsError where the name is taken."""
    _rename(folder, name, to_folder, to_name, RENAME_NOREPLACE)


def link_open_file(descriptor: int, folder: int, name: bytes) -> None:
    """Give the very inode behind a descriptor one more name: whatever its path leads to by now."""
    # `src_dir_fd` makes Python call linkat, which follows the link in /proc; link() does not.
    source = f"/proc/self/fd/{descriptor}".encode("ascii")
    os.link(source, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)


def share_blocks(source: int, target: int, size: int) -> int:
    """Let two files share their blocks where they are equal; returns the bytes that are shared.

    FIDEDUPERANGE: the kernel compares under its own lock and changes no byte, no time and no
    attribute. Less than `size` comes back where it found a difference. Raises OSError.
    """
    done = 0
    while done < size:
        length = min(_DEDUPE_BYTES, size - done)
        call = bytearray(
            _DEDUPE_HEAD.pack(done, length, 1, 0, 0) + _DEDUPE_TARGET.pack(target, done, 0, 0, 0)
        )
        fcntl.ioctl(source, _FIDEDUPERANGE, call, True)
        _, _, shared, status, _ = _DEDUPE_TARGET.unpack_from(call, _DEDUPE_HEAD.size)
        if status < 0:
            raise OSError(-status, os.strerror(-status))
        if status == _DEDUPE_DIFFERS or shared == 0:
            break
        done += shared
    return done


def is_read_only(descriptor: int) -> bool:
    """Whether what a file lies in refuses every write: a read-only mount, or a read-only snapshot.

    The kernel shares blocks with a file of such a snapshot all the same.
    """
    access = ctypes.CDLL(None, use_errno=True).access
    path = f"/proc/self/fd/{descriptor}".encode("ascii")
    return access(path, os.W_OK) != 0 and ctypes.get_errno() == errno.EROFS


class Lease:
    """A read lease on an open file, between `with` and its end.

    While it holds, nobody can open the inode for writing or cut it: whoever tries waits (up to
    /proc/sys/fs/lease-break-time, 45 s) or is told EWOULDBLOCK, and `is_held` turns False. Raises
    OSError: EAGAIN where somebody has it open for writing now, EACCES where it belongs to another
    user (CAP_LEASE would do), EINVAL where the file system has none.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        # The default signal, SIGIO, would end the process; SIGURG is ignored unless asked for.
        fcntl.fcntl(self._descriptor, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    @property
    def is_held(self) -> bool:
        """False once somebody wants to write: from then on the content may change at any time."""
        return fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK
