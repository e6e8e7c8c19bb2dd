"""Mending a rotten file: a new file of the good bytes takes its path, and the rotten one goes into
the trash of its root, never over anything and never away.

1. The rotten file is opened, locked and read: it must be the very damage that was recorded.
2. A new file is made in its place in the trash, out of bytes whose SHA-256 is counted while they
   are written and again when they are read back; it gets mode, owner, time and attributes of the
   rotten one, or nothing is done.
3. One exchange puts it at the path and captures whatever was there. Captured must be what was
   opened; if it is not, it goes back to its path at once.

A crash before the exchange leaves our own file, which is removed; after it, what was captured is
looked at: if it is the recorded damage the repair stands, else it goes back.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import BinaryIO

from twinlens.actions import kernel
from twinlens.actions.attributes import Attributes
from twinlens.actions.captures import HELD, give_back_by_move, note_of, swap_until_quiet
from twinlens.actions.contents import digest
from twinlens.actions.folders import OPEN_FILE, opened_folder, opened_root, split
from twinlens.actions.journal import Journal
from twinlens.actions.kernel import Lease
from twinlens.actions.pairs import OpenFile
from twinlens.actions.refusals import Refused, refusal
from twinlens.actions.trash_items import TrashItem, new_item
from twinlens.model.actions import Outcome, Step, StepState

Source = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens the good bytes, wherever they are. They are believed only once they were counted."""

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20
_WHAT = "the damaged file"


def repair(
    step: Step,
    good_sha256: str,
    source: Source,
    journal: Journal,
    reached: Callable[[str], None] = lambda point: None,
) -> Outcome:
    """Carry out one repair; returns what became of it, as it is in the journal.

    The step's own digest is that of the damage. `reached` is told of the points between which
    others may act. Raises what the journal raises; `recovery` goes on from there.
    """
    with ExitStack() as stack:
        try:
            victim = _opened_damage(step, stack)
        except (Refused, OSError) as error:
            return _settle(journal, _refused(step, error))
        reached("checked")
        journal.record([Outcome(step.id, StepState.INTENDED, evidence={})])
        try:
            note = note_of(step) | {"good_sha256": good_sha256}
            item = stack.enter_context(new_item(victim.root, step.token, victim.name, note))
        except (Refused, OSError) as error:
            return _settle(journal, _refused(step, error))
        try:
            evidence = _prepared(victim, item, good_sha256, source, stack)
            journal.record([Outcome(step.id, StepState.INTENDED, evidence=evidence)])
            reached("prepared")
            victim.require_unwritten()
            kernel.exchange(item.folder, item.name, victim.folder, victim.name)
        except (Refused, OSError) as error:
            return _settle(journal, _given_up(step, item, error))
        reached("captured")
        try:
            outcome = _finished(step, item, victim.folder, evidence)
        except OSError as error:
            outcome = _waiting(step, error)
        return _settle(journal, outcome)


def recovered(step: Step, top: int, item: TrashItem | None) -> Outcome:
    """What becomes of a repair that a crash has left open. Raises OSError."""
    stopped = "twinlens was stopped in the middle of it; the file is as it was"
    if item is None:
        return Outcome(step.id, StepState.REFUSED, stopped)
    ours = _ours(step.evidence, item)
    if ours is None or item.identity in (None, ours):
        is_whole = ours is not None and item.identity == ours
        if is_whole and item.sha256() != step.evidence.get("good_sha256"):
            # It was at the path for a moment, and somebody saved into it there.
            return Outcome(step.id, StepState.HELD, HELD)
        # Nothing was captured: what lies there, if anything does, is our own unfinished copy.
        _clear(item)
        return Outcome(step.id, StepState.REFUSED, stopped)
    folder_path, _ = split(step.planned.victim.path)
    try:
        with opened_folder(top, folder_path) as folder:
            return _finished(step, item, folder, step.evidence)
    except FileNotFoundError:
        words = "its folder is gone; what was captured is in the trash, untouched"
        return Outcome(step.id, StepState.HELD, words)


