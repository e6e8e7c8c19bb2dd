"""Making an object out of an open file of the library: three ways, and none falls back to another.

The library's file is only ever read; a hard link gives it one more name, and with it a new time of
change.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from twinlens.model.vault import PutHow
from twinlens.vault.contents import read_source, write_all

CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FICLONE = 0x40049409
_OBJECT_MODE = 0o444
"""Nobody has any business writing to an object; its folders let nobody else in at all."""


def make(way: PutHow, source: int, size: int, folder: int, name: str) -> None:
    """Make `name` in an open folder of the content of an open file, and bring it to the disk.

    Raises OSError, and SourceError where the file of the library is to blame.
    """
    _WAYS[way](source, size, folder, name)


def _link(source: int, size: int, folder: int, name: str) -> None:
    # `src_dir_fd` makes Python call linkat, which follows the link in /proc; link() does not.
    path = f"/proc/self/fd/{source}"
    os.link(path, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
    os.fsync(source)


def _clone(source: int, size: int, folder: int, name: str) -> None:
    with _made(folder, name) as target:
        fcntl.ioctl(target, _FICLONE, source)


def _copy(source: int, size: int, folder: int, name: str) -> None:
    with _made(folder, name) as target:
        for chunk in read_source(source, size):
            write_all(target, chunk)


@contextmanager
def _made(folder: int, name: str) -> Iterator[int]:
    descriptor = os.open(name, CREATE, 0o600, dir_fd=folder)
    try:
        yield descriptor
        os.fchmod(descriptor, _OBJECT_MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_WAYS = {PutHow.REFLINK: _clone, PutHow.HARDLINK: _link, PutHow.COPY: _copy}
