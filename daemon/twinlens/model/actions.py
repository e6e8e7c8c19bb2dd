"""Changes to the owner's files: what is planned, what was intended, and what came of it."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from twinlens.model.paths import join, to_text


class ActionKind(StrEnum):
    """What is done with a copy that is not kept."""

    TRASH = "trash"
    """It is moved into the trash of its own root."""
    HARDLINK = "hardlink"
    """It becomes another name of the kept file; the old inode goes into the trash."""
    REPAIR = "repair"
    """A rotten file goes into the trash, and a new one of the good bytes takes its path."""
    REFLINK = "reflink"
    """It shares its blocks with the kept file and stays a file of its own."""


class StepState(StrEnum):
    """How far a step is. INTENDED, UNDOING and PURGING are open: a crash leaves them behind."""

    PLANNED = "planned"
    INTENDED = "intended"
    DONE = "done"
    REFUSED = "refused"
    """Nothing was changed; the reason says why."""
    HELD = "held"
    """What was captured is not what was expected and could not be put back: it is in the trash."""
    UNDOING = "undoing"
    UNDONE = "undone"
    PURGING = "purging"
    PURGED = "purged"


OPEN_STATES = frozenset({StepState.INTENDED, StepState.UNDOING, StepState.PURGING})


@dataclass(frozen=True, slots=True)
class Place:
    """A path below a root: the root is absolute, the path relative to it."""

    root: bytes
    path: bytes

    @property
    def absolute(self) -> bytes:
        """The whole path."""
        return join(self.root, self.path)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One copy to act on, and the one that stays in its stead.

    Steps of one `unit` are files that belong together: all of them are carried out, or none.
    `rule` says in words why the keeper is the one that is kept.
    """

    number: int
    unit: int
    kind: ActionKind
    victim: Place
    keeper: Place
    sha256: str
    size: int
    rule: str


@dataclass(frozen=True, slots=True)
class Spared:
    """Copies that nothing is done with, and why."""

    paths: tuple[bytes, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that `apply` would do, in order; a pure function of the store and the config."""

    steps: tuple[PlannedStep, ...]
    spared: tuple[Spared, ...] = ()

    @property
    def id(self) -> str:
        """Made of the steps alone: the same steps are the same plan. 16 hex digits."""
        text = json.dumps([_told(step) for step in self.steps], sort_keys=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]

    @property
    def reclaimable_bytes(self) -> int:
        """What the steps free, once the trash is emptied."""
        return sum(step.size for step in self.steps)

    def as_result(self) -> dict[str, object]:
        """The plan as JSON."""
        return {
            "plan": self.id,
            "reclaimable_bytes": self.reclaimable_bytes,
            "steps": [_told(step) for step in self.steps],
            "spared": [
                {"paths": [to_text(path) for path in one.paths], "reason": one.reason}
                for one in self.spared
            ],
        }


def _told(step: PlannedStep) -> dict[str, object]:
    return {
        "number": step.number,
        "unit": step.unit,
        "kind": step.kind.value,
        "victim": to_text(step.victim.absolute),
        "keeper": to_text(step.keeper.absolute),
        "sha256": step.sha256,
        "size": step.size,
        "rule": step.rule,
    }


@dataclass(frozen=True, slots=True)
class Step:
    """A planned step as the journal keeps it.

    `token` names its place in the trash. `evidence` is what was verified while it was carried out,
    JSON values by name; `id` is the journal's.
    """

    id: int
    action_id: int
    planned: PlannedStep
    state: StepState
    token: str
    reason: str = ""
    evidence: dict[str, object] = field(default_factory=dict)
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: its new state, why in words, and what was verified."""

    step_id: int
    state: StepState
    reason: str = ""
    evidence: dict[str, object] | None = None
