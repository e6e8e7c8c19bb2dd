"""Compares one root with the store: which paths have to be looked at, and which are absent.

The disk is the truth. A file whose stat is the recorded one is not opened. What is missing counts
as absent only where its folder was read without an error, on the mount that it was on, and while
the root was the root it was before and after the walk.
"""

import os
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from twinlens.ingest.places import Place
from twinlens.ingest.renames import source_of
from twinlens.ingest.unread_writes import UnreadWrites
from twinlens.model.files import TICK_NS, FileRecord, FileStatus, Stat
from twinlens.model.paths import join
from twinlens.store import files as files_store
from twinlens.store import known_files
from twinlens.store.known_files import Known
from twinlens.watch.scanner import Listing, walk

AT_ONCE = 500
"""Absent files that are read at once."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A path (relative) that differs from the store. `stat` is None for one that is absent.

    `moved_from` is the id of the file that was renamed to it.
    """

    path: bytes
    stat: Stat | None
    is_nested: bool = False
    moved_from: int | None = None


@dataclass(slots=True)
class SurveyCount:
    """What a survey saw."""

    files: int = 0
    unchanged: int = 0
    skipped: int = 0
    errors: list[tuple[bytes, str]] = field(default_factory=list)
    is_complete: bool = False


class Survey:
    """One walk of a root, or of the folder `under` below it (absolute).

    `exists(path, stat)` tells whether the inode of a known file is still at its path.
    """

    def __init__(
        self,
        place: Place,
        *,
        under: bytes | None = None,
        outdated: frozenset[int] = frozenset(),
        still_there: Callable[[bytes, Stat], bool],
        writes: UnreadWrites,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.count = SurveyCount()
        self._place = place
        self._under = under
        self._outdated = outdated
        self._still_there = still_there
        self._writes = writes
        self._is_stopped = is_stopped
        self._root_device: int | None = None
        self._visited: dict[bytes, bool] = {}
        self.unread: dict[bytes, str] = {}
        """Relative folders that could not be read, or not whole, with the reason of each; those
        that have gone meanwhile are among them."""
        # Numbers only: with another disk in its place, every file of a root is missing.
        self._missing = array("q")
        self._moved_away: set[int] = set()

    def differences(self) -> Iterator[Difference]:
        """Yield what is new, changed or renamed, folder by folder. Then `absent` is known."""
        walked = walk(
            self._place.path, self._place.ignore, under=self._under, is_stopped=self._is_stopped
        )
        for listing in walked:
            yield from self._compare(listing)
        if self._is_stopped():
            return
        self._find_vanished_folders()
        self.count.is_complete = True

    def absent(self) -> Iterator[FileRecord]:
        """The files that are absent, once the walk is complete; they can be gone through again."""
        if not self.count.is_complete:
            return
        for start in range(0, len(self._missing), AT_ONCE):
            records = files_store.get_many(self._missing[start : start + AT_ONCE].tolist())
            yield from (record for record in records if self._is_believable(record))

    def _compare(self, listing: Listing) -> Iterator[Difference]:
        directory = self._place.relative(listing.directory) or b""
        if self._root_device is None:
            self._root_device = _device_of(self._place.path)
        is_nested = listing.device not in (0, self._root_device)
        self._visited[directory] = is_nested
        self.count.skipped += listing.skipped
        if listing.error is not None:
            self.count.errors.append((listing.directory, listing.error))
            self.unread[directory] = listing.error
        known = known_files.in_directory(self._place.root_id, directory)
        self.count.files += len(listing.entries)
        for name, stat in listing.entries:
            record = known.pop(name, None)
            if record is not None and record.is_as(stat) and self._is_settled(record):
                self.count.unchanged += 1
                continue
            path = join(directory, name) if directory else name
            source = self._source_of(path, stat) if record is None else None
            yield Difference(path, stat, is_nested, source)
        if listing.error is None:
            self._miss(known, is_nested)

    def _is_settled(self, record: Known) -> bool:
        return not record.is_unreadable and record.original_id not in self._outdated

    def _miss(self, known: dict[bytes, Known], mount_is_nested: bool) -> None:
        """Note files that were not seen. Those that lay on a mount below the root are not among
        them: with that mount gone, its folder looks empty."""
        self._missing.extend(
            record.id for record in known.values() if mount_is_nested or not record.is_nested
        )

    def _source_of(self, path: bytes, stat: Stat) -> int | None:
        if time.time_ns() + TICK_NS < stat.sealed_at_ns:
            # With times of whole seconds it may be written to now and look as before: it is read.
            return None
        source = source_of(
            self._place,
            path,
            stat,
            still_there=self._still_there,
            writes=self._writes,
            taken=self._moved_away,
        )
        if source is not None:
            self._moved_away.add(source)
        return source

    def _find_vanished_folders(self) -> None:
        top = self._place.relative(self._under) if self._under else None
        for directory in known_files.directories(self._place.root_id):
            if directory not in self._visited and _is_below(directory, top or b""):
                known = known_files.in_directory(self._place.root_id, directory)
                self._miss(known, self._nearest_is_nested(directory))

    def _nearest_is_nested(self, directory: bytes) -> bool:
        while directory:
            directory = directory.rpartition(b"/")[0]
            if directory in self._visited:
                return self._visited[directory]
        return False

    def _is_believable(self, record: FileRecord) -> bool:
        if record.status is FileStatus.GONE or record.id in self._moved_away:
            return False
        return not any(_is_below(record.path, folder) for folder in self.unread)


def _device_of(root: bytes) -> int:
    try:
        return os.lstat(root).st_dev
    except OSError:
        return 0


def _is_below(path: bytes, folder: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")
