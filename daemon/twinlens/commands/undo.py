"""`undo`: an action, one step of it, or the last one, taken back."""

from typing import Any

from twinlens.actions.restoring import IN_TRASH, restore
from twinlens.commands.acting import ActionRoom
from twinlens.errors import UsageError
from twinlens.model.actions import Outcome, Step, StepState
from twinlens.model.paths import to_text
from twinlens.store import actions as journal_store


def undo(
    room: ActionRoom, what: str | None = None, *, make_folders: bool = False
) -> dict[str, Any]:
    """Take back the action (`7`), the step (`7.2`) or, with None, the newest action that can be.

    Returns what came back and what did not. Raises UsageError where there is nothing of that name.
    """
    room.recover()
    with room.database.reading():
        steps = _steps(what)
    wanted = [step for step in reversed(steps) if step.state in IN_TRASH]
    if not wanted:
        raise UsageError("nothing of it can be taken back", "see: twinlens trash list")
    journal = room.journal(wanted)
    doubt = room.doubts()
    done: list[dict[str, str]] = []
    failed: list[dict[str, str]] = []
    for step in wanted:
        if room.is_stopped():
            break
        why = doubt(step.planned.victim.root)
        outcome = (
            restore(step, journal, make_folders=make_folders)
            if why is None
            else Outcome(step.id, step.state, f"its folder cannot be relied on: {why}")
        )
        told = {
            "id": f"{step.action_id}.{step.planned.number}",
            "path": to_text(step.planned.victim.absolute),
            "reason": outcome.reason,
        }
        (done if outcome.state is StepState.UNDONE else failed).append(told)
    return {"done": done, "failed": failed}


def _steps(what: str | None) -> list[Step]:
    if what is None:
        newest = journal_store.last_undoable()
        if newest is None:
            raise UsageError("there is nothing to undo", "see: twinlens trash list")
        return journal_store.steps_of(newest)
    action, _, number = what.partition(".")
    if not action.isdecimal() or (number and not number.isdecimal()) or len(what) > 18:
        raise UsageError(
            f"{what!r} is no action and no step", "an action is 7, its second step 7.2"
        )
    steps = journal_store.steps_of(int(action))
    if number:
        steps = [step for step in steps if step.planned.number == int(number)]
    if not steps:
        raise UsageError(f"there is no action or step {what}", "see: twinlens trash list")
    return steps
