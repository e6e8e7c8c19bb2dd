"""Verifications: which files are due to be read again, and what reading them proved.

A file's known-good digest is never replaced here by what was read. A damage stands while the file's
size and time of writing are those it was found with, and what is recorded of its content is the
good digest or the damaged one (a `chmod` makes it look changed). A copy that was put over it with
its old times ends it once it is read again, which comes before all else.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from peewee import JOIN

from twinlens.model.files import FileRecord, FileStatus
from twinlens.model.roots import RootState
from twinlens.model.vault import BlobState, PutHow
from twinlens.model.verification import Candidate, Damage, Verdict
from twinlens.store import files as files_store
from twinlens.store import tallies
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original, Root
from twinlens.store.tables_care import Verification
from twinlens.store.tables_vault import Blob

RACY_SECONDS = 3.0
"""FAT keeps the time of writing in steps of 2 s, and `updated_at` is a whole second."""

_READ = (FileStatus.OK.value, FileStatus.BROKEN.value, FileStatus.UNJUDGED.value)
_STANDS = (
    Verification.found_at.is_null(False)
    & (Verification.size == File.size)
    & (Verification.mtime_ns == File.mtime_ns)
    & ((Original.sha256 == Verification.sha256) | (Original.sha256 == Verification.found_sha256))
)


def due(
    before: str, now: str, limit: int | None = None, among: Sequence[int] | None = None
) -> list[int]:
    """Ids of files that were not read since `before`, the one that waits longest first. Before all
    come damaged files that something happened to, and their copies, which may mend them. `among`
    bounds them to these.

    A file that was never verified counts as read when it was first seen. A time after `now` is one
    of a clock that was wrong, and counts as none.
    """
    times = (File.read_at < before, File.read_at > now)
    if among is not None:
        query = _files().select(File.id).where((times[0] | times[1]) & File.id.in_(among))
        return [row[0] for row in tuples(query.order_by(File.read_at, File.id).limit(limit))]
    roots = Root.select(Root.id).where(Root.is_active & (Root.state == RootState.ONLINE.value))
    waiting = heapq.merge(
        *(
            _waiting_longest(root_id, status, wanted, limit)
            for (root_id,) in tuples(roots)
            for status in _READ
            for wanted in times
        )
    )
    ids = (file_id for _, file_id in islice(waiting, limit))
    return list(dict.fromkeys([*_urgent(), *ids]))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What there is to be read again below roots that are online: whether anything comes before all
    else, and when the files that were read first and last were (None: there is none)."""

    is_urgent: bool
    first: str | None
    last: str | None

    def is_due(self, before: str, now: str) -> bool:
        """Whether `due` gives a file at this time."""
        is_old = self.first is not None and self.first < before
        return self.is_urgent or is_old or (self.last is not None and self.last > now)


def waiting() -> Waiting:
    """What there is to be read again, whatever the time."""
    roots = Root.select(Root.id).where(Root.is_active & (Root.state == RootState.ONLINE.value))
    sorts = [(root_id, status) for (root_id,) in tuples(roots) for status in _READ]
    return Waiting(bool(_urgent()), _first(sorts), _last(sorts))


def _first(sorts: Sequence[tuple[int, str]]) -> str | None:
    found = (_waiting_longest(*sort, File.read_at.is_null(False), 1) for sort in sorts)
    return min((read_at for rows in found for read_at, _ in rows), default=None)


def _last(sorts: Sequence[tuple[int, str]]) -> str | None:
    found = (
        _of_sort(*sort).select(File.read_at).order_by(File.read_at.desc()).limit(1)
        for sort in sorts
    )
    return max((read_at for rows in found for (read_at,) in tuples(rows)), default=None)


def _waiting_longest(
    root_id: int, status: str, wanted: Any, limit: int | None
) -> list[tuple[str, int]]:
    """(when it was read, id) of files of one root and state, as the index has them: the one that
    waits longest first."""
    query = _of_sort(root_id, status).where(wanted).order_by(File.read_at, File.id).limit(limit)
    return [(read_at, int(file_id)) for read_at, file_id in tuples(query)]


