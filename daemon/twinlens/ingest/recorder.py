"""Records what was found at paths: the file, its content, and the count of references.

Runs inside a transaction of the writer, with no I/O of its own. Recording the same finding twice
leaves the store as it was after the first time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from twinlens.analysis.kinds import as_named, contradiction
from twinlens.analysis.names import parse_name
from twinlens.analysis.sidecar_names import bucket_of
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.model.files import Condition, FileRecord, FileStatus, Finding, Stat
from twinlens.model.picture import Measurement, MediaType, knows_as_much
from twinlens.model.unjudged import is_unjudged
from twinlens.store import file_groups
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store


class Change(StrEnum):
    """What recording a finding changed."""

    ADDED = "added"
    CHANGED = "changed"
    MOVED = "moved"
    GONE = "gone"
    UNCHANGED = "unchanged"
    UNREADABLE = "unreadable"
    AGAIN = "again"
    """Nothing was recorded: the path has to be looked at once more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding and where it belongs. `path` is relative to the root.

    `moved_from` is the id of the file that was renamed to this path; `finding` then has a stat
    only. `is_second_look` says that it was asked for because the first was older than what was
    recorded; where this one is too, the clock went back, and it is believed. `is_unread` says of
    an absence that the file was written to, and not read, before it went.
    """

    root_id: int
    path: bytes
    finding: Finding
    is_nested: bool = False
    moved_from: int | None = None
    is_second_look: bool = False
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one finding; `error` where the file is broken, unjudged or unreadable."""

    seen: Seen
    change: Change
    file_id: int | None = None
    original_id: int | None = None
    error: str | None = None
    other_names: tuple[tuple[int, bytes], ...] = ()
    """(root id, path) of hard links to a file whose content changed: theirs has changed too."""
    moved_from: tuple[int, bytes] | None = None
    """(root id, path) of where a file lay that was renamed."""

    @property
    def is_unjudged(self) -> bool:
        """Whether the error says nothing against the file's content."""
        is_read = self.change is not Change.UNREADABLE
        return is_read and self.error is not None and is_unjudged(self.error)


@dataclass(slots=True)
class Touched:
    """What has to be regrouped: (root id, bucket) pairs, and contents. `fresh` are those of them
    that were not known before. `folders` are the (root id, folder) of the files in the buckets that
    came, changed, moved or went; None where that is not known."""

    buckets: set[tuple[int, str]] = field(default_factory=set)
    originals: set[int] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)
    folders: set[tuple[int, bytes]] | None = None

    def add_path(self, root_id: int, path: bytes, bucket: str) -> None:
        """A file at this path came, changed, moved or went."""
        self.buckets.add((root_id, bucket))
        if self.folders is not None:
            self.folders.add((root_id, path.rpartition(b"/")[0]))


