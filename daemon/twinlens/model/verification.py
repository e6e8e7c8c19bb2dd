"""Reading a file again: what is asked, what was read, and what that proves."""

from dataclasses import dataclass
from enum import StrEnum

from twinlens.model.files import Stat


class Verdict(StrEnum):
    """What reading a file again proved."""

    SOUND = "sound"
    """Its bytes are those that were recorded."""
    CHANGED = "changed"
    """Somebody wrote to it, replaced or removed it: it is looked at like any change."""
    ROTTEN = "rotten"
    """Its bytes are others, while nothing says that anybody wrote to it."""
    UNREADABLE = "unreadable"
    """It cannot be read, or gives other bytes each time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One request to read a file again: picklable, for a worker.

    `path` is absolute bytes; `expected` the SHA-256 hex digest; `size` a hint for the deadline.
    """

    path: bytes
    expected: str
    size: int


@dataclass(frozen=True, slots=True)
class Reread:
    """What a worker read.

    `digests` are the SHA-256 hex digests of one reading, or of two where the first was not the
    expected one; empty where nothing trustworthy was read, and `problem` says why. `stat` is None
    where there is no regular file at the path, or where it could not be asked (`is_transient`).
    """

    stat: Stat | None
    digests: tuple[str, ...] = ()
    problem: str | None = None
    is_transient: bool = False
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded file that can be read again. `path` is relative to the root.

    `expected` is the digest its content was known by when it was last sound. `is_racy` says that
    its bytes were recorded so soon after it was written that a later write may have left the same
    times (FAT counts in steps of two seconds).
    """

    file_id: int
    root_id: int
    path: bytes
    stat: Stat
    expected: str
    is_racy: bool


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that was found rotten or unreadable, and still is as far as is known.

    `path` is absolute; `repair_from` an exact copy (absolute) that was read and found sound since
    then, None where there is none.
    """

    file_id: int
    path: bytes
    verdict: Verdict
    sha256: str
    found_sha256: str | None
    error: str | None
    found_at: str
    read_at: str
    repair_from: bytes | None
    copies: tuple[bytes, ...]
    is_in_vault: bool = False
