"""The queue's memory: one entry a path, leased while it is worked on, kept until it is recorded.

Times are seconds since the epoch, handed in. Nothing here waits or decides when to try again.
"""

import json
from collections.abc import Iterable

from peewee import fn

from twinlens.model.jobs import WorkItem, WorkState
from twinlens.store.rows import tuples
from twinlens.store.tables_work import WorkItem as ItemRow

Sample = tuple[int, int]
"""(size, mtime in nanoseconds) of a file that must hold still."""


def put(
    root_id: int,
    paths: Iterable[bytes],
    *,
    reason: str,
    not_before: float,
    at: str,
    samples: dict[bytes, Sample] | None = None,
    leased_until: float | None = None,
    workers_lost: int = 0,
) -> list[WorkItem]:
    """Ask for paths to be looked at; a path that waits already keeps one entry, made fresh.

    A quarantined path is given a new start: whoever puts it saw that it changed. With
    `leased_until` those without an entry are taken by whoever puts them, and returned; one that is
    looked at by another already has to be looked at again after that.
    """
    first = WorkState.PENDING if leased_until is None else WorkState.RUNNING
    rows = [
        {
            "root": root_id,
            "path": path,
            "reason": reason,
            "state": first.value,
            "attempts": 0,
            "workers_lost": workers_lost,
            "not_before": not_before,
            "leased_until": leased_until,
            "sampled": _encode((samples or {}).get(path)),
            "error": None,
            "created_at": at,
        }
        for path in paths
    ]
    fresh = ("reason", "attempts", "workers_lost", "not_before", "sampled", "error")
    taken: list[WorkItem] = []
    for start in range(0, len(rows), 90):
        query = (
            ItemRow.insert_many(rows[start : start + 90])
            .on_conflict(
                conflict_target=[ItemRow.root, ItemRow.path],
                preserve=[getattr(ItemRow, name) for name in fresh],
                update={ItemRow.state: WorkState.PENDING.value, ItemRow.leased_until: None},
            )
            .returning(ItemRow)
        )
        taken += [_item(row) for row in query if row.state == WorkState.RUNNING.value]
    return taken


def lease(
    now: float, seconds: float, limit: int, most_lost: int | None = None
) -> list[tuple[WorkItem, Sample | None]]:
    """Take up to `limit` due entries, those that wait longest first. They stay until `done`.

    Those that have cost a worker come last, and with `most_lost` no more than so many.
    """
    due = (ItemRow.state == WorkState.PENDING.value) & (ItemRow.not_before <= now)
    order = (ItemRow.not_before, ItemRow.id)
    rows = list(ItemRow.select().where(due).order_by(*order).limit(limit))
    lost = [row for row in rows if row.workers_lost][:most_lost]
    kept = [row for row in rows if not row.workers_lost]
    if len(kept) + len(lost) < len(rows):
        others = ItemRow.select().where(due & (ItemRow.workers_lost == 0)).order_by(*order)
        kept = list(others.limit(limit - len(lost)))
    rows = kept + lost
    if rows:
        ItemRow.update(state=WorkState.RUNNING.value, leased_until=now + seconds).where(
            ItemRow.id.in_([row.id for row in rows])
        ).execute()
    return [(_item(row), _decode(row.sampled)) for row in rows]


def release_leases(now: float | None = None) -> int:
    """Put entries back whose lease ran out (all of them where `now` is None: at start)."""
    query = ItemRow.update(state=WorkState.PENDING.value, leased_until=None).where(
        ItemRow.state == WorkState.RUNNING.value
    )
    if now is not None:
        query = query.where(ItemRow.leased_until < now)
    return int(query.execute())


def done(item_ids: Iterable[int]) -> None:
    """The paths were recorded. An entry that was put anew meanwhile stays for another look."""
    wanted = list(item_ids)
    if wanted:
        ItemRow.delete().where(
            ItemRow.id.in_(wanted) & (ItemRow.state == WorkState.RUNNING.value)
        ).execute()


def postpone(item_id: int, *, not_before: float, sample: Sample | None) -> None:
    """The file does not hold still yet: look again later. This is no failed try."""
    ItemRow.update(
        state=WorkState.PENDING.value,
        leased_until=None,
        not_before=not_before,
        sampled=_encode(sample),
    ).where((ItemRow.id == item_id) & (ItemRow.state == WorkState.RUNNING.value)).execute()


def fail(item_id: int, *, error: str, retry_at: float | None, is_worker_lost: bool = False) -> None:
    """A try failed: wait until `retry_at`, or go to quarantine where it is None."""
    state = WorkState.FAILED if retry_at is None else WorkState.PENDING
    ItemRow.update(
        state=state.value,
        leased_until=None,
        attempts=ItemRow.attempts + 1,
        workers_lost=ItemRow.workers_lost + int(is_worker_lost),
        not_before=retry_at or 0.0,
        error=error[:500],
    ).where((ItemRow.id == item_id) & (ItemRow.state == WorkState.RUNNING.value)).execute()


def retry_failed() -> int:
    """Give every quarantined path a new start; returns how many."""
    return int(
        ItemRow.update(state=WorkState.PENDING.value, attempts=0, workers_lost=0, not_before=0.0)
        .where(ItemRow.state == WorkState.FAILED.value)
        .execute()
    )


def failed() -> list[tuple[int, bytes, int, str]]:
    """The quarantine: (root id, path, attempts, error)."""
    query = ItemRow.select().where(ItemRow.state == WorkState.FAILED.value).order_by(ItemRow.path)
    return [(row.root_id, bytes(row.path), row.attempts, row.error or "") for row in query]


def waiting(root_id: int, path: bytes) -> tuple[WorkItem, WorkState, str | None] | None:
    """The entry of one path with its state and last error, where it has one."""
    row = ItemRow.get_or_none((ItemRow.root == root_id) & (ItemRow.path == path))
    return None if row is None else (_item(row), WorkState(row.state), row.error)


def drop(root_id: int, paths: Iterable[bytes]) -> None:
    """Forget entries of these paths, whatever their state."""
    for path in paths:
        ItemRow.delete().where((ItemRow.root == root_id) & (ItemRow.path == path)).execute()


def below(root_id: int, folder: bytes) -> list[bytes]:
    """The paths below a folder that wait or are under way."""
    query = ItemRow.select(ItemRow.path).where(
        (ItemRow.root == root_id) & (ItemRow.path > folder + b"/") & (ItemRow.path < folder + b"0")
    )
    return [bytes(path) for (path,) in tuples(query)]


def next_due() -> float | None:
    """When the next entry is due."""
    value = (
        ItemRow.select(fn.MIN(ItemRow.not_before))
        .where(ItemRow.state == WorkState.PENDING.value)
        .scalar()
    )
    return None if value is None else float(value)


def counts() -> dict[str, int]:
    """How many entries are pending, running, failed."""
    query = ItemRow.select(ItemRow.state, fn.COUNT(ItemRow.id)).group_by(ItemRow.state)
    found: dict[str, int] = dict(tuples(query))
    return {state.value: int(found.get(state.value, 0)) for state in WorkState}


def _item(row: ItemRow) -> WorkItem:
    path = bytes(row.path)
    return WorkItem(row.id, row.root_id, path, row.attempts, row.reason, row.workers_lost)


def _encode(sample: Sample | None) -> str | None:
    return None if sample is None else json.dumps(sample)


def _decode(text: str | None) -> Sample | None:
    if text is None:
        return None
    size, mtime_ns = json.loads(text)
    return size, mtime_ns
