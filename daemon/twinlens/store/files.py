"""Files: one path under a root, as last seen.

Paths are bytes, relative to their root. All functions run inside a connection of the database;
those that change something, inside a transaction of the writer.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from peewee import JOIN, fn

from twinlens.model.files import Condition, FileRecord, FileStatus, Stat
from twinlens.model.picture import Kind
from twinlens.store.integers import to_signed, to_unsigned
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, named_rows, slot
from twinlens.store.tables import File, FileTally, Original

_PLACE = ("root", "directory", "name")
_SEEN = (
    *("radical", "burst_key", "size", "mtime_ns", "ctime_ns", "device", "inode", "is_nested"),
    *("original", "kind", "status", "error", "updated_at"),
)
_AT_PATH = Statement(
    File,
    lambda: File.select().where(
        (File.root == slot("root"))
        & (File.directory == slot("directory"))
        & (File.name == slot("name"))
    ),
)
_OTHER_NAMES = Statement(
    File,
    lambda: File.select().where(
        (File.inode == slot("inode"))
        & (File.device == slot("device"))
        & (File.id != slot("file"))
        & (File.status != FileStatus.GONE.value)
    ),
)
_WITH_INODE = Statement(
    File,
    lambda: File.select().where(
        (File.inode == slot("inode"))
        & (File.size == slot("size"))
        & (File.mtime_ns == slot("mtime_ns"))
        & (File.device == slot("device"))
        & File.original.is_null(False)
    ),
)
_OF_ORIGINALS = Statement(
    File,
    lambda: (
        File.select()
        .where(File.original.in_(any_of("originals")) & (File.status != FileStatus.GONE.value))
        .order_by(File.root, File.directory, File.name)
    ),
)
_KINDS = Statement(
    File,
    lambda: (
        File.select(File.original, File.kind)
        .where(
            File.original.in_(any_of("originals"))
            & (File.status != FileStatus.GONE.value)
            & File.kind.is_null(False)
        )
        .distinct()
    ),
)
_PUT = Statement(
    File,
    lambda: (
        File.insert({name: slot(name) for name in (*_PLACE, *_SEEN, "first_seen_at", "read_at")})
        .on_conflict(
            conflict_target=[getattr(File, name) for name in _PLACE],
            preserve=[getattr(File, name) for name in _SEEN],
            update={"deleted_at": None},
        )
        .returning(File.id)
    ),
)


def split(path: bytes) -> tuple[bytes, bytes]:
    """The folder and the name of a relative path."""
    directory, _, name = path.rpartition(b"/")
    return directory, name


def find(root_id: int, path: bytes) -> FileRecord | None:
    """The file at this path, gone or not."""
    directory, name = split(path)
    row = _AT_PATH.first(root=root_id, directory=directory, name=name)
    return None if row is None else _record(row)


def get_or_none(file_id: int) -> FileRecord | None:
    """The file with this id, where it is still known."""
    row = File.get_or_none(File.id == file_id)
    return None if row is None else _record(row)


def get_many(ids: Sequence[int]) -> list[FileRecord]:
    """The files with these ids that are still known, in the order of the ids; at most 500."""
    rows = {row.id: row for row in named_rows(File.select().where(File.id.in_(ids)))}
    return [_record(rows[file_id]) for file_id in ids if file_id in rows]


def below(root_id: int, directory: bytes) -> list[FileRecord]:
    """All files that are not gone in this folder and in all folders below it."""
    query = File.select().where((File.root == root_id) & (File.status != FileStatus.GONE.value))
    if directory:
        # Bytes compare as numbers: '0' is the one after '/'.
        query = query.where(
            (File.directory == directory)
            | ((File.directory > directory + b"/") & (File.directory < directory + b"0"))
        )
    return [_record(row) for row in query]


def count_live(root_id: int) -> int:
    """How many files of the root are not gone."""
    query = FileTally.select(fn.SUM(FileTally.files)).where(
        (FileTally.root_id == root_id) & (FileTally.status != FileStatus.GONE.value)
    )
    return int(query.scalar() or 0)


def sample(root_id: int, limit: int) -> list[FileRecord]:
    """Some live files from all over the root, the same ones each time."""
    query = (
        File.select()
        .where((File.root == root_id) & (File.status != FileStatus.GONE.value))
        .order_by((File.id * 2654435761) % 4294967296)
        .limit(limit)
    )
    return [_record(row) for row in query]


def with_inode(stat: Stat) -> list[FileRecord]:
    """Files, gone or not, that a rename could have turned into one with this stat."""
    rows = _WITH_INODE.all(
        inode=to_signed(stat.inode),
        size=stat.size,
        mtime_ns=stat.mtime_ns,
        device=to_signed(stat.device),
    )
    return [_record(row) for row in rows]


def other_names(file_id: int, stat: Stat) -> list[FileRecord]:
    """Live files under other names that were the same inode when they were last seen."""
    rows = _OTHER_NAMES.all(
        inode=to_signed(stat.inode), device=to_signed(stat.device), file=file_id
    )
    return [_record(row) for row in rows]


def of_original(original_id: int) -> list[FileRecord]:
    """The live files that refer to a content, in the order of their paths."""
    return of_originals([original_id]).get(original_id, [])


def of_originals(original_ids: Iterable[int]) -> dict[int, list[FileRecord]]:
    """The live files that refer to each of these contents, in the order of their paths."""
    found: dict[int, list[FileRecord]] = {}
    for row in _OF_ORIGINALS.all(originals=original_ids):
        found.setdefault(row.original_id, []).append(_record(row))
    return found


def digests_of(file_ids: Iterable[int]) -> set[str]:
    """The SHA-256 of the contents that these files refer to."""
    wanted = sorted(set(file_ids))
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        query = (
            File.select(Original.sha256)
            .join(Original)
            .where(File.id.in_(wanted[start : start + 500]))
        )
        found |= {str(sha256) for (sha256,) in tuples(query)}
    return found


def kinds_of(original_ids: Iterable[int]) -> dict[int, frozenset[Kind]]:
    """For each content: what the live files are that refer to it."""
    found: dict[int, set[Kind]] = {}
    for original_id, kind in _KINDS.tuples(originals=original_ids):
        found.setdefault(original_id, set()).add(Kind(kind))
    return {original_id: frozenset(kinds) for original_id, kinds in found.items()}


def put(
    root_id: int,
    path: bytes,
    *,
    radical: str,
    burst_key: str | None = None,
    stat: Stat,
    is_nested: bool,
    original_id: int | None,
    condition: Condition,
    at: str,
) -> int:
    """Record what is at the path now; returns the file's id, which stays for the path."""
    directory, name = split(path)
    row = _PUT.first(
        root=root_id,
        directory=directory,
        name=name,
        radical=radical,
        burst_key=burst_key,
        size=stat.size,
        mtime_ns=stat.mtime_ns,
        ctime_ns=stat.ctime_ns,
        device=to_signed(stat.device),
        inode=to_signed(stat.inode),
        is_nested=is_nested,
        original=original_id,
        **_columns(condition),
        first_seen_at=at,
        read_at=at,
        updated_at=at,
    )
    assert row is not None
    return int(row.id)


