"""References held against each other: counts and the files they count, files and their contents.

Everything here is found by a query over the whole store and changes nothing, but for `mend`.
"""

from dataclasses import dataclass
from typing import Any

from peewee import JOIN, fn

from twinlens.model.files import FileStatus
from twinlens.store import holds, revisions
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original, Root

RECONCILE = "reconcile"
"""Who mends, in the story of a content."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What was wrong with a content: its stored count and the counted live files, how many of its
    files are soft-deleted, and whether it was an orphan that nobody knew of."""

    stored: int
    counted: int
    gone: int
    is_new_orphan: bool


def drifted() -> list[int]:
    """Contents whose stored count is not the number of their live files, or contradicts the time of
    becoming an orphan; by id."""
    counted = (
        File.select(File.original.alias("content"), fn.COUNT(File.id).alias("files"))
        .where(File.original.is_null(False) & (File.status != FileStatus.GONE.value))
        .group_by(File.original)
    )
    files = fn.COALESCE(counted.c.files, 0)
    is_held = Original.sha256.in_(holds.held())
    has_time = Original.orphaned_at.is_null(False)
    is_orphan = (files == 0) & ~is_held
    query = (
        Original.select(Original.id)
        .join(counted, JOIN.LEFT_OUTER, on=(counted.c.content == Original.id))
        .where(
            (Original.reference_count != files) | (is_orphan & ~has_time) | (~is_orphan & has_time)
        )
        .order_by(Original.id)
    )
    return [int(i) for (i,) in tuples(query)]


def mend(original_id: int, at: str) -> Mended | None:
    """Count the live files of a content anew, set its count and whether it is an orphan, and note
    it in its story. An orphan keeps the time since when it is one. None where nothing was wrong, or
    the content is not known any more. In a transaction."""
    row = Original.get_or_none(Original.id == original_id)
    if row is None:
        return None
    links = File.select().where(File.original == original_id)
    gone = links.where(File.status == FileStatus.GONE.value).count()
    files = links.count() - gone
    is_orphan = files == 0 and not holds.is_held(row.sha256)
    mended = Mended(row.reference_count, files, gone, is_orphan and row.orphaned_at is None)
    if row.reference_count == files and is_orphan == (row.orphaned_at is not None):
        return None
    orphaned_at = (row.orphaned_at or at) if is_orphan else None
    Original.update(reference_count=files, orphaned_at=orphaned_at).where(
        Original.id == original_id
    ).execute()
    if row.reference_count != files:
        before, after = str(row.reference_count), str(files)
        revisions.add(
            row.sha256, "reference count", at, before=before, after=after, actor=RECONCILE
        )
    return mended


def without_original(limit: int) -> list[tuple[int, bytes]]:
    """(root id, path) of live files that were read once and refer to no content that is known."""
    query = _blank().order_by(File.id).limit(limit)
    return [_place(row) for row in tuples(query)]


def is_without_original(root_id: int, directory: bytes, name: bytes) -> bool:
    """Whether the file at this path is such a one."""
    query = _blank().where(
        (File.root == root_id) & (File.directory == directory) & (File.name == name)
    )
    return bool(query.exists())


def _blank() -> Any:
    return (
        File.select(File.root, File.directory, File.name)
        .join(Root)
        .switch(File)
        .join(Original, JOIN.LEFT_OUTER)
        .where(
            Root.is_active
            & Original.id.is_null()
            & File.status.not_in([FileStatus.GONE.value, FileStatus.UNREADABLE.value])
        )
    )


def gone_files(root_id: int) -> list[bytes]:
    """The paths of a root's soft-deleted files."""
    query = (
        File.select(File.root, File.directory, File.name)
        .where((File.root == root_id) & (File.status == FileStatus.GONE.value))
        .order_by(File.directory, File.name)
    )
    return [_place(row)[1] for row in tuples(query)]


def still_gone(root_id: int, directory: bytes, name: bytes) -> bool:
    """Whether the file at this path is still soft-deleted."""
    query = File.select(File.id).where(
        (File.root == root_id)
        & (File.directory == directory)
        & (File.name == name)
        & (File.status == FileStatus.GONE.value)
    )
    return bool(query.exists())


def _place(row: tuple[Any, ...]) -> tuple[int, bytes]:
    root_id, directory, name = row
    parts = (bytes(directory), bytes(name))
    return int(root_id), b"/".join(part for part in parts if part)
