"""`trash`: what lies in it, giving it back, and removing what has lain there for long enough."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from twinlens.actions.emptying import purge
from twinlens.actions.trash_items import notes
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import step_shape
from twinlens.errors import UsageError
from twinlens.model.actions import Step, StepState
from twinlens.model.paths import to_text
from twinlens.store import actions as journal_store
from twinlens.store import copies as copies_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database


def list_trash(database: Database, retention_days: float, now: datetime) -> dict[str, Any]:
    """What lies in the trash, oldest first, and what lies there that the journal does not know."""
    with database.reading():
        steps = journal_store.in_trash()
        roots = [root.path for root in roots_store.active()]
        tokens = journal_store.tokens()
    items = [
        step_shape(step)
        | {"may_be_emptied_at": _ripe_at(step, retention_days).isoformat(timespec="seconds")}
        | {"is_ripe": _ripe_at(step, retention_days) <= now}
        for step in steps
    ]
    return {"items": items, "strays": [s for root in roots for s in _strays(root, tokens)]}


def empty_trash(
    room: ActionRoom, *, at_once: bool = False, only: Sequence[str] = ()
) -> dict[str, Any]:
    """Remove for good what has been in the trash for as long as the config says, or `at_once`.

    `only` names actions or steps. Each file is read again first, and so is another copy of it;
    without one it stays. Returns what was removed and why the rest was not.
    """
    room.recover()
    with room.database.reading():
        steps = journal_store.in_trash()
    now = room.clock()
    days = room.config.trash.retention_days
    wanted = [
        step
        for step in steps
        if (at_once or _ripe_at(step, days) <= now) and (not only or _is_named(step, only))
    ]
    if only and not wanted:
        raise UsageError("nothing of that name can be removed yet", "see: twinlens trash list")
    journal = room.journal(wanted)
    removed, kept, freed = 0, [], 0
    for step in wanted:
        if room.is_stopped():
            break

        def copies(sha256: str, own: Step = step) -> list[Any]:
            with room.database.reading():
                found = copies_store.live_places(sha256)
            return [place for place in found if place != own.planned.victim] or found

        outcome = purge(step, journal, copies)
        if outcome.state is StepState.PURGED:
            removed += 1
            freed += step.planned.size
        else:
            kept.append({"id": _name(step), "reason": outcome.reason})
    return {
        "removed": removed,
        "freed_bytes": freed,
        "kept": kept,
        "waiting": len(steps) - len(wanted),
    }


def _ripe_at(step: Step, retention_days: float) -> datetime:
    return datetime.fromisoformat(step.updated_at) + timedelta(days=retention_days)


def _is_named(step: Step, only: Sequence[str]) -> bool:
    return _name(step) in only or str(step.action_id) in only


def _name(step: Step) -> str:
    return f"{step.action_id}.{step.planned.number}"


def _strays(root: bytes, tokens: set[str]) -> list[dict[str, Any]]:
    """Items whose note the journal does not know: of a database that is lost or was set back."""
    try:
        found = notes(root)
    except OSError:
        return []
    return [
        {"root": to_text(root), "token": note["token"], "path": note.get("path")}
        for note in found
        if note["token"] not in tokens
    ]