def _of_sort(root_id: int, status: str) -> Any:
    return (
        File.select(File.read_at, File.id)
        .join(Original)
        .where((File.root == root_id) & (File.status == status) & (Original.size > 0))
    )


def _urgent() -> list[int]:
    """Damaged files that were recorded anew since they were read, and copies of damaged files that
    were not read since the damage was found."""
    found = []
    for row in _damaged_rows():
        if row.updated_at > row.read_at:
            found.append(int(row.id))
        for copy in _copies(row):
            if copy.read_at is None or copy.read_at < row.found_at:
                found.append(int(copy.id))
    return found


def candidate(file_id: int) -> Candidate | None:
    """What has to be known to read a file again; None where it cannot be, now or any more."""
    row = next(
        iter(
            _files()
            .select(
                File,
                Original.sha256.alias("digest"),
                Verification.sha256.alias("good"),
                Verification.found_sha256,
                Verification.found_at,
                Verification.sound_at,
                Verification.size.alias("seen_size"),
                Verification.mtime_ns.alias("seen_mtime"),
            )
            .where(File.id == file_id)
            .objects()
        ),
        None,
    )
    if row is None:
        return None
    record = _record(file_id)
    is_as_seen = (row.seen_size, row.seen_mtime) == (record.stat.size, record.stat.mtime_ns)
    is_damaged_content = row.digest in (row.good, row.found_sha256)
    stands = is_as_seen and row.found_at is not None and is_damaged_content
    was_sound = is_as_seen and row.sound_at is not None
    recorded = datetime.fromisoformat(row.updated_at).timestamp()
    written = max(record.stat.ctime_ns, record.stat.mtime_ns) / 1e9
    return Candidate(
        file_id,
        record.root_id,
        record.path,
        record.stat,
        row.good if stands else row.digest,
        not was_sound and recorded - written < RACY_SECONDS,
    )


def ids_below(root_id: int, path: bytes) -> list[int]:
    """The live files at or below a path relative to its root (empty: all of the root)."""
    directory, name = files_store.split(path)
    at = File.select(File.id).where(
        (File.root == root_id)
        & (File.directory == directory)
        & (File.name == name)
        & (File.status != FileStatus.GONE.value)
    )
    exact = [int(file_id) for (file_id,) in tuples(at)]
    return exact or [record.id for record in files_store.below(root_id, path)]


def record(
    wanted: Candidate,
    verdict: Verdict,
    at: str,
    *,
    found_sha256: str | None = None,
    error: str | None = None,
) -> bool:
    """Record what reading a file proved; returns whether a damage is new. In a transaction."""
    old = Verification.get_or_none(Verification.file == wanted.file_id)
    is_damage = verdict in (Verdict.ROTTEN, Verdict.UNREADABLE)
    is_as_seen = old is not None and (old.size, old.mtime_ns) == (
        wanted.stat.size,
        wanted.stat.mtime_ns,
    )
    if old is not None and is_as_seen and old.found_at and verdict is Verdict.CHANGED:
        # Somebody touched a damaged file: not known to be mended before it is read again.
        Verification.update(read_at=at).where(Verification.file == wanted.file_id).execute()
        _note(wanted.file_id, old.verdict, at)
        return False
    known_since = old.found_at if old is not None and is_as_seen else None
    sound_at = old.sound_at if old is not None and is_as_seen else None
    values: dict[str, Any] = {
        "verdict": verdict.value,
        "sha256": wanted.expected,
        "found_sha256": found_sha256,
        "error": error,
        "size": wanted.stat.size,
        "mtime_ns": wanted.stat.mtime_ns,
        "read_at": at,
        "sound_at": at if verdict is Verdict.SOUND else sound_at,
        "found_at": (known_since or at) if is_damage else None,
    }
    if old is None:
        Verification.insert(file=wanted.file_id, **values).execute()
    else:
        Verification.update(**values).where(Verification.file == wanted.file_id).execute()
    _note(wanted.file_id, verdict.value, at)
    was_told = known_since is not None and old is not None and old.verdict == verdict.value
    return is_damage and not was_told


def _note(file_id: int, verdict: str, at: str) -> None:
    """Put into the file's own row when it was read and what was found."""
    File.update(read_at=at, verdict=verdict).where(File.id == file_id).execute()


