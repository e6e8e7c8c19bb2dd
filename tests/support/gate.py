"""What the scenarios of the safety gate share. The gate is the modules of `actions`, by name."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from support.acting import MemoryJournal, step_for
from twinlens.model.actions import ActionKind, Outcome, Place, Step, StepState

Gate = Mapping[str, ModuleType]
Scenario = Callable[[Gate, Path], None]
PICTURE, NEWER = b"a picture of the sea " * 900, b"a picture with a caption"
TRASH, HARDLINK, REFLINK = ActionKind.TRASH, ActionKind.HARDLINK, ActionKind.REFLINK
SCENARIOS: dict[str, Scenario] = {}


def scenario(work: Scenario) -> Scenario:
    """Known by its name."""
    SCENARIOS[work.__name__] = work
    return work


def copies(root: Path, content: bytes = PICTURE) -> None:
    (root / "holiday").mkdir()
    (root / "keep.jpg").write_bytes(content)
    shutil.copy2(root / "keep.jpg", root / "holiday" / "copy.jpg")


def act(
    gate: Gate,
    root: Path,
    kind: ActionKind = TRASH,
    on: Mapping[str, Callable[[], object]] | None = None,
    step: Step | None = None,
) -> tuple[Outcome, MemoryJournal]:
    one = step or step_for(root, "holiday/copy.jpg", "keep.jpg", kind, content=PICTURE)
    journal = MemoryJournal([one])
    left = dict(on or {})

    def reached(point: str) -> None:
        left.pop(point, lambda: None)()

    (outcome,) = gate["actions.performing"].perform([one], journal, reached)
    return outcome, journal


def refused(outcome: Outcome, words: str) -> None:
    assert outcome.state is StepState.REFUSED, outcome
    assert words in outcome.reason, outcome.reason


def trashed(root: Path) -> list[Path]:
    return sorted((root / ".twinlens" / "trash").glob("*/*"))


def save(path: Path, content: bytes) -> None:
    """As most programs save: beside it, then over it."""
    new = path.with_name("new.tmp")
    new.write_bytes(content)
    os.replace(new, path)


def want_to_write(path: Path) -> None:
    """Ask to write without waiting; the lease is told, and refuses."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except BlockingIOError:
        return
    raise AssertionError("nobody held the file")


def purge(gate: Gate, root: Path, journal: MemoryJournal, *places: Place) -> Outcome:
    found = places or (Place(os.fsencode(root), b"keep.jpg"),)
    emptying = gate["actions.emptying"]
    outcome: Outcome = emptying.purge(journal.steps[1], journal, lambda sha256: found)
    return outcome


def kept(gate: Gate, root: Path, journal: MemoryJournal, *places: Place) -> None:
    """It stays in the trash, whatever is tried."""
    assert purge(gate, root, journal, *places).state is not StepState.PURGED
    assert len(trashed(root)) >= 1


class instead:  # noqa: N801 - read as a phrase: with instead(module, name=...)
    def __init__(self, owner: Any, **others: Any) -> None:
        self._owner, self._others = owner, others
        self._old = {name: getattr(owner, name) for name in others}

    def __enter__(self) -> None:
        for name, other in self._others.items():
            setattr(self._owner, name, other)

    def __exit__(self, *arguments: object) -> None:
        for name, old in self._old.items():
            setattr(self._owner, name, old)


def same_hash(gate: Gate) -> instead:
    class AlwaysTheSame:
        def update(self, data: bytes) -> None:
            pass

        def hexdigest(self) -> str:
            return "0" * 64

    return instead(gate["actions.contents"], hashlib=SimpleNamespace(sha256=AlwaysTheSame))


def crash_at(journal: MemoryJournal, state: StepState) -> Callable[[Any], None]:
    record = journal.record

    def recorded(outcomes: Any) -> None:
        if outcomes[0].state is state:
            raise InterruptedError("the power is gone")
        record(outcomes)

    return recorded
