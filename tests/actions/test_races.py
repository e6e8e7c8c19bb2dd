"""The race of the safety page: an owner who saves pictures while they are acted on loses none.

A protocol that hashes, looks at the stat and renames loses some of these saves; the test fails for
it within seconds.
"""

import hashlib
import multiprocessing
import os
import random
import shutil
import threading
import time
from pathlib import Path

import pytest

from support.acting import MemoryJournal, contents_everywhere, step_for
from twinlens.actions.performing import perform
from twinlens.model.actions import ActionKind, StepState

SAVES = 1100
COPY = b"the copy that is acted on " * 2000
WAYS = ("renamed over", "in place", "in place without cutting", "deleted and written anew")
KINDS = (ActionKind.TRASH, ActionKind.HARDLINK)


def saved_content(number: int) -> bytes:
    """As long as what was there, so that a save that does not cut the file leaves it whole."""
    digest = hashlib.sha256(bytes(number)).digest()
    return (f"saved by the owner, number {number}".encode() + digest).ljust(len(COPY), b".")


def save(path: str, content: bytes, way: str) -> None:
    """Save in one of the ways that programs have."""
    if way == "renamed over":
        with open(f"{path}.new", "wb") as file:
            file.write(content)
        os.rename(f"{path}.new", path)
        return
    if way == "deleted and written anew":
        try:
            os.unlink(path)
        except FileNotFoundError:
            way = "in place"
    if way == "in place without cutting" and os.path.exists(path):
        try:
            with open(path, "r+b") as file:
                file.write(content)
        except FileNotFoundError:
            pass  # it went to the trash in this moment: as a program does, it is written anew
        else:
            return
    with open(path, "wb") as file:
        file.write(content)


def owner(root: str, ways: list[str], seed: int, go: object) -> None:
    """Saves something new at every path, at a random moment around the action on it."""
    rng = random.Random(seed)
    go.wait()  # type: ignore[attr-defined]  # a multiprocessing.Event
    for number, way in enumerate(ways):
        path = os.path.join(root, f"{number}.jpg")
        # Follow the actions: the next save is never far from the path that is acted on now.
        while os.path.exists(path) and not _is_near(root, number):
            time.sleep(0)
        time.sleep(rng.random() * 0.002)
        save(path, saved_content(number), way)


def _is_near(root: str, number: int) -> bool:
    try:
        with open(os.path.join(root, "..", "now"), encoding="ascii") as file:
            return int(file.read() or 0) >= number
    except (OSError, ValueError):
        return False


def two_copies(root: Path, number: int) -> None:
    """Each copy has its own kept file: a save in place goes through a hard link into that too."""
    (root / f"keep-{number}").write_bytes(COPY)
    os.utime(root / f"keep-{number}", (1_500_000_000, 1_500_000_000))
    shutil.copy2(root / f"keep-{number}", root / f"{number}.jpg")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_thousand_saves_around_an_action_none_is_lost(
    local_root: Path, kind: ActionKind
) -> None:
    rng = random.Random(7)
    ways = [rng.choice(WAYS) for _ in range(SAVES)]
    for number in range(SAVES):
        two_copies(local_root, number)
    context = multiprocessing.get_context("fork")
    go = context.Event()
    process = context.Process(target=owner, args=(str(local_root), ways, 11, go))
    process.start()
    now = local_root.parent / "now"
    states: dict[StepState, int] = {}
    journals: list[MemoryJournal] = []

    go.set()
    for number in range(SAVES):
        now.write_text(str(number), encoding="ascii")
        step = step_for(
            local_root, f"{number}.jpg", f"keep-{number}", kind, number=number + 1, content=COPY
        )
        journals.append(MemoryJournal([step]))
        (outcome,) = perform([step], journals[-1])
        states[outcome.state] = states.get(outcome.state, 0) + 1
    process.join(120)

    assert process.exitcode == 0
    everywhere = contents_everywhere(local_root)
    lost = [number for number in range(SAVES) if saved_content(number) not in everywhere]
    assert lost == []
    elsewhere = [
        number
        for number in range(SAVES)
        if (local_root / f"{number}.jpg").read_bytes() != saved_content(number)
        and journals[number].steps[number + 1].state is not StepState.HELD
    ]
    assert elsewhere == [], "a save is at its path, or the journal says that it is held"
    # The race was one: some saves came before the action, and some after it.
    assert states[StepState.DONE] >= 20, states
    assert states[StepState.REFUSED] >= 20, states


@pytest.mark.parametrize("root", ["here", "btrfs"], indirect=True)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", ["checked", "intended", "prepared", "captured", "verified"])
def test_a_save_that_begins_at_any_point_is_at_its_path(
    root: Path, kind: ActionKind, point: str, way: str
) -> None:
    two_copies(root, 1)
    path = root / "1.jpg"
    step = step_for(root, "1.jpg", "keep-1", kind, content=COPY)
    journal = MemoryJournal([step])
    # In a thread: whoever opens a locked file for writing waits until the action lets go of it.
    saving = threading.Thread(target=save, args=(str(path), saved_content(1), way), daemon=True)

    def reached(name: str) -> None:
        if name == point:
            saving.start()
            saving.join(0.02)

    perform([step], journal, reached)
    saving.join(60)

    assert not saving.is_alive()
    assert path.read_bytes() == saved_content(1), journal.steps[1]
    trashed = [p.read_bytes() for p in (root / ".twinlens" / "trash").glob("*/*")]
    assert saved_content(1) not in trashed or journal.steps[1].state is StepState.HELD