class Recorder:
    """Writes findings. `clock` gives the current time, aware."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def record(self, batch: Iterable[Seen]) -> tuple[list[Recorded], Touched]:
        """Record findings; renames first, so that the old path's absence is no deletion."""
        touched = Touched(folders=set())
        ordered = sorted(batch, key=lambda seen: seen.moved_from is None)
        results = [self._one(seen, touched) for seen in ordered]
        settle_capture_times(touched.originals, self._clock, fresh=touched.fresh)
        return results, touched

    def _one(self, seen: Seen, touched: Touched) -> Recorded:
        known = files_store.find(seen.root_id, seen.path)
        finding = seen.finding
        if finding.stat is None and finding.is_transient:
            return self._unknown(seen, known)
        if finding.stat is None:
            return self._absent(seen, known, touched)
        if seen.moved_from is not None:
            return self._moved(seen, finding.stat, seen.moved_from, known, touched)
        if known is not None and not seen.is_second_look and _is_stale(known, finding.stat):
            return Recorded(seen, Change.AGAIN)
        if finding.sha256 is None:
            return self._unreadable(seen, finding.stat, known, touched)
        return self._content(seen, finding.stat, finding.sha256, known, touched)

    def _absent(self, seen: Seen, known: FileRecord | None, touched: Touched) -> Recorded:
        if known is not None and seen.is_unread:
            files_store.forget_inode(known.id)
        if known is None or known.status is FileStatus.GONE:
            return Recorded(seen, Change.UNCHANGED)
        files_store.set_gone(known.id, self._at())
        self._release(known, touched)
        touched.add_path(seen.root_id, known.path, _bucket(known.path))
        return Recorded(seen, Change.GONE, known.id, known.original_id)

    def _unknown(self, seen: Seen, known: FileRecord | None) -> Recorded:
        """The path could not be asked at all: that is no absence."""
        error = seen.finding.problem or "not readable"
        if known is None or known.status is FileStatus.GONE:
            return Recorded(seen, Change.UNREADABLE, error=error)
        files_store.set_unreadable(known.id, error, self._at())
        return Recorded(seen, Change.UNREADABLE, known.id, known.original_id, error)

    def _moved(
        self,
        seen: Seen,
        stat: Stat,
        source_id: int,
        known: FileRecord | None,
        touched: Touched,
    ) -> Recorded:
        source = files_store.get_or_none(source_id)
        if source is None or source.original_id is None or not stat.is_moved_from(source.stat):
            return Recorded(seen, Change.AGAIN)
        if known is not None and known.id != source.id and _was_read_since(known, stat):
            return Recorded(seen, Change.UNCHANGED, known.id, known.original_id)
        was_gone = source.status is FileStatus.GONE
        if known is not None and known.id == source.id and not was_gone:
            return Recorded(seen, Change.UNCHANGED, known.id, known.original_id)
        if known is not None and known.id != source.id:
            if known.status is not FileStatus.GONE:
                self._release(known, touched)
            touched.buckets |= file_groups.buckets_around(known.id)
            files_store.delete(known.id)
        old_bucket = _bucket(source.path)
        bucket = _bucket(seen.path)
        # The rows of groups hang on the file's: what stood with it is asked before it goes.
        touched.buckets |= file_groups.buckets_around(source.id)
        original = originals_store.get(source.original_id)
        condition = _condition(seen.path, original.size, original.measurement)
        if source.status is FileStatus.UNREADABLE:
            condition = Condition(condition.kind, source.status, source.error)
        files_store.move(
            source.id,
            seen.root_id,
            seen.path,
            radical=bucket,
            burst_key=_burst_key(seen.path),
            stat=stat,
            is_nested=seen.is_nested,
            condition=condition,
            at=self._at(),
        )
        if was_gone:
            originals_store.add_reference(source.original_id)
        touched.originals.add(source.original_id)
        touched.add_path(source.root_id, source.path, old_bucket)
        touched.add_path(seen.root_id, seen.path, bucket)
        before = source.root_id, source.path
        return Recorded(seen, Change.MOVED, source.id, source.original_id, moved_from=before)

    def _unreadable(
        self, seen: Seen, stat: Stat, known: FileRecord | None, touched: Touched
    ) -> Recorded:
        error = seen.finding.problem or "not readable"
        if known is not None and known.status is not FileStatus.GONE:
            files_store.set_unreadable(known.id, error, self._at())
            return Recorded(seen, Change.UNREADABLE, known.id, known.original_id, error)
        condition = Condition(None, FileStatus.UNREADABLE, error)
        file_id = self._put(seen, _bucket(seen.path), stat, None, condition)
        return Recorded(seen, Change.UNREADABLE, file_id, None, error)

    def _content(
        self,
        seen: Seen,
        stat: Stat,
        sha256: str,
        known: FileRecord | None,
        touched: Touched,
    ) -> Recorded:
        original = self._original(sha256, stat.size, seen.finding.measurement, touched)
        if original is None:
            return Recorded(seen, Change.AGAIN)
        original_id, measured = original
        condition = _condition(seen.path, stat.size, measured)
        bucket = _bucket(seen.path)
        file_id = self._put(seen, bucket, stat, original_id, condition)
        error = condition.error or measured.error
        was_live = known is not None and known.status is not FileStatus.GONE
        if known is not None and was_live and known.original_id == original_id:
            touched.originals.add(original_id)
            return Recorded(seen, Change.UNCHANGED, file_id, original_id, error)
        if known is not None and was_live:
            self._release(known, touched)
        originals_store.add_reference(original_id)
        touched.originals.add(original_id)
        touched.add_path(seen.root_id, seen.path, bucket)
        if not was_live:
            return Recorded(seen, Change.ADDED, file_id, original_id, error)
        others = tuple(
            (record.root_id, record.path)
            for record in files_store.other_names(file_id, stat)
            if record.original_id != original_id
        )
        return Recorded(seen, Change.CHANGED, file_id, original_id, error, others)

    def _put(
        self,
        seen: Seen,
        bucket: str,
        stat: Stat,
        original_id: int | None,
        condition: Condition,
    ) -> int:
        return files_store.put(
            seen.root_id,
            seen.path,
            radical=bucket,
            burst_key=_burst_key(seen.path),
            stat=stat,
            is_nested=seen.is_nested,
            original_id=original_id,
            condition=condition,
            at=self._at(),
        )

    def _original(
        self, sha256: str, size: int, measurement: Measurement | None, touched: Touched
    ) -> tuple[int, Measurement] | None:
        """The content's id and what is known of it; None where it was forgotten since the worker
        was told it is known."""
        known = originals_store.version_of(sha256)
        if measurement is None and known is None:
            return None
        if known is not None and (
            measurement is None or knows_as_much(known[1], measurement.algorithm_version)
        ):
            return known[0], originals_store.get(known[0]).measurement
        assert measurement is not None
        original_id = originals_store.put(sha256, size, measurement)
        if known is not None:
            self._measured_anew(original_id, touched)
        else:
            touched.fresh.add(original_id)
        # The words of an error are the store's: it keeps them on one line.
        is_as_found = measurement.error is None
        return original_id, (
            measurement if is_as_found else originals_store.get(original_id).measurement
        )

    def _measured_anew(self, original_id: int, touched: Touched) -> None:
        """What is known of a content now holds for all its files."""
        original = originals_store.get(original_id)
        for record in files_store.of_original(original_id):
            touched.add_path(record.root_id, record.path, _bucket(record.path))
            if record.status in (FileStatus.OK, FileStatus.BROKEN, FileStatus.UNJUDGED):
                condition = _condition(record.path, original.size, original.measurement)
                files_store.set_condition(record.id, condition, self._at())

    def _release(self, record: FileRecord, touched: Touched) -> None:
        if record.original_id is not None:
            originals_store.remove_reference(record.original_id, self._at())
            touched.originals.add(record.original_id)

    def _at(self) -> str:
        return self._clock().isoformat(timespec="seconds")


