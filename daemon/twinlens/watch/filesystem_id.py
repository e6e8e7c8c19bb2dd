"""The lasting number of a file system, whatever device number it is mounted under today.

`statvfs.f_fsid` is made from the UUID on ext2/3/4, btrfs, zfs, jfs, bcachefs and ntfs3, is new with
every mount on tmpfs, and is the server's volume serial number on cifs. On NFS, FUSE and older tmpfs
it is 0: unknown. On xfs, f2fs, vfat, exfat, hfsplus and others it is the *device number*, which
changes with the order of mounting; those are asked for their UUID instead. No root rights are
needed.
"""

import fcntl
import os
import struct
from contextlib import suppress

UNKNOWN = "0"

_BY_DEVICE_NUMBER = frozenset(
    {
        "exfat", "f2fs", "hfs", "hfsplus", "iso9660", "msdos", "nilfs2", "ntfs", "udf", "ufs",
        "vfat", "xfs",
    }
)  # fmt: skip

# Each is (request, size of the answer, where the number lies in it).
_XFS_GEOMETRY = (0x80705864, 112, slice(64, 80))
"""XFS_IOC_FSGEOMETRY_V1, xfs_fs.h."""
_FAT_VOLUME_ID = (0x80047213, 4, slice(0, 4))
"""FAT_IOCTL_GET_VOLUME_ID, msdos_fs.h."""
_ANY_UUID = (0x80111500, 17, slice(1, 17))
"""FS_IOC_GETFSUUID, fs.h, Linux 6.9."""

_QUESTIONS = {"xfs": _XFS_GEOMETRY, "vfat": _FAT_VOLUME_ID, "msdos": _FAT_VOLUME_ID}


def filesystem_id(descriptor: int, filesystem: str) -> str:
    """Give the lasting number in hex, `UNKNOWN` where there is none. Raises OSError."""
    if filesystem not in _BY_DEVICE_NUMBER:
        return f"{os.fstatvfs(descriptor).f_fsid:x}"
    found = _asked(descriptor, _QUESTIONS.get(filesystem, _ANY_UUID))
    return found or _from_udev(os.fstat(descriptor).st_dev) or UNKNOWN


def _asked(descriptor: int, question: tuple[int, int, slice]) -> str | None:
    request, size, place = question
    with suppress(OSError):
        answer = fcntl.ioctl(descriptor, request, struct.pack(f"{size}x"))
        number = answer[place]
        return number.hex() if any(number) else None
    return None


def _from_udev(device: int) -> str | None:
    """Look among udev's links for the disk of that number; there are none in most containers."""
    folder = "/dev/disk/by-uuid"
    with suppress(OSError):
        for name in sorted(os.listdir(folder)):
            with suppress(OSError):
                if os.stat(f"{folder}/{name}").st_rdev == device:
                    return name.replace("-", "").lower()
    return None
