"""What a crash left half done is brought to one end or the other, before anything else is done.

An intent that was not finished is taken back; a restore or a purge counts as done if the file has
left the trash, and as not begun if it is still there. Running this twice changes nothing more. A
root that cannot be reached or believed keeps its intents open for the next time: the empty folder
where a disk was not mounted has no trash, and that says nothing about the disk's.
"""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack

from twinlens.actions.captures import give_back_by_exchange, give_back_by_move
from twinlens.actions.folders import identity_at, opened_folder, split
from twinlens.actions.journal import Journal
from twinlens.actions.links import watch_link
from twinlens.actions.repairing import recovered
from twinlens.actions.trash_items import TrashItem, existing_item
from twinlens.model.actions import ActionKind, Outcome, Step, StepState
from twinlens.model.paths import printable

logger = logging.getLogger(__name__)

STOPPED = "twinlens was stopped in the middle of it; everything is as it was"
NOWHERE = "twinlens was stopped in the middle of it; the copy is not at its path nor in the trash"

Doubt = Callable[[bytes], str | None]
"""Says why a root cannot be believed now, in words; None where it can."""


def recover(journal: Journal, doubt: Doubt = lambda root: None) -> list[Outcome]:
    """Finish or take back every open step; returns what became of them."""
    outcomes = []
    for step in reversed(journal.open_steps()):
        try:
            why = doubt(step.planned.victim.root)
            outcome = _recovered(step) if why is None else None
        except OSError as error:
            outcome, why = None, str(error)
        if outcome is None:
            where = printable(step.planned.victim.absolute)
            logger.warning("an action that was interrupted waits (%s): %s", why, where)
            continue
        journal.record([outcome])
        outcomes.append(outcome)
    return outcomes


def _recovered(step: Step) -> Outcome:
    planned = step.planned
    if planned.kind is ActionKind.REFLINK:
        # The kernel shares blocks that are equal: no byte of the file was ever another one.
        return Outcome(step.id, StepState.REFUSED, STOPPED)
    folder_path, name = split(planned.victim.path)
    with existing_item(planned.victim.root, step.token, name) as (top, item):
        if step.state is StepState.INTENDED and planned.kind is ActionKind.REPAIR:
            return recovered(step, top, item)
        if step.state is StepState.INTENDED:
            return _taken_back(step, top, folder_path, item)
        left = _own_link(step, item)
        if item is not None and left is not None:
            item.remove_link(left)
        if item is not None and item.identity is not None:
            back = StepState(str(step.evidence.get("before", StepState.DONE.value)))
            return Outcome(step.id, back)
        if item is not None:
            item.remove()
        is_purge = step.state is StepState.PURGING
        return Outcome(step.id, StepState.PURGED if is_purge else StepState.UNDONE)


def _taken_back(step: Step, top: int, folder_path: bytes, item: TrashItem | None) -> Outcome:
    if item is None or item.identity is None:
        if item is not None:
            item.remove()
        return Outcome(step.id, StepState.REFUSED, STOPPED if _is_at_path(step, top) else NOWHERE)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(opened_folder(top, folder_path))
        except FileNotFoundError:
            words = "its folder is gone; what was captured is in the trash, untouched"
            return Outcome(step.id, StepState.HELD, words)
        if step.planned.kind is ActionKind.TRASH:
            state, words = give_back_by_move(item, folder)
        else:
            link = _link_identity(step, item)
            before = step.evidence.get("keeper")
            is_quiet = watch_link(folder, item.name, link, before, stack)
            state, words = give_back_by_exchange(item, folder, link, is_quiet or (lambda: True))
    return Outcome(step.id, state, words or STOPPED)


def _is_at_path(step: Step, top: int) -> bool:
    folder_path, name = split(step.planned.victim.path)
    try:
        with opened_folder(top, folder_path) as folder:
            return identity_at(folder, name) is not None
    except FileNotFoundError:
        return False


def _own_link(step: Step, item: TrashItem | None) -> tuple[int, int] | None:
    """The identity of our link, where it is what lies in the item."""
    if item is None or step.planned.kind is not ActionKind.HARDLINK:
        return None
    link = _link_identity(step, item)
    return link if item.identity == link else None


def _link_identity(step: Step, item: TrashItem) -> tuple[int, int]:
    # Device numbers change with the order of mounts; the link is on the device of the trash.
    inode = step.evidence.get("keeper_inode")
    return os.fstat(item.folder).st_dev, inode if isinstance(inode, int) else -1
