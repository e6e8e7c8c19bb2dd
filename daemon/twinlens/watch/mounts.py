"""What is mounted where, read from the kernel's own table.

It decides two things: whether events can be trusted for a folder, and whether a database may lie
there. It never touches the mounts themselves, so a share that hangs cannot hang it.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

_MOUNTINFO = "/proc/self/mountinfo"

_SHARED = frozenset(
    {
        "9p", "acfs", "afp", "afs", "aufs.nfs", "beegfs", "ceph", "cifs", "coda", "davfs",
        "davfs2", "drvfs", "fhgfs", "gfs2", "glusterfs", "gpfs", "hgfs", "lustre", "ncpfs", "nfs",
        "nfs3", "nfs4", "ocfs2", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "sshfs",
        "vboxsf", "virtiofs", "vmhgfs",
    }
)  # fmt: skip
"""File systems that somebody else can change behind this kernel's back."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo. `options` joins those of the mount and of the file system.

    `device` is (major, minor) of the superblock; on btrfs it is not what `stat` reports.
    `mount_id` is the kernel's number, 0 where it is not known.
    """

    mount_point: bytes
    filesystem: str
    source: str
    options: frozenset[str]
    device: tuple[int, int]
    mount_id: int = 0

    @property
    def is_read_only(self) -> bool:
        """True where the mount or the file system under it refuses writes."""
        return "ro" in self.options


def _unescape(text: str) -> str:
    """Undo the kernel's octal escapes for space, tab, newline, backslash and hash."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def read_mounts(text: str) -> tuple[Mount, ...]:
    """Parse `/proc/self/mountinfo` (proc(5)), decoded with surrogate escapes."""
    mounts = []
    # Not splitlines(): a mount point may hold any line separator that is not a newline.
    for line in text.split("\n"):
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        end = right.split(" ")
        major, colon, minor = fields[2].partition(":") if len(fields) >= 6 else ("", "", "")
        if not (dash and colon and len(end) >= 2 and (fields[0] + major + minor).isdecimal()):
            continue
        options = set(fields[5].split(",")) | set(end[2].split(",") if len(end) > 2 else ())
        if "ro" in options:
            options.discard("rw")
        mounts.append(
            Mount(
                mount_point=_unescape(fields[4]).encode("utf-8", "surrogateescape"),
                filesystem=_unescape(end[0]),
                source=_unescape(end[1]),
                options=frozenset(options - {""}),
                device=(int(major), int(minor)),
                mount_id=int(fields[0]),
            )
        )
    return tuple(mounts)


def current_mounts() -> tuple[Mount, ...]:
    """Read the table of this process; empty where there is no /proc."""
    try:
        with open(_MOUNTINFO, encoding="utf-8", errors="surrogateescape", newline="\n") as table:
            return read_mounts(table.read())
    except OSError:
        return ()


def mount_of(path: bytes, mounts: Sequence[Mount]) -> Mount | None:
    """Find the mount that an absolute path without symbolic links lies on.

    Of mounts stacked on one point the last wins: it hides the others.
    """
    best: Mount | None = None
    for mount in mounts:
        point = mount.mount_point.rstrip(b"/")
        is_above = path == point or path.startswith(point + b"/")
        if is_above and (best is None or len(mount.mount_point) >= len(best.mount_point)):
            best = mount
    return best


def mount_of_descriptor(descriptor: int, mounts: Sequence[Mount]) -> Mount | None:
    """Find the mount of an open file by the kernel's own word, whatever links led there."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii", errors="replace") as info:
            match = re.search(r"^mnt_id:\s*(\d+)$", info.read(), re.MULTILINE)
        resolved = os.readlink(b"/proc/self/fd/%d" % descriptor)
    except OSError:
        return None
    wanted = int(match[1]) if match else 0
    for mount in mounts:
        if wanted and mount.mount_id == wanted:
            return mount
    return mount_of(resolved, mounts)


def polling_reason(mount: Mount | None) -> str | None:
    """Say why events are not to be trusted on a mount; None where they are.

    Network and FUSE file systems give events for changes made through this kernel alone. ntfs-3g
    and its like ("fuseblk") sit on a local disk and are fine, as is overlay.
    """
    if mount is None:
        return "the mount is not known"
    if is_network(mount):
        return f"{mount.filesystem} gives no events for changes made elsewhere"
    if mount.filesystem == "autofs":
        return "autofs gives no events for what it has not mounted"
    return None


def is_network(mount: Mount | None) -> bool:
    """True where a database must not lie: SQLite's locks and shared memory fail there."""
    if mount is None:
        return False
    filesystem = mount.filesystem
    return filesystem in _SHARED or filesystem == "fuse" or filesystem.startswith("fuse.")
