"""Scenarios in which one check of the safety gate is all that stands between the owner and a loss,
or a false word. Each takes the gate (modules by name) and an empty root, and asserts."""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from support.acting import MemoryJournal, step_for, tree
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


@scenario
def a_fifo_at_the_path(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "holiday" / "copy.jpg").unlink()
    os.mkfifo(root / "holiday" / "copy.jpg")
    refused(act(gate, root)[0], "regular file")


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
    with _same_hash(gate):
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
    crash = _instead(journal, record=_crash_at(journal, StepState.DONE))
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

    with _instead(gate["actions.kernel"], link_open_file=wrong):
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
    with _instead(journal, record=_crash_at(journal, StepState.DONE)):
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
def a_link_instead_of_a_folder(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "holiday").rename(root / "real")
    (root / "holiday").symlink_to(root / "real")
    outcome, _ = act(gate, root)
    assert outcome.state is StepState.REFUSED, outcome


@scenario
def a_link_instead_of_the_kept_file(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "keep.jpg").rename(root / "real.jpg")
    (root / "keep.jpg").symlink_to("real.jpg")
    outcome, _ = act(gate, root)
    assert outcome.state is StepState.REFUSED, outcome


@scenario
def a_trash_that_is_a_link(gate: Gate, root: Path) -> None:
    copies(root)
    outside = root.with_name("outside")
    outside.mkdir()
    (root / ".twinlens").symlink_to(outside)
    act(gate, root)
    assert list(outside.iterdir()) == []


@scenario
def a_path_that_leads_out_of_the_root(gate: Gate, root: Path) -> None:
    copies(root)
    outside = root.with_name("outside.jpg")
    shutil.copy2(root / "keep.jpg", outside)
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", TRASH)
    victim = Place(os.fsencode(root), b"../outside.jpg")
    act(gate, root, step=replace(step, planned=replace(step.planned, victim=victim)))
    assert outside.exists()


@scenario
def a_folder_on_another_mount(gate: Gate, root: Path) -> None:
    copies(root)
    numbers = iter(range(1000))
    with _instead(gate["actions.folders"], mount_id=lambda descriptor: next(numbers)):
        refused(act(gate, root)[0], "another mount")


@scenario
def blocks_that_the_kernel_finds_unequal(gate: Gate, root: Path) -> None:
    copies(root)
    with _instead(gate["actions.kernel"], share_blocks=lambda *any_files: 1):
        refused(act(gate, root, REFLINK)[0], "unequal")


@scenario
def an_attribute_that_changes_while_blocks_are_shared(gate: Gate, root: Path) -> None:
    copies(root)

    def share(keeper: int, victim: int, size: int) -> int:
        os.fchmod(victim, 0o600)
        return size

    with _instead(gate["actions.kernel"], share_blocks=share):
        refused(act(gate, root, REFLINK)[0], "attributes")


@scenario
def a_copy_that_is_replaced_while_blocks_are_shared(gate: Gate, root: Path) -> None:
    copies(root)

    def share(keeper: int, victim: int, size: int) -> int:
        save(root / "holiday" / "copy.jpg", NEWER)
        return size

    with _instead(gate["actions.kernel"], share_blocks=share):
        refused(act(gate, root, REFLINK)[0], "moved or replaced")


@scenario
def a_snapshot_that_is_read_only(gate: Gate, root: Path) -> None:
    copies(root)
    told = {"is_read_only": lambda descriptor: True, "share_blocks": lambda k, v, size: size}
    with _instead(gate["actions.kernel"], **told):
        refused(act(gate, root, REFLINK)[0], "read-only")


def purge(gate: Gate, root: Path, journal: MemoryJournal, *places: Place) -> Outcome:
    found = places or (Place(os.fsencode(root), b"keep.jpg"),)
    emptying = gate["actions.emptying"]
    outcome: Outcome = emptying.purge(journal.steps[1], journal, lambda sha256: found)
    return outcome


def kept(gate: Gate, root: Path, journal: MemoryJournal, *places: Place) -> None:
    """It stays in the trash, whatever is tried."""
    assert purge(gate, root, journal, *places).state is not StepState.PURGED
    assert len(trashed(root)) >= 1


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
    with _same_hash(gate):
        kept(gate, root, journal)


def _while_compared(gate: Gate, root: Path, what: Callable[[], object]) -> None:
    copies(root)
    _, journal = act(gate, root)
    compare = gate["actions.emptying"].compare

    def compared(first: int, second: int) -> Any:
        found = compare(first, second)
        what()
        return found

    with _instead(gate["actions.emptying"], compare=compared):
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

    with _instead(journal, record=recorded):
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
    crash = _instead(journal, record=_crash_at(journal, StepState.PURGED))
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

    with _instead(gate["actions.kernel"], exchange=late):
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

    with _instead(gate["actions.kernel"], exchange=counted):
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

    with _instead(gate["actions.kernel"], exchange=late):
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


class _instead:  # noqa: N801 - read as a phrase: with _instead(module, name=...)
    def __init__(self, owner: Any, **others: Any) -> None:
        self._owner, self._others = owner, others
        self._old = {name: getattr(owner, name) for name in others}

    def __enter__(self) -> None:
        for name, other in self._others.items():
            setattr(self._owner, name, other)

    def __exit__(self, *arguments: object) -> None:
        for name, old in self._old.items():
            setattr(self._owner, name, old)


def _same_hash(gate: Gate) -> _instead:
    class AlwaysTheSame:
        def update(self, data: bytes) -> None:
            pass

        def hexdigest(self) -> str:
            return "0" * 64

    return _instead(gate["actions.contents"], hashlib=SimpleNamespace(sha256=AlwaysTheSame))


def _crash_at(journal: MemoryJournal, state: StepState) -> Callable[[Any], None]:
    record = journal.record

    def recorded(outcomes: Any) -> None:
        if outcomes[0].state is state:
            raise InterruptedError("the power is gone")
        record(outcomes)

    return recorded
