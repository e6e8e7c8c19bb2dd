"""What the verbs that change the owner's files share: the journal, and what the store learns of it.

The journal is written through the store's one writer, and each word of it is committed before the
deed. What was done is known to the store at once: nobody has to wait for a scan.
"""

import json
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from twinlens.actions.recovery import Doubt, recover
from twinlens.config.schema import Config
from twinlens.host.uptime import Uptime, uptime
from twinlens.ingest.recorder import Recorder, Seen, Touched
from twinlens.maintenance.trust import Look, look_at
from twinlens.model.actions import ActionKind, Outcome, Place, PlannedStep, Step, StepState
from twinlens.model.files import Finding, Stat
from twinlens.model.paths import to_text
from twinlens.store import actions as journal_store
from twinlens.store import copies as copies_store
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store import revisions, work_items
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

_TOLD = {
    StepState.DONE: "{kind}",
    StepState.UNDONE: "undo {kind}",
    StepState.PURGED: "remove from the trash",
    StepState.HELD: "{kind}, held",
}
"""What becomes a revision of the content; the rest is in the journal alone."""


@dataclass(frozen=True, slots=True)
class ActionRoom:
    """What acting works with: the config, the store, whoever groups anew, the clock, whether it is
    to stop (asked between units, never within one), a clock that nobody sets, and whoever asks the
    disk about a root."""

    config: Config
    database: Database
    writer: Writer
    regroup: Callable[[Touched], object]
    clock: Callable[[], datetime]
    is_stopped: Callable[[], bool] = lambda: False
    steady: Callable[[], Uptime] = uptime
    look: Look = look_at

    def at(self) -> str:
        """The time as the store keeps it."""
        return self.clock().isoformat(timespec="seconds")

    def journal(self, steps: Sequence[Step] = ()) -> "StoreJournal":
        """The journal, for these steps."""
        return StoreJournal(self, steps)

    def doubts(self) -> Doubt:
        """Says whether a root can be believed now; each is asked once. A root that hangs is in
        doubt, and nothing is begun below it."""
        answers: dict[bytes, str | None] = {}

        def doubt(root: bytes) -> str | None:
            if root not in answers:
                with self.database.reading():
                    record = next((r for r in roots_store.every() if r.path == root), None)
                    known = 0 if record is None else files_store.count_live(record.id)
                answers[root] = None if record is None else self.look(record, known)
            return answers[root]

        return doubt

    def recover(self) -> list[Outcome]:
        """Bring what a crash left open to its end, and close what was left running."""
        with self.database.reading():
            steps = journal_store.open_steps()
        found = recover(self.journal(steps), self.doubts())
        self.writer.call(lambda: journal_store.finish_all(self.at()))
        return found


class StoreJournal:
    """`actions.journal.Journal` in the store. `steps` are those whose outcomes will come."""

    def __init__(self, room: ActionRoom, steps: Sequence[Step]) -> None:
        self._room = room
        self._steps = {step.id: step for step in steps}

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Write the outcomes, and what follows from them, in one transaction."""
        # The disk is asked here: a share that hangs must not hold up the store's one writer.
        looks = [look for outcome in outcomes for look in self._looks(outcome)]
        self._room.writer.call(lambda: self._record(outcomes, looks))

    def open_steps(self) -> list[Step]:
        """The steps that a crash may have left half done."""
        with self._room.database.reading():
            return journal_store.open_steps()

    def _record(self, outcomes: Sequence[Outcome], looks: Sequence["_Look"]) -> None:
        at = self._room.at()
        journal_store.record(outcomes, at)
        for outcome in outcomes:
            step = self._steps.get(outcome.step_id)
            if step is not None:
                self._tell(step, outcome, at)
        seen = [found for look in looks if (found := self._seen(look, at)) is not None]
        if seen:
            _, touched = Recorder(self._room.clock).record(seen)
            self._room.regroup(touched)

    def _tell(self, step: Step, outcome: Outcome, at: str) -> None:
        words = _TOLD.get(outcome.state)
        if words is None or (outcome.state is step.state and not outcome.evidence):
            return
        planned = step.planned
        told = {
            "action": step.action_id,
            "step": planned.number,
            "kept": to_text(planned.keeper.absolute),
            "reason": outcome.reason or planned.rule,
        }
        revisions.add(
            planned.sha256,
            words.format(kind=planned.kind.value),
            at,
            before=json.dumps({"path": to_text(planned.victim.absolute)}),
            after=json.dumps(told),
        )

    def _looks(self, outcome: Outcome) -> list["_Look"]:
        """What is at both paths now, where something was changed."""
        step = self._steps.get(outcome.step_id)
        is_changed = outcome.state in (StepState.DONE, StepState.UNDONE, StepState.HELD)
        if step is None or not is_changed or step.planned.kind is ActionKind.REFLINK:
            return []
        inodes = _inodes(outcome.evidence or step.evidence)
        planned = step.planned
        return [
            _Look(place, planned, outcome.state, _stat_at(place), inodes)
            for place in (planned.victim, planned.keeper)
        ]

    def _seen(self, look: "_Look", at: str) -> Seen | None:
        """What the store learns of it. What is not plain is left to the queue, which reads it."""
        root_id = copies_store.root_ids()[look.place.root]
        is_known = originals_store.find_id(look.planned.sha256) is not None
        finding = look.finding(is_known=is_known)
        if finding is not None:
            return Seen(root_id, look.place.path, finding)
        now = self._room.clock().timestamp()
        work_items.put(root_id, [look.place.path], reason="action", not_before=now, at=at)
        return None


@dataclass(frozen=True, slots=True)
class _Look:
    """A path of a step right after it: `found` is its stat, None where nothing is there, and an
    error where it could not be asked. `inodes` were read and compared: either may be there."""

    place: Place
    planned: PlannedStep
    state: StepState
    found: os.stat_result | OSError | None
    inodes: frozenset[object]

    def finding(self, *, is_known: bool) -> Finding | None:
        """What was verified of the path a moment ago, where the same inode is there still."""
        if self.found is None:
            # Only what this very step has taken away; any other absence is for the scan to judge.
            is_trashed = self.planned.kind is ActionKind.TRASH
            is_ours = is_trashed and self.place == self.planned.victim
            return (
                Finding(self.place.absolute)
                if is_ours and self.state is not StepState.UNDONE
                else None
            )
        if isinstance(self.found, OSError) or not is_known:
            return None
        if self.planned.kind is ActionKind.REPAIR:
            return None  # the step's digest is that of the damage; what is there now is read anew
        is_same = self.found.st_ino in self.inodes and stat.S_ISREG(self.found.st_mode)
        if not is_same or self.found.st_size != self.planned.size:
            return None
        return Finding(self.place.absolute, Stat.of(self.found), self.planned.sha256)


def _stat_at(place: Place) -> os.stat_result | OSError | None:
    try:
        return os.lstat(place.absolute)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error


def _inodes(evidence: dict[str, object]) -> frozenset[object]:
    told = (evidence.get("victim"), evidence.get("keeper"))
    return frozenset(one["inode"] for one in told if isinstance(one, dict) and "inode" in one)
