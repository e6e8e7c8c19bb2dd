"""Orphans: contents that nothing refers to, seen by one pass after the other until they are
forgotten.

Neither the stored count nor the stored time is believed alone: a live file, a copy in the trash or
any other hold keeps a content whatever its count says, and how old an orphan is tells a clock that
nobody sets.
"""

from typing import Any

from peewee import fn

from twinlens.model.files import FileStatus
from twinlens.store import holds, revisions
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original
from twinlens.store.tables_care import Orphan

CLEANUP = "cleanup"
"""Who forgets, in the story of a content."""

ENOUGH_PASSES = 2


def see(lived: float) -> None:
    """One more pass sees which contents are orphans now. Those that are none any more, and those
    that were none in between, begin anew. In a transaction."""
    now = _orphans().select(Original.id)
    same = (
        Original.select(Original.id)
        .where((Original.id == Orphan.original) & (Original.orphaned_at == Orphan.since))
        .where(Original.id.in_(now))
    )
    Orphan.delete().where(~fn.EXISTS(same)).execute()
    Orphan.update(passes=Orphan.passes + 1).execute()
    known = Orphan.select(Orphan.original)
    new = [
        {"original": i, "since": since, "lived": lived, "passes": 1, "is_reconciled": False}
        for i, since in tuples(
            _orphans()
            .select(Original.id, Original.orphaned_at)
            .where(Original.id.not_in(known))
            .order_by(Original.id)
        )
    ]
    for start in range(0, len(new), 200):
        Orphan.insert_many(new[start : start + 200]).execute()


def doubt() -> None:
    """A folder could not be believed: the passes and reconciliations before count no more. In a
    transaction."""
    Orphan.update(passes=0, is_reconciled=False).where(
        (Orphan.passes > 0) | Orphan.is_reconciled
    ).execute()


def note_reconciled() -> None:
    """Every folder could be asked, and the references were counted anew. In a transaction."""
    Orphan.update(is_reconciled=True).where(~Orphan.is_reconciled).execute()


def count() -> int:
    """How many contents were seen without a reference in the last pass."""
    return int(Orphan.select().count())


def ripe(lived_until: float) -> list[int]:
    """Contents that were first seen as orphans by then, in enough passes, with a reconciliation
    since, and that are orphans still; the oldest first. `lived_until` is in the seconds of
    `store.lived`."""
    query = (
        _orphans()
        .select(Original.id)
        .join(Orphan)
        .where(
            (Orphan.lived <= lived_until) & (Orphan.passes >= ENOUGH_PASSES) & Orphan.is_reconciled
        )
        .order_by(Orphan.lived, Original.sha256)
    )
    return [int(i) for (i,) in tuples(query)]


def forget(ids: list[int], at: str) -> int:
    """Forget contents with all that was derived of them, and note it in their story; returns how
    many. In a transaction."""
    removed = 0
    for start in range(0, len(ids), 200):
        part = ids[start : start + 200]
        for sha256, since in tuples(
            Original.select(Original.sha256, Original.orphaned_at)
            .where(Original.id.in_(part))
            .order_by(Original.sha256)
        ):
            revisions.add(sha256, "forgotten", at, before=since, after=None, actor=CLEANUP)
        removed += int(Original.delete().where(Original.id.in_(part)).execute())
    return removed


def all_contents() -> int:
    """How many contents are known."""
    return int(Original.select().count())


def _orphans() -> Any:
    alive = File.select(File.id).where(
        (File.original == Original.id) & (File.status != FileStatus.GONE.value)
    )
    return Original.select().where(
        Original.orphaned_at.is_null(False)
        & (Original.reference_count == 0)
        & Original.sha256.not_in(holds.held())
        & ~fn.EXISTS(alive)
    )
