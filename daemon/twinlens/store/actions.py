"""The journal of changes to the owner's files: what was asked for, each step and how far it is.

A row is written before anything is done, and never removed. All functions run inside a connection
of the database; those that change something, inside a transaction of the writer.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from twinlens.model.actions import (
    OPEN_STATES,
    ActionKind,
    Outcome,
    Place,
    Plan,
    PlannedStep,
    Step,
    StepState,
)
from twinlens.store import holds
from twinlens.store.rows import tuples
from twinlens.store.tables import Root
from twinlens.store.tables_owner import Action, ActionStep

_BATCH = 500
_SEEN, _TRIED = "in_trash_since", "tried_to_remove"


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One call of `apply`: the plan it carried out, and how many steps are in which state."""

    id: int
    plan_id: str
    created_at: str
    finished_at: str | None
    states: dict[StepState, int]


def begin(plan: Plan, at: str) -> list[Step]:
    """Write down a plan that is about to be carried out; returns its steps, all of them PLANNED."""
    roots = {bytes(row.path): row.id for row in Root.select()}
    action_id = Action.insert(plan_id=plan.id, state="running", created_at=at).execute()
    rows = [
        {
            "action": action_id,
            "number": step.number,
            "unit": step.unit,
            "kind": step.kind.value,
            "root": roots[step.victim.root],
            "victim": step.victim.path,
            "keeper_root": roots[step.keeper.root],
            "keeper": step.keeper.path,
            "sha256": step.sha256,
            "size": step.size,
            "rule": step.rule,
            "state": StepState.PLANNED.value,
            "token": secrets.token_hex(8),
            "updated_at": at,
        }
        for step in plan.steps
    ]
    for start in range(0, len(rows), _BATCH):
        ActionStep.insert_many(rows[start : start + _BATCH]).execute()
    return steps_of(int(action_id))


def finish(action_id: int, at: str) -> None:
    """Nothing more is done for this action; what was not begun is refused."""
    ActionStep.update(
        state=StepState.REFUSED.value, reason="twinlens was stopped before it", updated_at=at
    ).where(
        (ActionStep.action == action_id) & (ActionStep.state == StepState.PLANNED.value)
    ).execute()
    Action.update(state="finished", finished_at=at).where(Action.id == action_id).execute()


def finish_all(at: str) -> None:
    """Close the actions that a stopped process has left running."""
    for row in list(Action.select(Action.id).where(Action.state == "running")):
        finish(row.id, at)


def record(outcomes: Iterable[Outcome], at: str) -> None:
    """Set state, reason and evidence of steps; evidence None leaves what there is. What lies in the
    trash is counted as a reference to its content, in the same transaction."""
    done = list(outcomes)
    for outcome in done:
        values: dict[str, Any] = {
            "state": outcome.state.value,
            "reason": outcome.reason,
            "updated_at": at,
        }
        if outcome.evidence is not None:
            values["evidence"] = json.dumps(outcome.evidence, sort_keys=True)
        ActionStep.update(**values).where(ActionStep.id == outcome.step_id).execute()
    ids = [outcome.step_id for outcome in done]
    query = ActionStep.select(ActionStep.sha256).where(ActionStep.id.in_(ids))
    holds.settle((sha256 for (sha256,) in tuples(query)), at)


def open_steps() -> list[Step]:
    """The steps that a crash may have left half done, oldest first."""
    return _steps(ActionStep.state.in_([state.value for state in OPEN_STATES]))


def steps_of(action_id: int) -> list[Step]:
    """All steps of an action, in order."""
    return _steps(ActionStep.action == action_id)


def get_step(step_id: int) -> Step | None:
    """The step with this id."""
    return next(iter(_steps(ActionStep.id == step_id)), None)


def in_trash(seen_until: float | None = None) -> list[Step]:
    """Every step whose file lies in the trash, oldest first; or only those that were seen there by
    then, in the seconds of `store.lived`."""
    if seen_until is None:
        return _steps(_is_in_trash())
    return _steps(_is_in_trash() & (_seen_at() <= seen_until))


def count_in_trash() -> int:
    """How many files lie in the trash."""
    return int(ActionStep.select().where(_is_in_trash()).count())


