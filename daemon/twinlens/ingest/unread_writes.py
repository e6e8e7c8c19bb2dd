"""Which files were written to and not read since: no rename of theirs is believed.

A file that is edited in place, given its old times and renamed looks to `lstat` like one that was
only renamed. What tells the two apart is the event of the write, and nothing else.
"""

import threading

MOST_RENAMES = 10_000
"""So many renames are remembered for an event that comes after them: a walk is ahead of events by
a second at most."""


class UnreadWrites:
    """Absolute paths whose writer has closed them, or that came from out of sight.

    Hints mark them on the watcher's thread; whoever records what was read there takes the mark
    away; scans and the intake ask. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[bytes, int] = {}
        self._last_mark = 0
        self._believed: dict[bytes, bytes] = {}

    def written(self, path: bytes) -> None:
        """Its writer has closed it, under this name, and under that to which it was renamed."""
        with self._lock:
            self._mark(path)
            new = self._believed.get(path)
            if new is not None:
                self._mark(new)

    def renamed(self, old: bytes, new: bytes) -> None:
        """A file goes by another name: what is not read of it stays unread."""
        with self._lock:
            if self._marks.pop(old, None) is not None:
                self._mark(new)

    def folder_renamed(self, old: bytes, new: bytes) -> None:
        """As `renamed`, for all that lies below a folder."""
        with self._lock:
            for path in [path for path in self._marks if path.startswith(old + b"/")]:
                del self._marks[path]
                self._mark(new + path[len(old) :])

    def mark(self, path: bytes) -> int | None:
        """The mark of a path that has to be read; ask before it is opened."""
        with self._lock:
            return self._marks.get(path)

    def was_read(self, path: bytes, mark: int) -> None:
        """What was found after `mark` was asked for is recorded; a later write stays unread."""
        with self._lock:
            if self._marks.get(path) == mark:
                del self._marks[path]

    def believe_rename(self, old: bytes, new: bytes) -> bool:
        """Whether a rename may be believed; then an event about `old` that is still to come is one
        about `new`."""
        with self._lock:
            if old in self._marks or new in self._marks:
                return False
            self._believed.pop(old, None)
            self._believed[old] = new
            if len(self._believed) > MOST_RENAMES:
                del self._believed[next(iter(self._believed))]
            return True

    def take_new_name(self, old: bytes) -> bytes | None:
        """The name to which a file was believed to be renamed, once."""
        with self._lock:
            return self._believed.pop(old, None)

    def _mark(self, path: bytes) -> None:
        self._last_mark += 1
        self._marks[path] = self._last_mark
