"""References held against each other: counts and the files they count, files and their contents.

Everything here is found by a query over the whole store and changes nothing, but for `mend_count`.
"""

from collections.abc import Iterator
from typing import Any

from peewee import JOIN, fn

from twinlens.model.files import FileStatus
from twinlens.store import revisions
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original, Root

RECONCILE = "reconcile"
"""Who mends, in the story of a content."""


def gone_links() -> dict[int, int]:
    """Every content's soft-deleted files, counted now."""
    query = (
        File.select(File.original, fn.COUNT(File.id))
        .where(File.original.is_null(False) & (File.status == FileStatus.GONE.value))
        .group_by(File.original)
    )
    return dict(tuples(query))


def half_orphans() -> list[int]:
    """Contents whose count and whose time of becoming an orphan contradict each other."""
    is_orphan, has_time = Original.reference_count == 0, Original.orphaned_at.is_null(False)
    query = Original.select(Original.id).where((is_orphan & ~has_time) | (~is_orphan & has_time))
    return sorted(int(i) for (i,) in tuples(query))


def mend_count(original_id: int, count: int, at: str) -> None:
    """Set a count to what was counted, and note it in the story of the content. An orphan keeps the
    time since when it is one. In a transaction."""
    row = Original.get_by_id(original_id)
    orphaned_at = None if count else row.orphaned_at or at
    Original.update(reference_count=count, orphaned_at=orphaned_at).where(
        Original.id == original_id
    ).execute()
    if row.reference_count != count:
        before, after = str(row.reference_count), str(count)
        revisions.add(
            row.sha256, "reference count", at, before=before, after=after, actor=RECONCILE
        )


def without_original() -> list[tuple[int, bytes]]:
    """(root id, path) of live files that were read once and refer to no content that is known."""
    query = (
        File.select(File.root, File.directory, File.name)
        .join(Root)
        .switch(File)
        .join(Original, JOIN.LEFT_OUTER)
        .where(
            Root.is_active
            & Original.id.is_null()
            & File.status.not_in([FileStatus.GONE.value, FileStatus.UNREADABLE.value])
        )
        .order_by(File.id)
    )
    return [_place(row) for row in tuples(query)]


def gone_files(root_id: int) -> Iterator[bytes]:
    """The paths of a root's soft-deleted files; streamed."""
    query = (
        File.select(File.root, File.directory, File.name)
        .where((File.root == root_id) & (File.status == FileStatus.GONE.value))
        .order_by(File.directory, File.name)
    )
    for row in tuples(query):
        yield _place(row)[1]


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