def move(
    file_id: int,
    root_id: int,
    path: bytes,
    *,
    radical: str,
    burst_key: str | None = None,
    stat: Stat,
    is_nested: bool,
    condition: Condition,
    at: str,
) -> None:
    """Record a rename: the file keeps its id, its content and its history."""
    directory, name = split(path)
    File.update(
        root=root_id,
        directory=directory,
        name=name,
        radical=radical,
        burst_key=burst_key,
        ctime_ns=stat.ctime_ns,
        is_nested=is_nested,
        **_columns(condition),
        deleted_at=None,
        updated_at=at,
    ).where(File.id == file_id).execute()


def delete(file_id: int) -> None:
    """Forget a row whose path another file has taken."""
    File.delete().where(File.id == file_id).execute()


def set_unreadable(file_id: int, error: str, at: str) -> None:
    """It is there and cannot be read; what was known of it stays."""
    File.update(status=FileStatus.UNREADABLE.value, error=error, updated_at=at).where(
        File.id == file_id
    ).execute()


def set_condition(file_id: int, condition: Condition, at: str) -> None:
    """Its content was measured anew, and may be understood now or no longer."""
    columns = _columns(condition)
    File.update(**columns, updated_at=at).where(
        (File.id == file_id)
        & (
            (File.status != columns["status"])
            | (File.kind != columns["kind"])
            | File.kind.is_null()
        )
    ).execute()


def set_gone(file_id: int, at: str) -> None:
    """Soft-delete: the row stays, so that a file that comes back is known at once."""
    File.update(status=FileStatus.GONE.value, deleted_at=at, updated_at=at).where(
        File.id == file_id
    ).execute()


def forget_inode(file_id: int) -> None:
    """What was read there is not what the inode holds now: no rename leads to it. 0 is no inode's
    number."""
    File.update(inode=0).where(File.id == file_id).execute()


def forget_gone(before: str, limit: int) -> int:
    """Drop soft-deleted rows older than `before`, but for those of a content that has no other
    files: where it lay is part of its story. Returns how many."""
    query = (
        File.select(File.id)
        .join(Original, JOIN.LEFT_OUTER)
        .where((File.status == FileStatus.GONE.value) & (File.deleted_at < before))
        .where(Original.id.is_null() | (Original.reference_count > 0))
        .limit(limit)
    )
    ids = [int(file_id) for (file_id,) in tuples(query)]
    return int(File.delete().where(File.id.in_(ids)).execute()) if ids else 0


def from_rows(rows: Iterable[Any]) -> list[FileRecord]:
    """The values of rows, models' or a statement's, that another module of this room selected."""
    return [_record(row) for row in rows]


def _columns(condition: Condition) -> dict[str, str | None]:
    return {
        "kind": condition.kind and condition.kind.value,
        "status": condition.status.value,
        "error": condition.error,
    }


def _record(row: Any) -> FileRecord:
    """The value of a row, whether it is a model's or a statement's."""
    directory, name = bytes(row.directory), bytes(row.name)
    return FileRecord(
        id=row.id,
        root_id=row.root_id,
        path=directory + b"/" + name if directory else name,
        stat=Stat(
            device=to_unsigned(row.device),
            inode=to_unsigned(row.inode),
            size=row.size,
            mtime_ns=row.mtime_ns,
            ctime_ns=row.ctime_ns,
        ),
        is_nested=bool(row.is_nested),
        original_id=row.original_id,
        kind=None if row.kind is None else Kind(row.kind),
        status=FileStatus(row.status),
        error=row.error,
    )
