"""The race of the safety page: an owner who saves pictures while they are acted on loses none.

A protocol that hashes, looks at the stat and renames loses some of these saves; the test fails for
it within seconds.
"""

import hashlib
import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest

from support.acting import MemoryJournal, contents_everywhere, step_for
from twinlens.actions.performing import perform
from twinlens.model.actions import ActionKind, StepState

SAVES = 1100
COPY = b"the copy that is acted on " * 2000


def saved_content(number: int) -> bytes:
    return f"saved by the owner, number {number}".encode() + hashlib.sha256(bytes(number)).digest()


def owner(root: str, kinds: list[str], seed: int, go: object) -> None:
    """Saves something new at every path, at a random moment around the action on it."""
    rng = random.Random(seed)
    go.wait()  # type: ignore[attr-defined]  # a multiprocessing.Event
    for number, how in enumerate(kinds):
        path = os.path.join(root, f"{number}.jpg")
        content = saved_content(number)
        # Follow the actions: the next save is never far from the path that is acted on now.
        while os.path.exists(path) and not _is_near(root, number):
            time.sleep(0)
        time.sleep(rng.random() * 0.002)
        if how == "replace":
            with open(f"{path}.new", "wb") as file:
                file.write(content)
            os.rename(f"{path}.new", path)
        else:
            with open(path, "wb") as file:
                file.write(content)


def _is_near(root: str, number: int) -> bool:
    try:
        with open(os.path.join(root, "..", "now"), encoding="ascii") as file:
            return int(file.read() or 0) >= number
    except (OSError, ValueError):
        return False


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
def test_of_a_thousand_saves_around_an_action_none_is_lost(
    local_root: Path, kind: ActionKind
) -> None:
    rng = random.Random(7)
    # A save in place writes through a hard link into the kept file too: that is what links are.
    ways = ["replace", "in place"] if kind is ActionKind.TRASH else ["replace"]
    kinds = [rng.choice(ways) for _ in range(SAVES)]
    keeper = local_root / "keep.jpg"
    keeper.write_bytes(COPY)
    os.utime(keeper, (1_500_000_000, 1_500_000_000))
    for number in range(SAVES):
        path = local_root / f"{number}.jpg"
        path.write_bytes(COPY)
        os.utime(path, (1_500_000_000, 1_500_000_000))
    context = multiprocessing.get_context("fork")
    go = context.Event()
    process = context.Process(target=owner, args=(str(local_root), kinds, 11, go))
    process.start()
    now = local_root.parent / "now"
    states: dict[StepState, int] = {}

    go.set()
    for number in range(SAVES):
        now.write_text(str(number), encoding="ascii")
        step = step_for(
            local_root, f"{number}.jpg", "keep.jpg", kind, number=number + 1, content=COPY
        )
        (outcome,) = perform([step], MemoryJournal([step]))
        states[outcome.state] = states.get(outcome.state, 0) + 1
    process.join(120)

    assert process.exitcode == 0
    everywhere = contents_everywhere(local_root)
    lost = [number for number in range(SAVES) if saved_content(number) not in everywhere]
    assert lost == []
    assert keeper.read_bytes() == COPY
    # The race was one: some saves came before the action, and some after it.
    assert states[StepState.DONE] >= 20, states
    assert states[StepState.REFUSED] >= 20, states
