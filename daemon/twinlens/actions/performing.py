"""Carrying out the steps of one unit: files that belong together, all of them or none.

1. Open and lock every file of the unit, and compare each copy with the one that stays.
2. Write the intent into the journal, and make the places in the trash with their notes.
3. Capture each copy, read again what was captured, and compare it with the one that stays.
4. Write into the journal that it is done, in one transaction for the whole unit.

Whatever happens before the fourth point, everything captured goes back to its path; a crash leaves
open intents, from which `recovery` does the same.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from twinlens.actions.captures import Capture, capture_of
from twinlens.actions.journal import Journal
from twinlens.actions.pairs import OpenPair, opened_pair
from twinlens.actions.refusals import Refused, refusal
from twinlens.model.actions import Outcome, Step, StepState
from twinlens.model.paths import printable

logger = logging.getLogger(__name__)


def perform(
    unit: Sequence[Step], journal: Journal, reached: Callable[[str], None] = lambda point: None
) -> list[Outcome]:
    """Carry out the steps of one unit; returns what became of each, as it is in the journal.

    `reached` is told of the points between which others may act. Raises what the journal raises: it
    is left with open intents then, and `recovery` gives back what was captured.
    """
    with ExitStack() as stack:
        try:
            pairs = [stack.enter_context(opened_pair(step)) for step in unit]
        except (Refused, OSError) as error:
            return _settle(journal, [_refused(step, error) for step in unit])
        reached("checked")
        journal.record([_intended(pair) for pair in pairs])
        reached("intended")
        captures = [capture_of(pair, stack) for pair in pairs]
        taken: list[Capture] = []
        try:
            for capture in captures:
                taken.append(capture)
                capture.prepare()
                reached("prepared")
                capture.take()
                reached("captured")
            evidence = [capture.check() for capture in captures]
        except (Refused, OSError) as error:
            reached("doubted")
            return _settle(journal, _give_back(unit, captures[: len(taken)], error))
        except BaseException:  # Ctrl-C, too, leaves everything as it was
            _settle(journal, _give_back(unit, captures[: len(taken)], Refused("stopped")))
            raise
        reached("verified")
        outcomes = [
            Outcome(step.id, StepState.DONE, evidence=told)
            for step, told in zip(unit, evidence, strict=True)
        ]
        return _settle(journal, outcomes)


def _give_back(
    unit: Sequence[Step], captures: Sequence[Capture], error: Exception
) -> list[Outcome]:
    """Undo in reverse order; a step that could not be undone says so."""
    found: dict[int, Outcome] = {step.id: _refused(step, error) for step in unit}
    for step, capture in reversed(list(zip(unit, captures, strict=False))):
        try:
            state, words = capture.give_back()
        except OSError as problem:
            # The others go back all the same; this one stays open for `recovery`.
            state, words = StepState.INTENDED, f"it waits to be given back ({problem.strerror})"
        why = found[step.id].reason
        reason = f"{why}; {words}" if words else why
        found[step.id] = Outcome(step.id, state, reason)
        if state is not StepState.REFUSED:
            logger.warning("%s: %s", reason, printable(step.planned.victim.absolute))
    return [found[step.id] for step in unit]


def _intended(pair: OpenPair) -> Outcome:
    keeper = pair.keeper
    evidence = {"keeper_inode": keeper.status.st_ino, "keeper": keeper.facts()}
    return Outcome(pair.step.id, StepState.INTENDED, evidence=evidence)


def _refused(step: Step, error: Exception) -> Outcome:
    words = refusal("one of the files", error) if isinstance(error, OSError) else error
    return Outcome(step.id, StepState.REFUSED, str(words))


def _settle(journal: Journal, outcomes: list[Outcome]) -> list[Outcome]:
    journal.record(outcomes)
    return outcomes
