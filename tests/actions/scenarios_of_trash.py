"""The same for emptying the trash, for an undo, and for what a crash has left."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.acting import MemoryJournal
from support.gate import (
    HARDLINK,
    NEWER,
    PICTURE,
    Gate,
    act,
    copies,
    crash_at,
    instead,
    kept,
    purge,
    same_hash,
    save,
    scenario,
    trashed,
    want_to_write,
)
from twinlens.model.actions import Outcome, Place, StepState


@scenario
def what_is_held_is_no_rubbish(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    journal.record([Outcome(1, StepState.HELD, "captured something else")])
    kept(gate, root, journal)


@scenario
def a_trashed_file_with_another_name(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    os.link(trashed(root)[0], root / "linked.jpg")
    kept(gate, root, journal)


@scenario
def the_trashed_file_is_no_copy_of_itself(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    (item,) = trashed(root)
    kept(gate, root, journal, Place(os.fsencode(item.parent), b"copy.jpg"))


@scenario
def the_trash_is_no_place_for_a_copy(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    (item,) = trashed(root)
    beside = item.with_name("beside.jpg")
    beside.write_bytes(PICTURE)
    kept(gate, root, journal, Place(os.fsencode(root), os.fsencode(beside.relative_to(root))))


@scenario
def both_were_changed_in_the_same_way(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    for path in (trashed(root)[0], root / "keep.jpg"):
        path.write_bytes(PICTURE[::-1])
    kept(gate, root, journal)


@scenario
def another_copy_of_equal_hash_and_other_bytes(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    (root / "keep.jpg").write_bytes(PICTURE[:-1] + b"!")
    step = journal.steps[1]
    journal.steps[1] = replace(step, planned=replace(step.planned, sha256="0" * 64))
    with same_hash(gate):
        kept(gate, root, journal)


def _while_compared(gate: Gate, root: Path, what: Callable[[], object]) -> None:
    copies(root)
    _, journal = act(gate, root)
    compare = gate["actions.emptying"].compare

    def compared(first: int, second: int) -> Any:
        found = compare(first, second)
        what()
        return found

    with instead(gate["actions.emptying"], compare=compared):
        kept(gate, root, journal)


@scenario
def the_other_copy_is_deleted_while_it_is_read(gate: Gate, root: Path) -> None:
    _while_compared(gate, root, (root / "keep.jpg").unlink)


@scenario
def the_other_copy_is_wanted_for_writing(gate: Gate, root: Path) -> None:
    _while_compared(gate, root, lambda: want_to_write(root / "keep.jpg"))


def _before_the_last_step(
    gate: Gate, root: Path, what: Callable[[], object]
) -> tuple[Outcome, MemoryJournal]:
    copies(root)
    _, journal = act(gate, root)
    record = journal.record

    def recorded(outcomes: Any) -> None:
        record(outcomes)
        if outcomes[0].state is StepState.PURGING:
            what()

    with instead(journal, record=recorded):
        return purge(gate, root, journal), journal


@scenario
def the_trashed_file_is_wanted_for_writing_at_last(gate: Gate, root: Path) -> None:
    outcome, _ = _before_the_last_step(gate, root, lambda: want_to_write(trashed(root)[0]))
    assert outcome.state is StepState.DONE, outcome
    assert len(trashed(root)) == 1


@scenario
def the_other_copy_is_wanted_for_writing_at_last(gate: Gate, root: Path) -> None:
    outcome, _ = _before_the_last_step(gate, root, lambda: want_to_write(root / "keep.jpg"))
    assert outcome.state is StepState.DONE, outcome
    assert len(trashed(root)) == 1


@scenario
def the_trashed_file_is_replaced_at_last(gate: Gate, root: Path) -> None:
    _before_the_last_step(gate, root, lambda: save(trashed(root)[0], NEWER))
    assert [path.read_bytes() for path in trashed(root)] == [NEWER]


@scenario
def a_crash_after_the_removal(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    crash = instead(journal, record=crash_at(journal, StepState.PURGED))
    with crash, suppress(InterruptedError):
        purge(gate, root, journal)
    assert trashed(root) == []
    gate["actions.recovery"].recover(journal)
    assert journal.steps[1].state is StepState.PURGED


@scenario
def an_undo_of_what_is_undone(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    restore = gate["actions.restoring"].restore
    restore(journal.steps[1], journal)
    again = restore(journal.steps[1], journal)
    assert "it is undone" in again.reason, again


@scenario
def an_undo_after_an_edit_through_the_link(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root, HARDLINK)
    (root / "holiday" / "copy.jpg").write_bytes(NEWER)
    gate["actions.restoring"].restore(journal.steps[1], journal)
    assert (root / "holiday" / "copy.jpg").read_bytes() == NEWER


@scenario
def an_undo_while_somebody_begins_to_save_through_the_link(gate: Gate, root: Path) -> None:
    copies(root)
    inode = (root / "keep.jpg").stat().st_ino
    _, journal = act(gate, root, HARDLINK)
    exchange = gate["actions.kernel"].exchange
    left = [lambda: want_to_write(root / "holiday" / "copy.jpg")]

    def late(*arguments: Any) -> None:
        if left:
            left.pop()()
        exchange(*arguments)

    with instead(gate["actions.kernel"], exchange=late):
        gate["actions.restoring"].restore(journal.steps[1], journal)
    assert (root / "holiday" / "copy.jpg").stat().st_ino == inode
    assert (root / "holiday" / "copy (restored).jpg").read_bytes() == PICTURE


@scenario
def an_undo_where_the_link_is_the_last_name(gate: Gate, root: Path) -> None:
    copies(root)
    inode = (root / "keep.jpg").stat().st_ino
    _, journal = act(gate, root, HARDLINK)
    (root / "keep.jpg").unlink()
    exchanges = []
    exchange = gate["actions.kernel"].exchange

    def counted(*arguments: Any) -> None:
        exchanges.append(arguments)
        exchange(*arguments)

    with instead(gate["actions.kernel"], exchange=counted):
        gate["actions.restoring"].restore(journal.steps[1], journal)
    assert (root / "holiday" / "copy.jpg").stat().st_ino == inode
    assert exchanges == [], "the path need not be touched"


@scenario
def an_undo_during_which_the_owner_saves(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root, HARDLINK)
    exchange = gate["actions.kernel"].exchange
    path = root / "holiday" / "copy.jpg"

    def late(*arguments: Any) -> None:
        if not (root / "linked.jpg").exists():
            save(path, NEWER)
            os.link(path, root / "linked.jpg")
        exchange(*arguments)

    with instead(gate["actions.kernel"], exchange=late):
        gate["actions.restoring"].restore(journal.steps[1], journal)
    assert (root / "holiday" / "copy.jpg").read_bytes() == NEWER
    assert (root / "holiday" / "copy (restored).jpg").read_bytes() == PICTURE


@scenario
def an_undo_where_the_path_is_taken(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    (root / "holiday" / "copy.jpg").write_bytes(NEWER)
    gate["actions.restoring"].restore(journal.steps[1], journal)
    assert (root / "holiday" / "copy.jpg").read_bytes() == NEWER


@scenario
def an_open_step_of_a_disk_that_is_not_mounted(gate: Gate, root: Path) -> None:
    copies(root)
    _, journal = act(gate, root)
    journal.record([Outcome(1, StepState.INTENDED)])
    root.rename(root.with_name("disk"))
    root.mkdir()
    gate["actions.recovery"].recover(journal, lambda path: "it is empty")
    assert journal.steps[1].state is StepState.INTENDED
