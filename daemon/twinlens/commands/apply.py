"""`apply`: the plan for exact duplicates by the policy of each catalog, and carrying it out.

What a dry run prints is the very value that is carried out: the plan has a name made of its steps,
and a plan that was named and is not the same any more is refused.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from twinlens.actions.abilities import lacking, probe
from twinlens.actions.performing import perform
from twinlens.actions.recovery import Doubt
from twinlens.analysis.names import parse_name
from twinlens.commands.acting import ActionRoom
from twinlens.config.choices import CatalogAction
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.grouping.belongings import units
from twinlens.grouping.keep_rules import make_plan
from twinlens.model.actions import ActionKind, Outcome, Plan, Step, StepState
from twinlens.model.copies import Copy
from twinlens.model.decisions import DecisionVerb
from twinlens.model.paths import printable, relative_to, to_text
from twinlens.store import actions as journal_store
from twinlens.store import copies as copies_store
from twinlens.store import decisions as decisions_store
from twinlens.store.database import Database


def plan_of(config: Config, database: Database) -> Plan:
    """What there is to do, by the store and the config. Raises UsageError where every catalog only
    reports."""
    policies = {
        catalog.name: ActionKind(catalog.action.value)
        for catalog in config.catalog
        if catalog.action is not CatalogAction.REPORT
    }
    if not policies:
        raise UsageError(
            "every catalog only reports, so that nothing below its folders is ever changed",
            'to allow it, set action = "trash" (or hardlink, reflink) in a [[catalog]] block',
        )
    with database.reading():
        copies, groups = copies_store.exact_copies()
        said = [decision.statement for decision in decisions_store.listing()]
        shared = journal_store.shared_blocks()
    kept = {one.sha256 for one in said if one.verb is DecisionVerb.KEEP}
    # Of one copy of several: a content that may go as a whole keeps its best copy all the same.
    discarded = {(one.sha256, one.value) for one in said if one.verb is DecisionVerb.DISCARD}
    # The newest choice counts; the others were withdrawn with it.
    chosen = {(one.sha256, one.value) for one in said if one.verb is DecisionVerb.PRIMARY}
    protected = [os.fsencode(path) for path in config.actions.protect]

    def judged(copy: Copy) -> Copy:
        is_protected = any(relative_to(p, copy.place.absolute) is not None for p in protected)
        obstacle = copy.obstacle
        if policies.get(copy.catalog) is ActionKind.REFLINK:
            place = (copy.place.root, copy.place.path, copy.sha256)
            obstacle = "it shares its blocks with the kept file" if place in shared else obstacle
        if copy.sha256 in kept:
            obstacle = "you said that it is kept"
        if is_protected:
            obstacle = "it lies in a protected folder"
        return replace(
            copy,
            is_protected=is_protected,
            is_discarded=(copy.sha256, to_text(copy.place.absolute)) in discarded,
            is_chosen=(copy.sha256, to_text(copy.place.absolute)) in chosen,
            is_marked_copy=parse_name(copy.place.path.rpartition(b"/")[2]).copy_mark is not None,
            obstacle=obstacle,
        )

    order = [rule.value for rule in config.actions.keep]
    return make_plan(units(map(judged, copies), groups), policies, order)


def apply(room: ActionRoom, plan_id: str | None = None) -> dict[str, Any]:
    """Carry the plan out; returns the action's id, because an answer of the daemon stays small."""
    room.recover()
    plan = plan_of(room.config, room.database)
    if plan_id is not None and plan_id != plan.id:
        raise UsageError(
            "the plan is not the one that was shown any more: files have changed since",
            "look at it again: twinlens apply --dry-run",
        )
    if not plan.steps:
        return {"action": None}
    at = room.at()
    steps = room.writer.call(lambda: journal_store.begin(plan, at))
    journal = room.journal(steps)
    doubt = room.doubts()
    impossible = _impossible(plan, doubt)
    for _, members in groupby(steps, key=lambda step: step.planned.unit):
        unit = list(members)
        if room.is_stopped():
            break
        reason = next((words for step in unit if (words := impossible.get(_needs(step)))), None)
        reason = reason or next((words for step in unit if (words := _doubted(step, doubt))), None)
        if reason is not None:
            journal.record([Outcome(step.id, StepState.REFUSED, reason) for step in unit])
        else:
            perform(unit, journal)
    action_id = steps[0].action_id
    room.writer.call(lambda: journal_store.finish(action_id, room.at()))
    return {"action": action_id}


def shown(database: Database, action_id: int) -> dict[str, Any]:
    """An action as it is shown: the plan it carried out, and what became of each step."""
    with database.reading():
        record = journal_store.get(action_id)
        steps = journal_store.steps_of(action_id)
    if record is None:
        raise UsageError(f"there is no action {action_id}", "see: twinlens trash list")
    told = [step_shape(step) for step in steps]
    return {
        "action": action_id,
        "plan": record.plan_id,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
        "done": record.states.get(StepState.DONE, 0),
        "refused": record.states.get(StepState.REFUSED, 0),
        "held": record.states.get(StepState.HELD, 0),
        "steps": told,
    }


def step_shape(step: Step) -> dict[str, Any]:
    """A step of the journal as JSON."""
    planned = step.planned
    return {
        "id": f"{step.action_id}.{planned.number}",
        "number": planned.number,
        "unit": planned.unit,
        "kind": planned.kind.value,
        "victim": to_text(planned.victim.absolute),
        "keeper": to_text(planned.keeper.absolute),
        "sha256": planned.sha256,
        "size": planned.size,
        "rule": planned.rule,
        "state": step.state.value,
        "reason": step.reason,
        "at": step.updated_at,
    }


def _needs(step: Step) -> tuple[bytes, ActionKind]:
    return step.planned.victim.root, step.planned.kind


def _doubted(step: Step, doubt: Doubt) -> str | None:
    roots = (step.planned.victim.root, step.planned.keeper.root)
    found = ((root, words) for root in roots if (words := doubt(root)))
    return next((f"{printable(root)} cannot be relied on: {words}" for root, words in found), None)


def _impossible(plan: Plan, doubt: Doubt) -> dict[tuple[bytes, ActionKind], str]:
    """Why a kind of action cannot be done below a root: found out by trying, once a root."""
    found: dict[tuple[bytes, ActionKind], str] = {}
    wanted = sorted({(step.victim.root, step.kind) for step in plan.steps})
    for root, kind in wanted:
        # What cannot be believed is not written to, not even to find out what it can do.
        words = "" if doubt(root) else "; ".join(missing(root, kind))
        if words:
            found[root, kind] = f"{kind.value} is not possible below this root: {words}"
    return found


def missing(root: bytes, kind: ActionKind) -> Iterator[str]:
    """What a kind of action needs and the file system below a root cannot do, in words; tried, so
    that it writes there."""
    try:
        for ability in lacking(kind, probe(root)):
            yield f"no {ability.name} ({ability.reason})"
    except OSError as error:
        yield f"nothing can be written there ({error.strerror})"
