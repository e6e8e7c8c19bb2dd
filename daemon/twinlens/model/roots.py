"""Roots as they are known: identity, health, how they are watched."""

from dataclasses import dataclass
from enum import StrEnum


class RootState(StrEnum):
    """Only ONLINE lets absence be believed; every other state freezes cleanup for the root."""

    ONLINE = "online"
    UNREACHABLE = "unreachable"
    """Missing, not a folder, not readable, or an error from the file system."""
    CHANGED = "changed"
    """Another folder or disk than last time stands at the path."""
    SUSPECT = "suspect"
    """Implausibly much of it is missing."""


class WatchMode(StrEnum):
    """How changes are noticed."""

    INOTIFY = "inotify"
    POLLING = "polling"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RootIdentity:
    """What a root is recognised by when the device number has changed.

    `fsid` is the file system's lasting number: its UUID, `statvfs.f_fsid` in hex, or "0" where it
    has none. `inode` is the root folder's own, `filesystem` and `source` from
    mountinfo ("ext4", "/dev/sda1").
    """

    fsid: str
    inode: int
    filesystem: str
    source: str


@dataclass(frozen=True, slots=True)
class RootRecord:
    """A root as the store knows it; `path` is absolute bytes.

    `is_active` is False once the config no longer names it: its files are then no longer watched,
    which is not the same as deleted.
    """

    id: int
    catalog: str
    path: bytes
    is_active: bool
    state: RootState
    detail: str
    identity: RootIdentity | None
    watch_mode: WatchMode
    watch_detail: str
    overflows: int
    last_scan_at: str | None


@dataclass(frozen=True, slots=True)
class UnreadFolder:
    """A folder that the last scan of it could not read, or not whole; `path` is absolute bytes,
    `reason` the system's words, `since` when a scan first met this."""

    path: bytes
    reason: str
    since: str