def see_in_trash(seconds: float) -> None:
    """Note of every file in the trash that it was seen there, where it was not yet; `seconds` are
    those of `store.lived`. In a transaction."""
    # By SQLite itself: a trash of many thousands is not read through each hour.
    ActionStep.update(evidence=fn.json_set(ActionStep.evidence, f"$.{_SEEN}", seconds)).where(
        _is_in_trash() & _seen_at().is_null()
    ).execute()


def note_tried(step_ids: Iterable[int], seconds: float) -> None:
    """Note of files in the trash that it was tried to remove them, and that they stay."""
    for step_id in step_ids:
        step = get_step(step_id)
        if step is not None:
            _add_evidence(step, {_TRIED: seconds})


def seen_in_trash(step: Step) -> float | None:
    """When a file was first seen in the trash, in the seconds of `store.lived`."""
    return _number(step, _SEEN)


def tried_to_remove(step: Step) -> float | None:
    """When it was last tried in vain to remove a file from the trash, in the same seconds."""
    return _number(step, _TRIED)


def tokens() -> set[str]:
    """The name in the trash of every step that has something there, or may have."""
    states = [StepState.DONE.value, StepState.HELD.value, *(state.value for state in OPEN_STATES)]
    query = ActionStep.select(ActionStep.token).where(ActionStep.state.in_(states))
    return {token for (token,) in tuples(query)}


def shared_blocks() -> set[tuple[bytes, bytes, str]]:
    """(root, path, SHA-256) of every file that shares its blocks with the one that is kept."""
    steps = _steps(
        (ActionStep.kind == ActionKind.REFLINK.value) & (ActionStep.state == StepState.DONE.value)
    )
    return {(s.planned.victim.root, s.planned.victim.path, s.planned.sha256) for s in steps}


def last_undoable() -> int | None:
    """The newest action of which something is done and can be taken back."""
    states = [StepState.DONE.value, StepState.HELD.value]
    row = (
        ActionStep.select(ActionStep.action)
        .where(ActionStep.state.in_(states))
        .order_by(ActionStep.action.desc())
        .first()
    )
    return None if row is None else int(row.action_id)


def get(action_id: int) -> ActionRecord | None:
    """The action with this id."""
    row = Action.get_or_none(Action.id == action_id)
    return None if row is None else _action(row)


def _seen_at() -> Any:
    return fn.json_extract(ActionStep.evidence, f"$.{_SEEN}")


def _is_in_trash() -> Any:
    states = [StepState.DONE.value, StepState.HELD.value]
    return ActionStep.state.in_(states) & (ActionStep.kind != ActionKind.REFLINK.value)


def _number(step: Step, name: str) -> float | None:
    value = step.evidence.get(name)
    return float(value) if isinstance(value, int | float) else None


def _add_evidence(step: Step, more: dict[str, object]) -> None:
    evidence = json.dumps(step.evidence | more, sort_keys=True)
    ActionStep.update(evidence=evidence).where(ActionStep.id == step.id).execute()


def _action(row: Any) -> ActionRecord:
    states: dict[StepState, int] = {}
    for step in ActionStep.select(ActionStep.state).where(ActionStep.action == row.id):
        state = StepState(step.state)
        states[state] = states.get(state, 0) + 1
    return ActionRecord(row.id, row.plan_id, row.created_at, row.finished_at, states)


def _steps(condition: Any) -> list[Step]:
    roots = {row.id: bytes(row.path) for row in Root.select()}
    rows: Sequence[Any] = list(
        ActionStep.select().where(condition).order_by(ActionStep.action, ActionStep.number)
    )
    return [_step(row, roots) for row in rows]


def _step(row: Any, roots: dict[int, bytes]) -> Step:
    planned = PlannedStep(
        number=row.number,
        unit=row.unit,
        kind=ActionKind(row.kind),
        victim=Place(roots[row.root_id], bytes(row.victim)),
        keeper=Place(roots[row.keeper_root_id], bytes(row.keeper)),
        sha256=row.sha256,
        size=row.size,
        rule=row.rule,
    )
    return Step(
        id=row.id,
        action_id=row.action_id,
        planned=planned,
        state=StepState(row.state),
        token=row.token,
        reason=row.reason,
        evidence=json.loads(row.evidence),
        updated_at=row.updated_at,
    )
