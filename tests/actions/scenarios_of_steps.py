"""Scenarios in which one check of a step is all that stands between the owner and a loss, or a
false word. Each takes the gate and an empty root, and asserts."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from support.acting import MemoryJournal, step_for, tree
from support.gate import (
    HARDLINK,
    NEWER,
    PICTURE,
    REFLINK,
    SCENARIOS,
    TRASH,
    Gate,
    Scenario,
    act,
    copies,
    crash_at,
    instead,
    purge,
    refused,
    same_hash,
    save,
    scenario,
    trashed,
    want_to_write,
)
from twinlens.model.actions import StepState


@scenario
def a_plain_action_is_done_undone_and_emptied(gate: Gate, root: Path) -> None:
    copies(root)
    before = tree(root)
    for kind in (TRASH, HARDLINK):
        outcome, journal = act(gate, root, kind)
        assert outcome.state is StepState.DONE, outcome
        back = gate["actions.restoring"].restore(journal.steps[1], journal)
        assert back.state is StepState.UNDONE
        assert tree(root) == before
    _, journal = act(gate, root)
    assert purge(gate, root, journal).state is StepState.PURGED
    assert trashed(root) == []


@scenario
def two_names_of_one_file(gate: Gate, root: Path) -> None:
    (root / "holiday").mkdir()
    (root / "keep.jpg").write_bytes(PICTURE)
    os.link(root / "keep.jpg", root / "holiday" / "copy.jpg")
    refused(act(gate, root, REFLINK)[0], "one file")


@scenario
def empty_files(gate: Gate, root: Path) -> None:
    copies(root, b"")
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", TRASH)
    refused(act(gate, root, step=step)[0], "size")


@scenario
def a_copy_that_grew_since_the_plan(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "holiday" / "copy.jpg").write_bytes(PICTURE + b"more")
    refused(act(gate, root)[0], "size")


@scenario
def a_kept_file_that_grew_since_the_plan(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "keep.jpg").write_bytes(PICTURE + b"more")
    refused(act(gate, root)[0], "size")


@scenario
def a_copy_with_another_name(gate: Gate, root: Path) -> None:
    copies(root)
    os.link(root / "holiday" / "copy.jpg", root / "elsewhere.jpg")
    refused(act(gate, root)[0], "another name")


def _unequal(change: Callable[[Path], object]) -> Scenario:
    def work(gate: Gate, root: Path) -> None:
        copies(root)
        change(root / "holiday" / "copy.jpg")
        before = tree(root)
        outcome, _ = act(gate, root, HARDLINK)
        assert outcome.state is StepState.REFUSED, outcome
        assert tree(root) == before

    return work


SCENARIOS["unequal_modes"] = _unequal(lambda path: path.chmod(0o600))
SCENARIOS["unequal_times"] = _unequal(lambda path: os.utime(path, (1, 1)))
SCENARIOS["unequal_xattrs"] = _unequal(lambda path: os.setxattr(path, "user.rating", b"5"))
SCENARIOS["unequal_owners"] = _unequal(lambda path: os.chown(path, 65534, 65534))


@scenario
def a_mode_that_is_changed_meanwhile(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "holiday" / "copy.jpg"
    outcome, _ = act(gate, root, HARDLINK, {"prepared": lambda: path.chmod(0o600)})
    assert outcome.state is StepState.REFUSED, outcome
    assert path.stat().st_mode & 0o777 == 0o600


@scenario
def equal_hashes_with_unequal_bytes(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "holiday" / "copy.jpg").write_bytes(PICTURE[:-1] + b"!")
    with same_hash(gate):
        step = step_for(root, "holiday/copy.jpg", "keep.jpg", TRASH)
        same = replace(step, planned=replace(step.planned, sha256="0" * 64))
        refused(act(gate, root, step=same)[0], "byte for byte")


@scenario
def equal_files_that_are_not_what_was_planned(gate: Gate, root: Path) -> None:
    copies(root)
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", TRASH, content=PICTURE[::-1])
    refused(act(gate, root, step=step)[0], "something else")


@scenario
def a_writer_of_the_copy_comes_meanwhile(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "holiday" / "copy.jpg"
    outcome, _ = act(gate, root, TRASH, {"intended": lambda: want_to_write(path)})
    refused(outcome, "for writing")


@scenario
def a_writer_of_the_kept_file_comes_meanwhile(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "keep.jpg"
    outcome, _ = act(gate, root, TRASH, {"intended": lambda: want_to_write(path)})
    refused(outcome, "for writing")


@scenario
def a_writer_of_the_kept_file_comes_before_the_link(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "keep.jpg"
    outcome, _ = act(gate, root, HARDLINK, {"prepared": lambda: want_to_write(path)})
    refused(outcome, "for writing")
    assert trashed(root) == []


@scenario
def a_save_in_place_through_the_fresh_link(gate: Gate, root: Path) -> None:
    copies(root)
    path, inode = root / "holiday" / "copy.jpg", (root / "keep.jpg").stat().st_ino
    outcome, _ = act(gate, root, HARDLINK, {"captured": lambda: want_to_write(path)})
    # Whoever opened it will write into the kept file: that has to be what is at this path.
    assert path.stat().st_ino == inode
    assert outcome.state is StepState.HELD, outcome
    assert [p.read_bytes() for p in trashed(root)] == [PICTURE]


@scenario
def a_crash_and_a_save_through_the_link(gate: Gate, root: Path) -> None:
    copies(root)
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", HARDLINK)
    journal = MemoryJournal([step])
    crash = instead(journal, record=crash_at(journal, StepState.DONE))
    with crash, suppress(InterruptedError):
        gate["actions.performing"].perform([step], journal)
    (root / "holiday" / "copy.jpg").write_bytes(NEWER)
    gate["actions.recovery"].recover(journal)
    assert (root / "holiday" / "copy.jpg").read_bytes() == NEWER
    assert journal.steps[1].state is StepState.HELD
    assert [p.read_bytes() for p in trashed(root)] == [PICTURE]


@scenario
def a_time_that_is_changed_meanwhile(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "holiday" / "copy.jpg"
    outcome, _ = act(gate, root, TRASH, {"prepared": lambda: os.utime(path, (1, 1))})
    refused(outcome, "changed meanwhile")


@scenario
def the_kept_file_is_deleted_meanwhile(gate: Gate, root: Path) -> None:
    copies(root)
    outcome, _ = act(gate, root, TRASH, {"prepared": (root / "keep.jpg").unlink})
    refused(outcome, "moved or replaced")
    assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE


@scenario
def the_kept_file_is_replaced_meanwhile(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "keep.jpg"
    outcome, _ = act(gate, root, HARDLINK, {"captured": lambda: save(path, NEWER)})
    assert outcome.state in (StepState.REFUSED, StepState.HELD)
    assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE


@scenario
def the_copy_is_replaced_before_the_capture(gate: Gate, root: Path) -> None:
    for kind in (TRASH, HARDLINK):
        copies(root)
        path = root / "holiday" / "copy.jpg"
        outcome, _ = act(gate, root, kind, {"checked": lambda p=path: save(p, NEWER)})
        refused(outcome, "something else was saved")
        assert path.read_bytes() == NEWER
        assert trashed(root) == []
        shutil.rmtree(root / "holiday")
        shutil.rmtree(root / ".twinlens")


@scenario
def two_saves_around_the_capture(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "holiday" / "copy.jpg"
    on = {"prepared": lambda: save(path, NEWER), "doubted": lambda: save(path, b"the newest")}
    outcome, _ = act(gate, root, TRASH, on)
    assert path.read_bytes() == b"the newest"
    assert [p.read_bytes() for p in trashed(root)] == [NEWER]
    assert outcome.state is StepState.HELD


@scenario
def a_save_between_two_swaps(gate: Gate, root: Path) -> None:
    copies(root)
    path = root / "holiday" / "copy.jpg"
    on = {"prepared": lambda: save(path, NEWER), "doubted": lambda: save(path, b"the newest")}
    outcome, _ = act(gate, root, HARDLINK, on)
    assert path.read_bytes() == b"the newest", path.read_bytes()
    assert outcome.state is StepState.HELD
    assert "what had been there before is in the trash" in outcome.reason
    assert [p.read_bytes() for p in trashed(root)] == [NEWER]


@scenario
def a_link_that_leads_elsewhere(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "other.jpg").write_bytes(PICTURE)
    inode = (root / "holiday" / "copy.jpg").stat().st_ino

    def wrong(descriptor: int, folder: int, name: bytes) -> None:
        os.link(root / "other.jpg", name, dst_dir_fd=folder)

    with instead(gate["actions.kernel"], link_open_file=wrong):
        outcome, _ = act(gate, root, HARDLINK)
    assert outcome.state in (StepState.REFUSED, StepState.HELD), outcome
    assert (root / "holiday" / "copy.jpg").stat().st_ino == inode


@scenario
def a_link_that_became_the_last_name(gate: Gate, root: Path) -> None:
    copies(root)
    kept = (root / "keep.jpg").stat().st_ino
    outcome, _ = act(gate, root, HARDLINK, {"captured": (root / "keep.jpg").unlink})
    assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE
    assert [p.stat().st_ino for p in trashed(root)] == [kept]
    assert outcome.state is StepState.HELD


@scenario
def a_unit_of_which_one_file_was_changed(gate: Gate, root: Path) -> None:
    copies(root)
    for name in ("a.nef", "b.jpg"):
        (root / name).write_bytes(name.encode() * 99)
        shutil.copy2(root / name, root / "holiday" / name)
    before = tree(root)
    unit = [
        step_for(root, f"holiday/{name}", name, TRASH, number=number)
        for number, name in enumerate(("a.nef", "b.jpg"), 1)
    ]

    def reached(point: str) -> None:
        if point == "intended":
            save(root / "holiday" / "b.jpg", NEWER)

    outcomes = gate["actions.performing"].perform(unit, MemoryJournal(unit), reached)
    assert {one.state for one in outcomes} == {StepState.REFUSED}
    after = tree(root)
    assert after.pop("holiday/b.jpg")[0] == NEWER
    assert after == {name: facts for name, facts in before.items() if name != "holiday/b.jpg"}


@scenario
def a_crash_after_the_capture(gate: Gate, root: Path) -> None:
    copies(root)
    before = tree(root)
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", TRASH)
    journal = MemoryJournal([step])
    with instead(journal, record=crash_at(journal, StepState.DONE)):
        try:
            gate["actions.performing"].perform([step], journal)
        except InterruptedError:
            pass
        else:
            raise AssertionError("no crash")
    gate["actions.recovery"].recover(journal)
    assert tree(root) == before
    assert journal.steps[1].state is StepState.REFUSED


@scenario
def a_stop_in_the_middle(gate: Gate, root: Path) -> None:
    copies(root)
    before = tree(root)

    def stop() -> None:
        raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        act(gate, root, TRASH, {"captured": stop})
    assert tree(root) == before


@scenario
def blocks_that_the_kernel_finds_unequal(gate: Gate, root: Path) -> None:
    copies(root)
    with instead(gate["actions.kernel"], share_blocks=lambda *any_files: 1):
        refused(act(gate, root, REFLINK)[0], "unequal")


@scenario
def an_attribute_that_changes_while_blocks_are_shared(gate: Gate, root: Path) -> None:
    copies(root)

    def share(keeper: int, victim: int, size: int) -> int:
        os.fchmod(victim, 0o600)
        return size

    with instead(gate["actions.kernel"], share_blocks=share):
        refused(act(gate, root, REFLINK)[0], "attributes")


@scenario
def a_copy_that_is_replaced_while_blocks_are_shared(gate: Gate, root: Path) -> None:
    copies(root)

    def share(keeper: int, victim: int, size: int) -> int:
        save(root / "holiday" / "copy.jpg", NEWER)
        return size

    with instead(gate["actions.kernel"], share_blocks=share):
        refused(act(gate, root, REFLINK)[0], "moved or replaced")


@scenario
def a_snapshot_that_is_read_only(gate: Gate, root: Path) -> None:
    copies(root)
    told = {"is_read_only": lambda descriptor: True, "share_blocks": lambda k, v, size: size}
    with instead(gate["actions.kernel"], **told):
        refused(act(gate, root, REFLINK)[0], "read-only")
