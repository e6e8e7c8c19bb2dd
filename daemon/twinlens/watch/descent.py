"""The way from a root down to one folder, held by descriptors, few of them open at a time.

Every step is an `openat` of one component without following links, so neither a path longer than
PATH_MAX nor a link put in the way by somebody else leads the walk astray.
"""

import errno
import os
from contextlib import suppress
from dataclasses import dataclass

OPEN_LIMIT = 48
"""Folders held open at once; a deeper one is reopened from above when it is needed again."""

DEEPEST = 8192
"""Deeper than any real tree: a file system that contains itself must end somewhere."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(slots=True)
class _Level:
    name: bytes
    identity: tuple[int, int]
    descriptor: int | None


class Descent:
    """A stack of folders below `root`; the root itself stays open until `close`."""

    def __init__(self, root: bytes) -> None:
        """Open the root. Raises OSError."""
        self._levels: list[_Level] = []
        self._push(root, None)

    @property
    def depth(self) -> int:
        """How many folders there are on the way, the root among them."""
        return len(self._levels)

    @property
    def device(self) -> int:
        """The device number of the deepest folder."""
        return self._levels[-1].identity[0]

    def descriptor(self) -> int:
        """Give the deepest folder's descriptor; it belongs to the descent. Raises OSError.

        Where the folder has to be reopened and another stands in its place, the error is ESTALE.
        """
        last = len(self._levels) - 1
        start = last
        while self._levels[start].descriptor is None:
            start -= 1
        for position in range(start + 1, last + 1):
            above = self._levels[position - 1]
            level = self._levels[position]
            descriptor = os.open(level.name, _FLAGS, dir_fd=above.descriptor)
            level.descriptor = descriptor
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) != level.identity:
                self._shut(level)
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            self._shut_far(position)
        descriptor_now = self._levels[last].descriptor
        assert descriptor_now is not None
        return descriptor_now

    def enter(self, name: bytes) -> None:
        """Step down into a folder of the deepest one. Raises OSError, and then has not moved."""
        if len(self._levels) >= DEEPEST:
            raise OSError(errno.ELOOP, "nested too deep")
        self._push(name, self.descriptor())
        self._shut_far(len(self._levels) - 1)

    def leave(self) -> None:
        """Step back up."""
        self._shut(self._levels.pop())

    def close(self) -> None:
        """Close everything."""
        while self._levels:
            self.leave()

    def _push(self, name: bytes, above: int | None) -> None:
        descriptor = os.open(name, _FLAGS, dir_fd=above)
        try:
            found = os.fstat(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._levels.append(_Level(name, (found.st_dev, found.st_ino), descriptor))

    def _shut_far(self, position: int) -> None:
        far = position - OPEN_LIMIT
        if far > 0:
            self._shut(self._levels[far])

    @staticmethod
    def _shut(level: _Level) -> None:
        if level.descriptor is not None:
            with suppress(OSError):
                os.close(level.descriptor)
            level.descriptor = None
