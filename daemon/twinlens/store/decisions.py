"""What the owner said, keyed by content: it survives renames, other thresholds, and a content that
was forgotten and comes back. Rows are withdrawn, never deleted, and each change leaves a revision.

A later statement of the same kind on the same content takes the place of the earlier one. Keep and
discard are one kind. A tag takes the place of the same tag only. A choice of primary takes the
place of those of the other members of its groups.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from twinlens.model.decisions import FATES, Decision, DecisionVerb, Spoken, Statement
from twinlens.store import revisions
from twinlens.store.statements import Statement as Query
from twinlens.store.statements import any_of
from twinlens.store.tables_owner import UserDecision as Row

_REJECTED = Query(
    Row,
    lambda: Row.select(Row.sha256, Row.other_sha256).where(
        Row.withdrawn_at.is_null()
        & (Row.verb == DecisionVerb.NOT_DUPLICATE.value)
        & (Row.sha256.in_(any_of("digests")) | Row.other_sha256.in_(any_of("digests")))
    ),
)
_STANDING = Query(
    Row,
    lambda: (
        Row.select()
        .where(
            Row.sha256.in_(any_of("digests"))
            & Row.verb.in_(any_of("verbs"))
            & Row.withdrawn_at.is_null()
        )
        .order_by(Row.id)
    ),
)


def record(
    statement: Statement, at: str, rivals: Collection[str] = ()
) -> tuple[Decision, list[int]]:
    """Record what was said, in a transaction; returns it and the ids of those it takes the place
    of. What stands already word for word is returned as it is.

    `rivals` are the contents of which only one can have been chosen as primary.
    """
    replaced = _replaced_by(statement, rivals)
    for decision in replaced:
        if decision.statement == statement:
            # The same again, of another copy perhaps: it is known by the path that was said last.
            names = {"named": statement.named, "other_named": statement.other_named}
            Row.update(names).where(Row.id == decision.id).execute()
            return Decision(decision.id, statement, decision.decided_at), []
    decision_id = Row.insert(
        sha256=statement.sha256,
        other_sha256=statement.other_sha256,
        verb=statement.verb.value,
        value=statement.value,
        decided_at=at,
        named=statement.named,
        other_named=statement.other_named,
    ).execute()
    decision = Decision(int(decision_id), statement, at)
    for old in replaced:
        _set_withdrawn(old, at)
        if old.statement.sha256 != statement.sha256:
            words = f"withdraw {old.statement.verb.value}"
            _note(old.statement, words, at, before=_told(old), after=None)
    own = [old for old in replaced if old.statement.sha256 == statement.sha256]
    before = _told(own[-1]) if own else None
    _note(statement, statement.verb.value, at, before=before, after=_told(decision))
    return decision, [old.id for old in replaced]


def withdraw(decision: Decision, at: str) -> Decision:
    """Take a standing decision back; what it took the place of stays withdrawn."""
    _set_withdrawn(decision, at)
    words = f"withdraw {decision.statement.verb.value}"
    _note(decision.statement, words, at, before=_told(decision), after=None)
    return Decision(decision.id, decision.statement, decision.decided_at, at)


def get(decision_id: int) -> Decision | None:
    """The decision with this id, standing or not."""
    row = Row.get_or_none(Row.id == decision_id)
    return None if row is None else _decision(row)


def listing(*, with_withdrawn: bool = False) -> list[Decision]:
    """All decisions that stand, or all that were ever made, oldest first."""
    query = Row.select().order_by(Row.id)
    if not with_withdrawn:
        query = query.where(Row.withdrawn_at.is_null())
    return [_decision(row) for row in query]


def of_content(sha256: str, *, with_withdrawn: bool = False) -> list[Decision]:
    """All that was said of one content, alone or with another, oldest first."""
    query = (
        Row.select().where((Row.sha256 == sha256) | (Row.other_sha256 == sha256)).order_by(Row.id)
    )
    if not with_withdrawn:
        query = query.where(Row.withdrawn_at.is_null())
    return [_decision(row) for row in query]


def tags_of(digests: Iterable[str]) -> dict[str, list[str]]:
    """The words that the owner gave to each content that has any."""
    found: dict[str, list[str]] = {}
    for decision in _standing(digests, {DecisionVerb.TAG}):
        if decision.statement.value is not None:
            found.setdefault(decision.statement.sha256, []).append(decision.statement.value)
    return found


def rejected_with(digests: Iterable[str]) -> dict[str, frozenset[str]]:
    """For each content: the others that the owner said it is no duplicate of."""
    wanted = sorted(set(digests))
    found: dict[str, set[str]] = {}
    for one, other in _REJECTED.tuples(digests=wanted):
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {sha256: frozenset(found[sha256]) for sha256 in wanted if sha256 in found}


def spoken(digests: Iterable[str] | None = None) -> Spoken:
    """What stands about groups and their members: of these contents, or of all."""
    if digests is None:
        query = Row.select().where(Row.withdrawn_at.is_null()).order_by(Row.id)
        standing = [_decision(row) for row in query if row.verb != DecisionVerb.TAG.value]
        wanted = {
            sha256 for d in standing for sha256 in (d.statement.sha256, d.statement.other_sha256)
        }
    else:
        wanted = set(digests)
        standing = _standing(wanted, {*FATES, DecisionVerb.PRIMARY})
    fates: dict[str, tuple[Decision, ...]] = {}
    for decision in standing:
        if decision.statement.verb in FATES:
            sha256 = decision.statement.sha256
            fates[sha256] = (*fates.get(sha256, ()), decision)
    choices = {d.statement.sha256: d for d in standing if d.statement.verb is DecisionVerb.PRIMARY}
    return Spoken(fates, rejected_with(wanted), choices)


def choices_of(digests: Iterable[str]) -> dict[str, Decision]:
    """The choice of a primary for each content that was chosen; the greatest id was made last."""
    return {d.statement.sha256: d for d in _standing(digests, {DecisionVerb.PRIMARY})}


def _standing(digests: Iterable[str], verbs: Iterable[DecisionVerb]) -> list[Decision]:
    return [_decision(row) for row in _STANDING.all(digests=set(digests), verbs=set(verbs))]


def _replaced_by(statement: Statement, rivals: Collection[str]) -> list[Decision]:
    """The standing decisions whose place a new one takes, oldest first."""
    kind = FATES if statement.verb in FATES else frozenset({statement.verb})
    standing = _standing([statement.sha256, *rivals], kind)
    return [d for d in standing if _takes_place(statement, d.statement)]


def _takes_place(new: Statement, old: Statement) -> bool:
    if new.verb is DecisionVerb.NOT_DUPLICATE:
        return new.other_sha256 == old.other_sha256
    if new.verb is DecisionVerb.TAG:
        return new.value == old.value
    if new.verb is DecisionVerb.DISCARD and new.value is not None:
        # Of one copy among several: what was said of the whole content stays.
        return new.value == old.value
    return True


def _set_withdrawn(decision: Decision, at: str) -> None:
    Row.update(withdrawn_at=at).where(Row.id == decision.id).execute()


def _note(
    statement: Statement, what: str, at: str, *, before: str | None, after: str | None
) -> None:
    for sha256 in filter(None, (statement.sha256, statement.other_sha256)):
        revisions.add(sha256, what, at, before=before, after=after)


def _told(decision: Decision) -> str:
    """The decision as the story keeps it: JSON."""
    said = decision.statement
    told: dict[str, Any] = {"decision": decision.id, "verb": said.verb.value}
    if said.value is not None:
        told["value"] = said.value
    if said.other_sha256:
        told["contents"] = [said.sha256, said.other_sha256]
    return json.dumps(told)


def _decision(row: Any) -> Decision:
    return Decision(
        row.id,
        Statement(
            DecisionVerb(row.verb),
            row.sha256,
            row.other_sha256,
            row.value,
            named=None if row.named is None else bytes(row.named),
            other_named=None if row.other_named is None else bytes(row.other_named),
        ),
        row.decided_at,
        row.withdrawn_at,
    )
