"""Counts of references that are wrong, and what they ought to be."""

from peewee import fn

from twinlens.model.files import FileStatus
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original


def set_count(original_id: int, count: int, at: str) -> None:
    """Give a content a count, whatever refers to it."""
    Original.update(reference_count=count, orphaned_at=None if count else at).where(
        Original.id == original_id
    ).execute()


def counted_links() -> dict[int, int]:
    """Every content's live files, counted now."""
    query = (
        File.select(File.original, fn.COUNT(File.id))
        .where(File.original.is_null(False) & (File.status != FileStatus.GONE.value))
        .group_by(File.original)
    )
    return dict(tuples(query))
