"""Giving a file back from the trash to the path it came from, with all that belonged to it.

A file is moved, never copied and never over another: where its path is taken, it is put beside it
under a name that says so. What the owner has done to the path since then stays.
"""

import os
from contextlib import ExitStack
from dataclasses import dataclass

from twinlens.actions import kernel
from twinlens.actions.captures import swap_until_quiet
from twinlens.actions.folders import opened_folder, split
from twinlens.actions.journal import Journal
from twinlens.actions.links import watch_link
from twinlens.actions.trash_items import TrashItem, existing_item
from twinlens.model.actions import ActionKind, Outcome, Step, StepState
from twinlens.model.paths import printable

IN_TRASH = frozenset({StepState.DONE, StepState.HELD})
_LONGEST_NAME = 255
_MOST_NAMES = 1000


@dataclass(frozen=True, slots=True)
class _Target:
    folder: int
    name: bytes


def restore(step: Step, journal: Journal, *, make_folders: bool = False) -> Outcome:
    """Take one step back; returns what became of it, as it is in the journal.

    A step that cannot be taken back keeps its state, and its reason says why. `make_folders` makes
    the folder of the file again where the owner has removed it.
    """
    planned = step.planned
    if step.state not in IN_TRASH:
        return Outcome(step.id, step.state, f"it cannot be taken back: it is {step.state.value}")
    if planned.kind is ActionKind.REFLINK:
        words = "the files share their blocks still; no byte and no attribute had been changed"
        return _settle(journal, Outcome(step.id, StepState.UNDONE, words))
    try:
        folder_path, name = split(planned.victim.path)
        with ExitStack() as stack:
            root = planned.victim.root
            top, item = stack.enter_context(existing_item(root, step.token, name))
            if item is None or item.identity is None:
                return Outcome(step.id, step.state, "it is not in the trash any more")
            folder = stack.enter_context(
                opened_folder(top, folder_path, is_made_as_its_parent=make_folders)
            )
            evidence = dict(step.evidence) | {"before": step.state.value}
            journal.record([Outcome(step.id, StepState.UNDOING, step.reason, evidence)])
            return _settle(journal, _restored(step, item, _Target(folder, name), evidence))
    except FileNotFoundError:
        return Outcome(step.id, step.state, "its folder is gone; it can be made again with it")
    except OSError as error:
        return Outcome(step.id, step.state, f"it cannot be given back: {error.strerror}")


def _restored(step: Step, item: TrashItem, target: _Target, evidence: dict[str, object]) -> Outcome:
    words = []
    if step.state is StepState.DONE and item.sha256() != step.planned.sha256:
        words.append("somebody wrote to it while it was in the trash; it is given back as it is")
    with ExitStack() as stack:
        is_back = _exchanged(step, item, target, stack)
    if not is_back:
        name = _moved(item, target)
        if name != target.name:
            words.append(f"its path is taken, so it lies beside it as {printable(name)}")
            evidence = evidence | {"restored_as": name.decode("utf-8", "surrogateescape")}
    os.fsync(target.folder)
    os.fsync(item.folder)
    item.remove()
    return Outcome(step.id, StepState.UNDONE, "; ".join(words), evidence)


def _exchanged(step: Step, item: TrashItem, target: _Target, stack: ExitStack) -> bool:
    """Swap the file with the hard link that we have put at its path.

    False where the link cannot be spared: it is not there any more, somebody has written through it
    or wants to, or it is the last name of the kept file by now. Then the path stays as it is, also
    where that was only found out in the moment of the swap.
    """
    inode = step.evidence.get("keeper_inode")
    if step.planned.kind is not ActionKind.HARDLINK or not isinstance(inode, int):
        return False
    link = (os.fstat(item.folder).st_dev, inode)
    before = step.evidence.get("keeper")
    is_quiet = watch_link(target.folder, target.name, link, before, stack)
    if is_quiet is None or not is_quiet() or _names_at(target) < 2:
        return False
    own = item.identity
    try:
        kernel.exchange(item.folder, item.name, target.folder, target.name)
        if is_quiet() and item.remove_link(link):
            return True
        came = item.identity
        if own is not None and came is not None:
            swap_until_quiet(item, target.folder, put=own, held=came)
    except FileNotFoundError:
        return item.identity is None
    return False


def _names_at(target: _Target) -> int:
    try:
        return os.stat(target.name, dir_fd=target.folder, follow_symlinks=False).st_nlink
    except FileNotFoundError:
        return 0


def _moved(item: TrashItem, target: _Target) -> bytes:
    """Move the file to the first name that is free; returns it."""
    for number in range(_MOST_NAMES):
        name = _name_beside(target.name, number) if number else target.name
        try:
            kernel.move(item.folder, item.name, target.folder, name)
        except FileExistsError:
            continue
        return name
    raise FileExistsError(17, "every name beside its path is taken")


def _name_beside(name: bytes, number: int) -> bytes:
    """`IMG_1.JPG` becomes `IMG_1 (restored).JPG`, shortened to what a folder can hold."""
    stem, dot, ending = name.rpartition(b".")
    if not stem:
        stem, dot, ending = name, b"", b""
    mark = b" (restored)" if number == 1 else b" (restored %d)" % number
    tail = mark + dot + ending
    return stem[: _LONGEST_NAME - len(tail)] + tail


def _settle(journal: Journal, outcome: Outcome) -> Outcome:
    journal.record([outcome])
    return outcome