def damages() -> list[Damage]:
    """The files that are rotten or unreadable, by path, each with what could mend it."""
    return sorted((_damage(row) for row in _damaged_rows()), key=lambda damage: damage.path)


def damaged_ids() -> frozenset[int]:
    """The files that must not be taken for a good copy of anything."""
    return frozenset(int(row.id) for row in _damaged_rows())


def numbers() -> dict[str, Any]:
    """How many files were found how, how many were never read again, and since when the one that
    waits longest was not read (None where there is no file)."""
    by_verdict: dict[str, int] = {}
    for status, _, verdict, _, contents, _ in tallies.live_files():
        if status in _READ:
            by_verdict[verdict] = by_verdict.get(verdict, 0) + contents
    damaged = damages()
    return {
        "sound": by_verdict.get(Verdict.SOUND.value, 0),
        "rotten": sum(damage.verdict is Verdict.ROTTEN for damage in damaged),
        "unreadable": sum(damage.verdict is Verdict.UNREADABLE for damage in damaged),
        "never": by_verdict.get("", 0),
        "oldest": _oldest(),
    }


def _oldest() -> str | None:
    roots = Root.select(Root.id).where(Root.is_active)
    return _first([(root_id, status) for (root_id,) in tuples(roots) for status in _READ])


def _files() -> Any:
    return (
        File.select(File)
        .join(Root)
        .switch(File)
        .join(Original)
        .switch(File)
        .join(Verification, JOIN.LEFT_OUTER)
        .where(
            Root.is_active
            & (Root.state == RootState.ONLINE.value)
            & File.status.in_(_READ)
            & (Original.size > 0)
        )
    )


def _damaged_rows() -> list[Any]:
    query = (
        Verification.select(
            File.id,
            File.directory,
            File.name,
            File.updated_at,
            Root.path.alias("root_path"),
            Verification.verdict,
            Verification.sha256,
            Verification.found_sha256,
            Verification.error,
            Verification.found_at,
            Verification.read_at,
        )
        .join(File)
        .join(Root)
        .switch(File)
        .join(Original)
        .where(_STANDS & Root.is_active & (File.status != FileStatus.GONE.value))
        .objects()
    )
    return list(query)


def _copies(row: Any) -> list[Any]:
    """Other live files that were recorded with the digest that a damaged file should have."""
    query = (
        File.select(
            File.id,
            File.directory,
            File.name,
            Root.path.alias("root_path"),
            Verification.verdict,
            Verification.read_at,
            Verification.sound_at,
        )
        .join(Root)
        .switch(File)
        .join(Original)
        .switch(File)
        .join(Verification, JOIN.LEFT_OUTER)
        .where(
            (Original.sha256 == row.sha256)
            & (File.id != row.id)
            & Root.is_active
            & File.status.in_(_READ)
        )
        .order_by(Root.path, File.directory, File.name)
        .objects()
    )
    return list(query)


def _damage(row: Any) -> Damage:
    copies = _copies(row)
    sound = [
        copy
        for copy in copies
        if copy.verdict == Verdict.SOUND.value and copy.sound_at >= row.found_at
    ]
    return Damage(
        int(row.id),
        _absolute(row),
        Verdict(row.verdict),
        row.sha256,
        row.found_sha256,
        row.error,
        row.found_at,
        row.read_at,
        _absolute(sound[0]) if sound else None,
        tuple(_absolute(copy) for copy in copies),
        _is_in_vault(row.sha256),
    )


def _is_in_vault(sha256: str) -> bool:
    """Whether the vault keeps it, and not as another name of a file of the library."""
    query = Blob.select(Blob.id).where(
        (Blob.sha256 == sha256)
        & (Blob.state == BlobState.KEPT.value)
        & (Blob.how != PutHow.HARDLINK.value)
    )
    return bool(query.exists())


def _absolute(row: Any) -> bytes:
    parts: Iterable[bytes] = (bytes(row.root_path).rstrip(b"/"), row.directory, row.name)
    return b"/".join(bytes(part) for part in parts if part)


def _record(file_id: int) -> FileRecord:
    found = files_store.get_or_none(file_id)
    assert found is not None
    return found
