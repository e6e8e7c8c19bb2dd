"""What the watcher has to say: never a fact, always "look there".

A hint may be late, doubled or about something that is gone again. Whoever gets one looks at the
disk, and a scan finds what no hint was given for.
"""

from dataclasses import dataclass
from enum import StrEnum


class HintKind(StrEnum):
    """What seems to have happened."""

    PATH = "path"
    """A file was created, closed after writing, or moved in."""
    GONE = "gone"
    """A file was deleted, or moved out of sight."""
    MOVED = "moved"
    """A file was renamed to `destination` below the same root."""
    FOLDER = "folder"
    """A folder was created or moved in: all of it has to be looked at."""
    FOLDER_GONE = "folder_gone"
    """A folder was deleted, or moved out of sight."""
    FOLDER_MOVED = "folder_moved"
    """A folder was renamed to `destination` below the same root."""
    CANARY = "canary"
    """The daemon's own test file was seen."""
    LOST = "lost"
    """Events were lost, or will be: the root has to be scanned."""


class LostReason(StrEnum):
    """Why events of a root are missing."""

    OVERFLOW = "overflow"
    """The kernel's queue was full; watching goes on."""
    WATCH_LIMIT = "watch_limit"
    """Some folders could not be watched; the rest are."""
    UNMOUNTED = "unmounted"
    """A file system at or below the root went away."""
    ROOT_GONE = "root_gone"
    """The root itself was deleted or renamed."""
    BROKEN = "broken"
    """Something unforeseen failed while an event was handled."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to look at. All paths are absolute.

    `is_closed` is set for a PATH whose writer has closed it. A LOST hint has the root as its
    `path`, its reason in `lost`, and in `detail` one line for the owner, with the limit to
    raise where that is the cure.
    """

    kind: HintKind
    root: bytes
    path: bytes
    destination: bytes | None = None
    is_closed: bool = False
    lost: LostReason | None = None
    detail: str = ""
