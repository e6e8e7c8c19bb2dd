"""What tests of actions share: a journal in memory, steps made by hand, a tree taken down."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from support.nobody import run_as_nobody
from twinlens.model.actions import (
    OPEN_STATES,
    ActionKind,
    Outcome,
    Place,
    PlannedStep,
    Step,
    StepState,
)


class MemoryJournal:
    """The journal's promise without a database."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self.steps = {step.id: step for step in steps}
        self.history: list[tuple[int, StepState]] = []

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Set the states, and remember the order."""
        for outcome in outcomes:
            old = self.steps[outcome.step_id]
            evidence = old.evidence if outcome.evidence is None else outcome.evidence
            self.steps[old.id] = replace(
                old, state=outcome.state, reason=outcome.reason, evidence=evidence
            )
            self.history.append((old.id, outcome.state))

    def open_steps(self) -> list[Step]:
        """What a crash left."""
        return [step for step in self.steps.values() if step.state in OPEN_STATES]


def step_for(
    root: Path,
    victim: str,
    keeper: str,
    kind: ActionKind,
    *,
    number: int = 1,
    content: bytes | None = None,
) -> Step:
    """A step as a plan would have it, for two files that are there (or for a content)."""
    data = (root / keeper).read_bytes() if content is None else content
    top = os.fsencode(root)
    planned = PlannedStep(
        number=number,
        unit=1,
        kind=kind,
        victim=Place(top, os.fsencode(victim)),
        keeper=Place(top, os.fsencode(keeper)),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        rule="by hand",
    )
    return Step(number, 1, planned, StepState.PLANNED, f"{number:016x}")


def tree(root: Path, *, with_trash: bool = False) -> dict[str, tuple[bytes, int, int]]:
    """Every file below the root: its bytes, mode and mtime."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            relative = str(path.relative_to(root))
            if with_trash or not relative.startswith(".twinlens"):
                status = path.lstat()
                found[relative] = (path.read_bytes(), status.st_mode, status.st_mtime_ns)
    return found


def contents_everywhere(root: Path) -> set[bytes]:
    """Every content below the root, the trash included."""
    return {data for data, _, _ in tree(root, with_trash=True).values()}


_AS_NOBODY = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from support.acting import MemoryJournal, step_for
from twinlens.actions.performing import perform
from twinlens.model.actions import ActionKind
step = step_for(Path(sys.argv[1]), "copy.jpg", "keep.jpg", ActionKind(sys.argv[2]))
(outcome,) = perform([step], MemoryJournal([step]))
print(outcome.state, outcome.reason)
"""


def act_as_nobody(kind: ActionKind) -> str:
    """What becomes of a step whose files belong to root, in a folder where everybody may write."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files of another user")
    root = Path(tempfile.mkdtemp(prefix="twinlens-test-", dir="/dev/shm"))
    try:
        root.chmod(0o777)
        for name in ("keep.jpg", "copy.jpg"):
            (root / name).write_bytes(b"a picture of the sea " * 900)
            os.utime(root / name, (1_400_000_000, 1_400_000_000))
        tests = Path(__file__).resolve().parents[1]
        return run_as_nobody(_AS_NOBODY, str(root), kind.value, str(tests))
    finally:
        shutil.rmtree(root)


class SameDigest:
    """Stands in for `hashlib`: whatever is read has one and the same digest."""

    _HEX = "0" * 64

    class sha256:  # noqa: N801 - named as what it stands in for
        """A hash that hears nothing."""

        def update(self, data: bytes) -> None:
            """Hear nothing."""

        def hexdigest(self) -> str:
            """Say what is always said."""
            return SameDigest._HEX

    @classmethod
    def step(cls, step: Step) -> Step:
        """The step, planned for a content of that digest."""
        return replace(step, planned=replace(step.planned, sha256=cls._HEX))