def _condition(path: bytes, size: int, measured: Measurement) -> Condition:
    """What a file with a content of this size is, how it fares, and what is wrong with its name
    alone.

    A name that lies is the file's own fault: other files of the same content may be well named.
    """
    media = as_named(MediaType(measured.media_type, measured.kind), _name(path))
    if size == 0:
        return Condition(media.kind, FileStatus.WAITING)
    if measured.error is not None:
        is_judged = not is_unjudged(measured.error)
        return Condition(media.kind, FileStatus.BROKEN if is_judged else FileStatus.UNJUDGED)
    lie = contradiction(_name(path), media)
    return Condition(media.kind, FileStatus.OK if lie is None else FileStatus.BROKEN, lie)


def _was_read_since(known: FileRecord, stat: Stat) -> bool:
    """Whether the file that seems to be renamed was read at its new path meanwhile."""
    is_live = known.status is not FileStatus.GONE
    is_later = known.stat.ctime_ns >= stat.ctime_ns
    return is_live and known.stat.inode == stat.inode and is_later


def _is_stale(known: FileRecord, stat: Stat) -> bool:
    """Whether something newer was recorded while this finding was on its way.

    The ctime tells, also where another file was renamed to the path: a rename sets it.
    """
    return (
        known.status is not FileStatus.GONE
        and not known.stat.is_same_content_as(stat)
        and known.stat.ctime_ns > stat.ctime_ns
    )


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _bucket(path: bytes) -> str:
    """The key under which a file meets those that may be the same photograph."""
    return bucket_of(_name(path))


def _burst_key(path: bytes) -> str | None:
    """What the frames of one burst share in their names."""
    return parse_name(_name(path)).burst_key
