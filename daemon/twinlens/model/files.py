"""What is seen of one path, and the result of looking at it."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from twinlens.model.picture import Kind, Measurement
from twinlens.model.travel import travels

TICK_NS = 10_000_000
"""The longest tick of the clock from which Linux stamps files (HZ = 100)."""

_LATEST = (1 << 63) - 1
_EARLIEST = -(1 << 63)


class Stat(NamedTuple):
    """The part of `lstat` that tells whether a file is still the one that was measured.

    A plain tuple: a scan makes one of every file, and holds it against what is known by its end.
    Times are nanoseconds since the epoch and may be negative. No field alone is an identity:
    device numbers change with mount order and inode numbers are reused.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, result: os.stat_result) -> "Stat":
        """Take the fields from an `os.stat_result`.

        ext4, xfs and btrfs take times up to the year 2446 and later; nanoseconds in 64 bits, as the
        store keeps them, end in 2262. What is later counts as that.
        """
        mtime_ns, ctime_ns = result.st_mtime_ns, result.st_ctime_ns
        if not _EARLIEST <= mtime_ns <= _LATEST or not _EARLIEST <= ctime_ns <= _LATEST:
            mtime_ns = max(_EARLIEST, min(mtime_ns, _LATEST))
            ctime_ns = max(_EARLIEST, min(ctime_ns, _LATEST))
        return cls(result.st_dev, result.st_ino, result.st_size, mtime_ns, ctime_ns)

    @property
    def sealed_at_ns(self) -> int:
        """From when on any write leaves another ctime; until then it may leave this very stat,
        where the mtime is put back ("racy git", git's api-index). Nanoseconds since the epoch.

        That is a tick; where a file system keeps whole seconds it is a second, and two on FAT,
        whose seconds are even.
        """
        seconds, rest = divmod(self.ctime_ns, 1_000_000_000)
        if rest:
            return self.ctime_ns + TICK_NS
        return (seconds + (1 if seconds % 2 else 2)) * 1_000_000_000

    def is_same_content_as(self, other: "Stat") -> bool:
        """True where nothing was written since: all but the device, which changes on a remount."""
        return self[1:] == other[1:]

    def is_moved_from(self, other: "Stat") -> bool:
        """True where a rename explains the difference: a rename sets the ctime and nothing else."""
        return self[:4] == other[:4] and self.ctime_ns >= other.ctime_ns


class FileStatus(StrEnum):
    """What is known of a path."""

    OK = "ok"
    BROKEN = "broken"
    """Read whole and hashed, but its content cannot be understood."""
    UNJUDGED = "unjudged"
    """Read whole and hashed, but whether its content is sound cannot be told here: exiftool or a
    decoder is missing, or it is larger than a worker may decode (`model.unjudged`)."""
    UNREADABLE = "unreadable"
    """It could not be read; what was known of it before is kept."""
    WAITING = "waiting"
    """Empty or too small to be anything yet."""
    GONE = "gone"
    """Soft-deleted: it was seen once and is proven absent."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a file is and how it fares; `kind` is None where it was never read, and `error` is the
    file's own: what is wrong with its content is the content's."""

    kind: Kind | None
    status: FileStatus
    error: str | None = None


@travels
@dataclass(frozen=True, slots=True)
class Look:
    """One request to look at a path: everything a worker needs, picklable.

    `path` is absolute bytes. `known_digests` are the SHA-256 hex digests of originals of the same
    size: a content among them is hashed but not decoded again. `size` is a hint for the deadline.
    With `is_careful` the content is hashed and named but not decoded and no tool is asked: for a
    file that has killed workers.
    """

    path: bytes
    known_digests: frozenset[str] = frozenset()
    size: int = 0
    is_careful: bool = False


@travels
@dataclass(frozen=True, slots=True)
class Finding:
    """What a worker found at a path.

    Exactly one of these holds: `stat` is None (nothing there, or not a regular file: `problem` says
    so; with `is_transient` nothing is known of the path, which is never an absence); `sha256` is
    None (there, but not readable or changed while being read: `problem` says why, `is_transient`
    whether trying again soon makes sense); or `sha256` is set, and `measurement` is set unless the
    digest was among the known ones.
    """

    path: bytes
    stat: Stat | None = None
    sha256: str | None = None
    measurement: Measurement | None = None
    problem: str | None = None
    is_transient: bool = False
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One path as the store knows it. `path` is relative to its root.

    `is_nested` says that the file lay on another mount than its root when it was last seen. `kind`
    is that of its content, with the choices made that the content leaves to the name; None where
    it was never read.
    """

    id: int
    root_id: int
    path: bytes
    stat: Stat
    is_nested: bool
    original_id: int | None
    kind: Kind | None
    status: FileStatus
    error: str | None
