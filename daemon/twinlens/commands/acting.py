"""What the verbs that change the owner's files share: the journal, and what the store learns of it.

The journal is written through the store's one writer, and each word of it is committed before the
deed. What was done is known to the store at once: nobody has to wait for a scan.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from twinlens.actions.recovery import recover
from twinlens.config.schema import Config
from twinlens.ingest.recorder import Recorder, Seen, Touched
from twinlens.model.actions import ActionKind, Outcome, Place, Step, StepState
from twinlens.model.files import Finding, Stat
from twinlens.model.paths import to_text
from twinlens.store import actions as journal_store
from twinlens.store import copies as copies_store
from twinlens.store import originals as originals_store
from twinlens.store import revisions, work_items
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
    """What acting works with: the config, the store, whoever groups anew, the clock, and whether it
    is to stop (asked between units, never within one)."""

    config: Config
    database: Database
    writer: Writer
    regroup: Callable[[Touched], object]
    clock: Callable[[], datetime]
    is_stopped: Callable[[], bool] = lambda: False

    def at(self) -> str:
        """The time as the store keeps it."""
        return self.clock().isoformat(timespec="seconds")

    def journal(self, steps: Sequence[Step] = ()) -> "StoreJournal":
        """The journal, for these steps."""
        return StoreJournal(self, steps)

    def recover(self) -> list[Outcome]:
        """Bring what a crash left open to its end, and close what was left running."""
        with self.database.reading():
            steps = journal_store.open_steps()
        found = recover(self.journal(steps))
        self.writer.call(lambda: journal_store.finish_all(self.at()))
        return found


class StoreJournal:
    """`actions.journal.Journal` in the store. `steps` are those whose outcomes will come."""

    def __init__(self, room: ActionRoom, steps: Sequence[Step]) -> None:
        self._room = room
        self._steps = {step.id: step for step in steps}

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Write the outcomes, and what follows from them, in one transaction."""
        self._room.writer.call(lambda: self._record(outcomes))

    def open_steps(self) -> list[Step]:
        """The steps that a crash may have left half done."""
        with self._room.database.reading():
            return journal_store.open_steps()

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        at = self._room.at()
        journal_store.record(outcomes, at)
        seen: list[Seen] = []
        for outcome in outcomes:
            step = self._steps.get(outcome.step_id)
            if step is None:
                continue
            self._tell(step, outcome, at)
            if outcome.state in (StepState.DONE, StepState.UNDONE, StepState.HELD):
                seen += self._look(step, outcome, at)
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

    def _look(self, step: Step, outcome: Outcome, at: str) -> list[Seen]:
        """What is at both paths now. What is not plain is left to the queue, which reads it."""
        planned = step.planned
        if planned.kind is ActionKind.REFLINK:
            return []
        ids = copies_store.root_ids()
        inodes = _inodes(outcome.evidence or step.evidence)
        found: list[Seen] = []
        for place in (planned.victim, planned.keeper):
            finding = _finding(place, step, outcome.state, inodes)
            if finding is not None:
                found.append(Seen(ids[place.root], place.path, finding))
            else:
                now = self._room.clock().timestamp()
                paths = [place.path]
                work_items.put(ids[place.root], paths, reason="action", not_before=now, at=at)
        return found


def _inodes(evidence: dict[str, object]) -> set[object]:
    """The inodes that were read and compared: either may be at either path by now."""
    told = (evidence.get("victim"), evidence.get("keeper"))
    return {one["inode"] for one in told if isinstance(one, dict) and "inode" in one}


def _finding(place: Place, step: Step, state: StepState, inodes: set[object]) -> Finding | None:
    """What was verified of the path a moment ago, where the same inode is there still."""
    planned = step.planned
    try:
        status = os.lstat(place.absolute)
    except FileNotFoundError:
        # Only what this very step has taken away; any other absence is for the scan to judge.
        is_ours = (place, planned.kind) == (planned.victim, ActionKind.TRASH)
        return Finding(place.absolute) if is_ours and state is not StepState.UNDONE else None
    except OSError:
        return None
    is_known = originals_store.find_id(planned.sha256) is not None
    if not is_known or status.st_ino not in inodes or status.st_size != planned.size:
        return None
    return Finding(place.absolute, Stat.of(status), planned.sha256)
