"""Removing a file from the trash for good: the one place where bytes of the owner's can vanish.

It is refused unless, within one step and with both files locked, the file in the trash is read from
begin to end and still is what was put there, and another live file that is not the same inode is
read too and is equal to it, byte for byte.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from twinlens.actions.contents import compare
from twinlens.actions.folders import OPEN_FILE, opened_folder, opened_root, opens_as, split
from twinlens.actions.journal import Journal
from twinlens.actions.kernel import Lease
from twinlens.actions.refusals import Refused, refusal
from twinlens.actions.trash_items import OWN_FOLDER, TrashItem, existing_item
from twinlens.model.actions import ActionKind, Outcome, Place, Step, StepState

Copies = Callable[[str], Iterable[Place]]
"""The live files that are thought to hold a content, by its SHA-256."""


TAKEN = "somebody has taken it out of the trash"


def purge(step: Step, journal: Journal, copies: Copies) -> Outcome:
    """Remove one file from the trash for good, or say why not; the state stays then.

    What is not in the trash any more needs no removing: whoever calls knows that the root is the
    one that it was.
    """
    if step.state is not StepState.DONE or step.planned.kind is ActionKind.REFLINK:
        return Outcome(step.id, step.state, f"nothing of it can be removed: {step.state.value}")
    try:
        _, name = split(step.planned.victim.path)
        with existing_item(step.planned.victim.root, step.token, name) as (_, item):
            if item is None or item.identity is None:
                outcome = Outcome(step.id, StepState.PURGED, TAKEN)
                journal.record([outcome])
                return outcome
            return _purged(step, item, journal, copies)
    except (Refused, OSError) as error:
        return Outcome(step.id, step.state, str(error))


def _purged(step: Step, item: TrashItem, journal: Journal, copies: Copies) -> Outcome:
    with ExitStack() as stack:
        trashed, own_lease = _locked_item(item, stack)
        status = os.fstat(trashed)
        if status.st_nlink != 1:
            raise Refused("it has another name by now (hard link)")
        copy, lease = _verified_copy(step, trashed, copies, stack)
        evidence = dict(step.evidence) | {
            "before": step.state.value,
            "other_copy": os.fsdecode(copy.absolute),
        }
        journal.record([Outcome(step.id, StepState.PURGING, step.reason, evidence)])
        is_sure = lease.is_held and own_lease.is_held
        if not is_sure or item.identity != (status.st_dev, status.st_ino):
            outcome = Outcome(step.id, step.state, "one of the two copies is being written to")
            journal.record([outcome])
            return outcome
        item.remove_file()
        item.remove()
        outcome = Outcome(step.id, StepState.PURGED)
        journal.record([outcome])
        return outcome


def _locked_item(item: TrashItem, stack: ExitStack) -> tuple[int, Lease]:
    try:
        descriptor = item.open_file()
        stack.callback(os.close, descriptor)
        lease = stack.enter_context(Lease(descriptor))
    except OSError as error:
        raise refusal("the file in the trash", error) from error
    return descriptor, lease


def _verified_copy(
    step: Step, trashed: int, copies: Copies, stack: ExitStack
) -> tuple[Place, Lease]:
    own = os.fstat(trashed)
    why = "no other copy of it is known"
    for place in copies(step.planned.sha256):
        if OWN_FOLDER in place.path.split(b"/"):
            continue  # the same trash, seen through another mount, is no other copy
        with ExitStack() as attempt:
            try:
                folder_path, name = split(place.path)
                top = attempt.enter_context(opened_root(place.root))
                folder = attempt.enter_context(opened_folder(top, folder_path, on_one_mount=False))
                descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
                attempt.callback(os.close, descriptor)
                status = os.fstat(descriptor)
                if (status.st_dev, status.st_ino) == (own.st_dev, own.st_ino):
                    continue
                if status.st_size != own.st_size:
                    why = "the other copy is not equal to it any more"
                    continue
                lease = attempt.enter_context(Lease(descriptor))
                found = compare(trashed, descriptor)
                is_there = opens_as(folder, name) == (status.st_dev, status.st_ino)
            except OSError as error:
                why = str(refusal("the other copy", error))
                continue
            if found.first_sha256 != step.planned.sha256:
                raise Refused("it was changed while it was in the trash, so it is kept")
            if found.are_equal and is_there and lease.is_held:
                stack.push(attempt.pop_all())
                return place, lease
            why = "the other copy is not equal to it any more"
    raise Refused(f"it is kept: {why}")
