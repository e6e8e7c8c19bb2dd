"""Whether the folder at a root's path is the one that was watched before.

A share that is not mounted, or another disk at the same place, looks like "everything deleted".
Here is decided that it does not. What is compared, because it outlives a remount:

- the file system's kind ("nfs" and "nfs4" are one), and its lasting number (`filesystem_id`);
- its source, only where there is no such number and the source is no device: "nas:/photos" lasts,
  "/dev/sdb1" does not;
- the folder's inode number, except where it is made up at each mount (FUSE, vfat, exfat, virtual
  machine shares, cifs without `serverino`).

The device number is never compared. Every call may hang as long as the share does.
"""

import errno
import os
import stat
from dataclasses import dataclass

from twinlens.errors import RootError
from twinlens.model.roots import RootIdentity, RootState
from twinlens.watch.filesystem_id import UNKNOWN, filesystem_id
from twinlens.watch.mounts import Mount, current_mounts, mount_of_descriptor

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_FAMILIES = {
    "ext2": "ext4",
    "ext3": "ext4",
    "msdos": "vfat",
    "nfs4": "nfs",
    "smb3": "cifs",
    "smbfs": "cifs",
}

_MADE_UP_INODES = frozenset({"9p", "exfat", "hgfs", "msdos", "prl_fs", "vboxsf", "vfat", "vmhgfs"})


@dataclass(frozen=True, slots=True)
class RootHealth:
    """How a root stands; `identity` is what was found there now, None where nothing was."""

    state: RootState
    detail: str
    identity: RootIdentity | None


def identify(root: bytes) -> RootIdentity:
    """Take down what a root can be recognised by later. Raises RootError if unreadable."""
    try:
        identity, _ = _look(root)
    except OSError as error:
        raise RootError(
            f"{_explain(root, error)}: {os.fsdecode(root)}",
            "Is the disk or share mounted, and may the daemon's user read the folder?",
        ) from error
    return identity


def check_root(root: bytes, known: RootIdentity | None) -> RootHealth:
    """Compare the folder at a path with what is known of it; never raises for a bad root.

    ONLINE says that the folder can be listed and is the same; nothing of how full it is.
    """
    try:
        identity, mount = _look(root)
    except OSError as error:
        return RootHealth(RootState.UNREACHABLE, _explain(root, error), None)
    difference = None if known is None else _difference(known, identity, mount)
    if difference is not None:
        return RootHealth(RootState.CHANGED, difference, identity)
    return RootHealth(RootState.ONLINE, f"online ({identity.filesystem})", identity)


def _look(root: bytes) -> tuple[RootIdentity, Mount | None]:
    descriptor = os.open(root, _OPEN_FOLDER)
    try:
        mount = mount_of_descriptor(descriptor, current_mounts())
        filesystem = mount.filesystem if mount else "unknown"
        identity = RootIdentity(
            fsid=filesystem_id(descriptor, filesystem),
            inode=os.fstat(descriptor).st_ino,
            filesystem=filesystem,
            source=mount.source if mount else "unknown",
        )
        # A dead server lets a folder be opened from the cache; reading it does not work.
        with os.scandir(descriptor) as entries:
            next(entries, None)
        return identity, mount
    finally:
        os.close(descriptor)


def _explain(root: bytes, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "the folder is missing"
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        try:
            is_link = stat.S_ISLNK(os.lstat(root).st_mode)
        except OSError:
            is_link = False
        return "it is a symbolic link; name its target" if is_link else "it is not a folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "the folder may not be read"
    return f"the folder cannot be read ({error.strerror})"


def _difference(known: RootIdentity, now: RootIdentity, mount: Mount | None) -> str | None:
    if _family(known.filesystem) != _family(now.filesystem):
        return f"{now.filesystem} stands where {known.filesystem} was"
    if UNKNOWN in (known.fsid, now.fsid):
        if _lasting_source(known.source) != _lasting_source(now.source):
            return f"{now.source} stands where {known.source} was"
    elif known.fsid != now.fsid:
        return f"another {now.filesystem} file system stands there"
    if known.inode != now.inode and _has_lasting_inodes(now.filesystem, mount):
        return "another folder stands there"
    return None


def _family(filesystem: str) -> str:
    return _FAMILIES.get(filesystem, filesystem)


def _lasting_source(source: str) -> str:
    return "" if source.startswith("/dev/") else source.rstrip("/")


def _has_lasting_inodes(filesystem: str, mount: Mount | None) -> bool:
    if filesystem in _MADE_UP_INODES or filesystem.startswith("fuse"):
        return False
    return mount is None or "noserverino" not in mount.options
