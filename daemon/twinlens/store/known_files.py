"""What is known of a folder's files, to be held against a listing of it.

A second scan asks this of every file there is, and nearly all are as they were. So a file is one
plain row here, compared as SQLite keeps it: a record is made of what differs, and of nothing else.
"""

from collections.abc import Iterator
from typing import NamedTuple

from peewee import fn

from twinlens.model.files import FileStatus, Stat
from twinlens.store.integers import to_signed
from twinlens.store.statements import Statement, slot
from twinlens.store.tables import File


class Known(NamedTuple):
    """A file that is not gone; from `inode` on as the store keeps it."""

    name: bytes
    id: int
    original_id: int | None
    status: str
    is_nested: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    def is_as(self, stat: Stat) -> bool:
        """Whether nothing was written since: all is equal but the device, which changes on a
        remount."""
        known, found = self[5:], stat[1:]
        return known == found or known == (to_signed(stat.inode), *found[1:])

    @property
    def is_unreadable(self) -> bool:
        """Whether it could not be read when it was last looked at."""
        return self.status == FileStatus.UNREADABLE.value


_IN_DIRECTORY = Statement(
    File,
    lambda: File.select(*(getattr(File, name) for name in _columns())).where(
        (File.root == slot("root"))
        & (File.directory == slot("directory"))
        & (File.status != FileStatus.GONE.value)
    ),
)
_NEXT_DIRECTORY = Statement(
    File,
    lambda: File.select(fn.MIN(File.directory).alias("directory")).where(
        (File.root == slot("root")) & (File.directory > slot("after"))
    ),
)


def in_directory(root_id: int, directory: bytes) -> dict[bytes, Known]:
    """The folder's own files that are not gone, by name."""
    rows = _IN_DIRECTORY.tuples(root=root_id, directory=directory)
    return {known.name: known for known in map(Known._make, rows)}


def directories(root_id: int) -> Iterator[bytes]:
    """Every folder that holds a file, gone or not, but for the root itself; in order. Each is one
    step in an index, however many files lie between."""
    directory: bytes | None = b""
    while directory is not None:
        directory = next(_NEXT_DIRECTORY.tuples(root=root_id, after=directory))[0]
        if directory is not None:
            yield directory


def _columns() -> tuple[str, ...]:
    return tuple("original" if name == "original_id" else name for name in Known._fields)
