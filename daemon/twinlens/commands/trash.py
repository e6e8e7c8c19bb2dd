"""`trash`: what lies in it, giving it back, and removing what has lain there for long enough.

How long something has lain there is counted by a clock that nobody sets (`store.lived`), from when
it was first seen there: a wall clock that jumps makes nothing ripe.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from twinlens.actions.emptying import TAKEN, purge
from twinlens.actions.trash_items import notes
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import step_shape
from twinlens.errors import UsageError
from twinlens.host.uptime import Uptime, uptime
from twinlens.model.actions import Outcome, Step, StepState
from twinlens.model.paths import printable, to_text
from twinlens.model.roots import RootState
from twinlens.store import actions as journal_store
from twinlens.store import copies as copies_store
from twinlens.store import generation, lived, meta
from twinlens.store import roots as roots_store
from twinlens.store.database import Database

_DAY_SECONDS = 86400.0
AGAIN_AFTER_SECONDS = 7 * _DAY_SECONDS
"""When a file that could not be removed by the clock is read again: it may be large."""


def list_trash(
    database: Database,
    retention_days: float,
    now: datetime,
    steady: Callable[[], Uptime] = uptime,
) -> dict[str, Any]:
    """What lies in the trash, oldest first, and what lies there that the journal does not know.

    `may_be_emptied_at` is when it will have lain there for long enough, if the machine stays on.
    """
    with database.reading():
        steps = journal_store.in_trash()
        seconds = lived.at(steady())
        roots = [root.path for root in roots_store.active()]
        tokens = journal_store.tokens()
    items = []
    for step in steps:
        left = max(retention_days * _DAY_SECONDS - _age(step, seconds), 0.0)
        ripe_at = (now + timedelta(seconds=left)).isoformat(timespec="seconds")
        items.append(step_shape(step) | {"may_be_emptied_at": ripe_at, "is_ripe": left <= 0.0})
    return {"items": items, "strays": [s for root in roots for s in _strays(root, tokens)]}


def empty_trash(
    room: ActionRoom, *, at_once: bool = False, only: Sequence[str] = ()
) -> dict[str, Any]:
    """Remove for good what has been in the trash for as long as the config says, or `at_once`.

    `only` names actions or steps. Each file is read again first, and so is another copy of it;
    without one it stays. Returns what was removed and why the rest was not.
    """
    room.recover()
    steps, ripe = _ripe(room)
    wanted = [step for step in (steps if at_once else ripe) if not only or _is_named(step, only)]
    if only and not wanted:
        raise UsageError("nothing of that name can be removed yet", "see: twinlens trash list")
    return _emptied(room, wanted) | {"waiting": len(steps) - len(wanted)}


def purge_by_the_clock(room: ActionRoom) -> dict[str, Any] | None:
    """The same by the clock, with more doubt: nothing is removed while a root of its catalog cannot
    be believed, nor while the database is older than it was. None where nothing was to be done."""
    seconds = _lived(room)
    most = room.config.trash.retention_days * _DAY_SECONDS
    with room.database.reading():
        lying = journal_store.count_in_trash()
        ripe = journal_store.in_trash(seen_until=seconds - most)
    due = [step for step in ripe if _is_due(step, seconds)]
    if not due:
        return None
    room.recover()
    frozen = _frozen(room)
    catalogs = {catalog for catalog, _ in frozen}
    with room.database.reading():
        older = generation.freeze()
        catalog_of = {root.path: root.catalog for root in roots_store.every()}
    wanted = [
        step
        for step in due
        if older is None and catalog_of[step.planned.victim.root] not in catalogs
    ]
    result = _emptied(room, wanted)
    names = {one["id"] for one in result["kept"]}
    kept = [step.id for step in wanted if _name(step) in names]

    def note() -> None:
        journal_store.note_tried(kept, seconds)
        if older is None and not frozen:
            meta.write("last_purge_at", room.at())

    room.writer.call(note)
    reasons = [words for _, words in frozen]
    if older is not None:
        reasons.append(f"{older.reason}, on {older.at}")
    return result | {"waiting": lying - len(wanted), "frozen_by": reasons}


def _ripe(room: ActionRoom) -> tuple[list[Step], list[Step]]:
    """All that lies in the trash, and of it what has lain there for long enough."""
    seconds = _lived(room)
    with room.database.reading():
        steps = journal_store.in_trash()
    most = room.config.trash.retention_days * _DAY_SECONDS
    return steps, [step for step in steps if _age(step, seconds) >= most]


def _lived(room: ActionRoom) -> float:
    steady = room.steady()

    def see() -> float:
        seconds = lived.advance(steady)
        journal_store.see_in_trash(seconds)
        return seconds

    return room.writer.call(see)


def _age(step: Step, seconds: float) -> float:
    seen = journal_store.seen_in_trash(step)
    return 0.0 if seen is None else max(seconds - seen, 0.0)


def _is_due(step: Step, seconds: float) -> bool:
    tried = journal_store.tried_to_remove(step)
    is_held = step.state is not StepState.DONE
    return not is_held and (tried is None or seconds - tried >= AGAIN_AFTER_SECONDS)


def _frozen(room: ActionRoom) -> list[tuple[str, str]]:
    """(catalog, why) for each root that cannot be believed."""
    doubt = room.doubts()
    with room.database.reading():
        roots = roots_store.active()
    found = []
    for root in roots:
        words = root.detail if root.state is not RootState.ONLINE else doubt(root.path)
        if words is not None:
            found.append((root.catalog, f"{printable(root.path)}: {words}"))
    return found


def _emptied(room: ActionRoom, wanted: Sequence[Step]) -> dict[str, Any]:
    journal = room.journal(wanted)
    doubt = room.doubts()
    removed, kept, freed, missing, is_cut_short = 0, [], 0, 0, False
    for step in wanted:
        if room.is_stopped():
            is_cut_short = True
            break

        def copies(sha256: str, own: Step = step) -> list[Any]:
            with room.database.reading():
                found = copies_store.live_places(sha256)
            return [place for place in found if place != own.planned.victim] or found

        why = doubt(step.planned.victim.root)
        outcome = (
            purge(step, journal, copies)
            if why is None
            else Outcome(step.id, step.state, f"its folder cannot be relied on: {why}")
        )
        if outcome.reason == TAKEN:
            missing += 1
        elif outcome.state is StepState.PURGED:
            removed += 1
            freed += step.planned.size
        else:
            kept.append({"id": _name(step), "reason": outcome.reason})
    told = {"removed": removed, "freed_bytes": freed, "kept": kept, "missing": missing}
    return told | {"is_cut_short": is_cut_short}


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
