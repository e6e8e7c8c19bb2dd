"""Compares one root with the store: which paths have to be looked at, and which are absent.

The disk is the truth. A file whose stat is the recorded one is not opened. What is missing counts
as absent only where its folder was read without an error, on the mount that it was on, and while
the root was the root it was before and after the walk.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from twinlens.ingest.places import Place
from twinlens.ingest.renames import source_of
from twinlens.model.files import FileRecord, FileStatus, Stat
from twinlens.store import files as files_store
from twinlens.watch.scanner import Entry, Listing, walk


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


@dataclass(slots=True)
class _Missing:
    record: FileRecord
    mount_is_nested: bool


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
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.count = SurveyCount()
        self.absent: list[FileRecord] = []
        self._place = place
        self._under = under
        self._outdated = outdated
        self._still_there = still_there
        self._is_stopped = is_stopped
        self._root_device: int | None = None
        self._visited: dict[bytes, bool] = {}
        self._unread: list[bytes] = []
        self._missing: list[_Missing] = []
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
        self.absent = [m.record for m in self._missing if self._is_believable(m)]
        self.count.is_complete = True

    def _compare(self, listing: Listing) -> Iterator[Difference]:
        directory = self._place.relative(listing.directory) or b""
        if self._root_device is None:
            self._root_device = _device_of(self._place.path)
        is_nested = listing.device not in (0, self._root_device)
        self._visited[directory] = is_nested
        self.count.skipped += listing.skipped
        if listing.error is not None:
            self.count.errors.append((listing.directory, listing.error))
            self._unread.append(directory)
        known = files_store.in_directory(self._place.root_id, directory)
        for entry in listing.entries:
            self.count.files += 1
            record = known.pop(entry.path.rpartition(b"/")[2], None)
            difference = self._judge(entry, record, is_nested)
            if difference is None:
                self.count.unchanged += 1
            else:
                yield difference
        if listing.error is None:
            self._missing.extend(_Missing(record, is_nested) for record in known.values())

    def _judge(self, entry: Entry, record: FileRecord | None, is_nested: bool) -> Difference | None:
        path = self._place.relative(entry.path)
        if path is None:
            return None
        if record is None:
            return Difference(path, entry.stat, is_nested, self._source_of(path, entry.stat))
        is_outdated = record.original_id in self._outdated
        is_settled = record.status is not FileStatus.UNREADABLE and not is_outdated
        if is_settled and record.stat.is_same_content_as(entry.stat):
            return None
        return Difference(path, entry.stat, is_nested)

    def _source_of(self, path: bytes, stat: Stat) -> int | None:
        source = source_of(
            self._place, path, stat, still_there=self._still_there, taken=self._moved_away
        )
        if source is not None:
            self._moved_away.add(source)
        return source

    def _find_vanished_folders(self) -> None:
        top = self._place.relative(self._under) if self._under else None
        for directory in list(files_store.directories(self._place.root_id)):
            if directory in self._visited or not _is_below(directory, top or b""):
                continue
            for record in files_store.in_directory(self._place.root_id, directory).values():
                self._missing.append(_Missing(record, self._nearest_is_nested(directory)))

    def _nearest_is_nested(self, directory: bytes) -> bool:
        while directory:
            directory = directory.rpartition(b"/")[0]
            if directory in self._visited:
                return self._visited[directory]
        return False

    def _is_believable(self, missing: _Missing) -> bool:
        record = missing.record
        if record.id in self._moved_away:
            return False
        if any(_is_below(record.path, folder) for folder in self._unread):
            return False
        # It lay on a mount below the root: with that mount gone, its folder looks empty.
        return missing.mount_is_nested or not record.is_nested


def _device_of(root: bytes) -> int:
    try:
        return os.lstat(root).st_dev
    except OSError:
        return 0


def _is_below(path: bytes, folder: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")
