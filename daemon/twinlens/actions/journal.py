"""What an action needs of the journal: a promise that a word is written before the deed is done."""

from collections.abc import Sequence
from typing import Protocol

from twinlens.model.actions import Outcome, Step


class Journal(Protocol):
    """The steps' states; each call is one transaction, committed when it returns."""

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Set state, reason and evidence of steps (evidence None: it stays as it is)."""

    def open_steps(self) -> list[Step]:
        """The steps that a crash may have left half done, oldest first."""
