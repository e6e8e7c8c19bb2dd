"""Orphans: contents without a live file, seen by one pass after the other until they are forgotten.

Neither the stored count nor the stored time is believed alone: a live file, or a copy in the trash
that can still be put back, keeps a content whatever its count says.
"""

from typing import Any

from peewee import fn

from twinlens.model.files import FileStatus
from twinlens.store import actions, revisions
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original
from twinlens.store.tables_care import Orphan

CLEANUP = "cleanup"
"""Who forgets, in the story of a content."""

ENOUGH_PASSES = 2


def see(at: str) -> None:
    """One more pass sees which contents are orphans now; those that are none any more are dropped,
    and begin anew should they become orphans again. In a transaction."""
    held = _held()
    rows = tuples(_orphans().select(Original.id, Original.sha256, Original.orphaned_at))
    since = {int(i): orphaned_at for i, sha256, orphaned_at in rows if sha256 not in held}
    now = since.keys()
    seen = {int(i): begun for i, begun in tuples(Orphan.select(Orphan.original, Orphan.since))}
    # One that had a file in between the passes has begun anew.
    known = {i for i, begun in seen.items() if i in now and (since[i] or at) <= begun}
    for gone in _parts(sorted(seen.keys() - known)):
        Orphan.delete().where(Orphan.original.in_(gone)).execute()
    Orphan.update(passes=Orphan.passes + 1).execute()
    new = [{"original": i, "since": since[i] or at, "passes": 1} for i in sorted(now - known)]
    for part in _parts(new):
        Orphan.insert_many(part).execute()


def begin_anew(at: str) -> None:
    """The clock was wrong: the grace of every orphan begins now. In a transaction."""
    Orphan.update(since=at).execute()


def count() -> int:
    """How many contents were seen without a file in the last pass."""
    return int(Orphan.select().count())


def ripe(before: str, now: str) -> list[int]:
    """Contents that have been orphans since `before`, in enough passes, and are still, the oldest
    first. A time after `now` is one of a clock that was wrong."""
    query = (
        _orphans()
        .select(Original.id)
        .join(Orphan)
        .where((Orphan.since < before) & (Orphan.since <= now) & (Orphan.passes >= ENOUGH_PASSES))
        .order_by(Orphan.since, Original.sha256)
    )
    return [int(i) for (i,) in tuples(query)]


def forget(ids: list[int], at: str) -> int:
    """Forget contents with all that was derived of them, and note it in their story; returns how
    many. In a transaction."""
    removed = 0
    for part in _parts(ids):
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
        Original.orphaned_at.is_null(False) & (Original.reference_count == 0) & ~fn.EXISTS(alive)
    )


def _held() -> frozenset[str]:
    """Digests of what lies in the trash, or is on its way there or back."""
    return frozenset(step.planned.sha256 for step in (*actions.in_trash(), *actions.open_steps()))


def _parts(items: list[Any], size: int = 200) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
