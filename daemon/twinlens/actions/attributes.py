"""What belongs to a path besides its bytes: mode, owner, time, extended attributes, ACLs.

Two files can be made one inode only where all of it is equal: the attributes of one of them would
be lost otherwise.
"""

import errno
import os
import stat
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attributes:
    """`extended` holds every extended attribute that this user may see; an ACL is one of them."""

    mode: int
    user: int
    group: int
    mtime_ns: int
    extended: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, descriptor: int) -> "Attributes":
        """Those of an open file. Raises OSError."""
        status = os.fstat(descriptor)
        return cls(
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
            tuple((name, os.getxattr(descriptor, name)) for name in _names(descriptor)),
        )

    def difference(self, other: "Attributes") -> str | None:
        """In words what is not equal; None where all is."""
        if self.mode != other.mode:
            return f"the modes differ ({self.mode:04o} and {other.mode:04o})"
        if (self.user, self.group) != (other.user, other.group):
            return "the owners differ"
        if self.mtime_ns != other.mtime_ns:
            return "the modification times differ"
        if self.extended != other.extended:
            mine, theirs = dict(self.extended), dict(other.extended)
            names = sorted(n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n))
            return f"the extended attributes differ ({', '.join(names)})"
        return None


def _names(descriptor: int) -> list[str]:
    try:
        return sorted(os.listxattr(descriptor))
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOSYS):  # this file system has none
            return []
        raise