def _opened_damage(step: Step, stack: ExitStack) -> OpenFile:
    planned = step.planned
    try:
        folder_path, name = split(planned.victim.path)
        top = stack.enter_context(opened_root(planned.victim.root))
        folder = stack.enter_context(opened_folder(top, folder_path))
        descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
        stack.callback(os.close, descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{_WHAT} is not a regular file")
        if status.st_nlink != 1:
            raise Refused(f"{_WHAT} has another name (hard link), which would stay as it is")
        lease = stack.enter_context(Lease(descriptor))
        found = digest(descriptor)
    except OSError as error:
        raise refusal(_WHAT, error) from error
    if found != planned.sha256:
        raise Refused(f"{_WHAT} is not the one that was found damaged: have it read again")
    victim = OpenFile(_WHAT, top, folder, name, descriptor, status, lease)
    victim.require_unwritten()
    victim.require_in_place()
    return victim


def _prepared(
    victim: OpenFile, item: TrashItem, good_sha256: str, source: Source, stack: ExitStack
) -> dict[str, object]:
    """Make the new file in the item, complete and on the disk; returns the evidence."""
    descriptor = os.open(item.name, _CREATE, 0o600, dir_fd=item.folder)
    stack.callback(os.close, descriptor)
    written = _write(descriptor, source)
    if written != good_sha256:
        raise Refused("the copy that it was to be mended from is not sound either")
    _dress(descriptor, victim.descriptor)
    os.fsync(descriptor)
    os.fsync(item.folder)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    if digest(descriptor) != good_sha256:
        raise Refused("what was written did not come back from the disk as it was")
    made = os.fstat(descriptor)
    return {
        "victim": {"inode": victim.status.st_ino, "size": victim.status.st_size},
        "keeper": {"inode": made.st_ino, "size": made.st_size},
        "keeper_inode": made.st_ino,
        "good_sha256": good_sha256,
    }


def _write(descriptor: int, source: Source) -> str:
    found = hashlib.sha256()
    with source() as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
            left = memoryview(chunk)
            while left:
                left = left[os.write(descriptor, left) :]
    return found.hexdigest()


def _dress(descriptor: int, like: int) -> None:
    """Give the new file all that belongs to the path besides its bytes; Refused where it cannot
    have all of it."""
    wanted = Attributes.of(like)
    try:
        own = os.fstat(descriptor)
        # The service's filter refuses the call even where it would change nothing.
        if (own.st_uid, own.st_gid) != (wanted.user, wanted.group):
            os.fchown(descriptor, wanted.user, wanted.group)
        for name, value in wanted.extended:
            os.setxattr(descriptor, name, value)
        os.fchmod(descriptor, wanted.mode)
        os.utime(descriptor, ns=(os.fstat(like).st_atime_ns, wanted.mtime_ns))
    except OSError as error:
        raise refusal("the mended file", error) from error
    difference = Attributes.of(descriptor).difference(wanted)
    if difference is not None:
        raise Refused(f"the mended file cannot be made like the damaged one: {difference}")


def _finished(step: Step, item: TrashItem, folder: int, evidence: dict[str, object]) -> Outcome:
    """Look at what was captured, and let the repair stand or give it back. Raises OSError."""
    ours = _ours(evidence, item)
    if item.sha256() == step.planned.sha256:
        os.fsync(folder)
        os.fsync(item.folder)
        return Outcome(step.id, StepState.DONE, evidence=evidence)
    held = item.identity
    why = "something else was saved at its path meanwhile"
    try:
        if ours is not None and held is not None:
            swap_until_quiet(item, folder, put=ours, held=held)
    except FileNotFoundError:
        state, words = give_back_by_move(item, folder)
        return Outcome(step.id, state, words or why)
    os.fsync(folder)
    os.fsync(item.folder)
    if item.identity != ours or item.sha256() != evidence.get("good_sha256"):
        return Outcome(step.id, StepState.HELD, HELD)
    _clear(item)
    return Outcome(step.id, StepState.REFUSED, why)


def _given_up(step: Step, item: TrashItem, error: Exception) -> Outcome:
    try:
        _clear(item)
    except OSError as problem:
        return _waiting(step, problem)
    return _refused(step, error)


def _waiting(step: Step, error: OSError) -> Outcome:
    """It stays open, and `recovery` goes on with it."""
    return Outcome(step.id, StepState.INTENDED, f"it waits to be looked at ({error.strerror})")


def _clear(item: TrashItem) -> None:
    """Remove our own copy, of which the bytes are where they came from."""
    if item.identity is not None:
        item.remove_file()
    item.remove()


def _ours(evidence: dict[str, object], item: TrashItem) -> tuple[int, int] | None:
    inode = evidence.get("keeper_inode")
    # Device numbers change with the order of mounts; our file is on the device of the trash.
    return (os.fstat(item.folder).st_dev, inode) if isinstance(inode, int) else None


def _refused(step: Step, error: Exception) -> Outcome:
    words = refusal("one of the files", error) if isinstance(error, OSError) else error
    return Outcome(step.id, StepState.REFUSED, str(words))


def _settle(journal: Journal, outcome: Outcome) -> Outcome:
    journal.record([outcome])
    return outcome
