"""How a copy is taken from its path, and given back: one class for each kind of action.

Nothing is looked at and then changed, because between the two the owner may save a new picture at
that path. It is the other way round: one call of the kernel captures whatever is at the path, and
what was captured is looked at then. If it is not what was expected, it goes back.

For the trash the capture is a rename that never overwrites; there is no placeholder at the path
that would have to be removed afterwards, and that somebody could have replaced. For a hard link it
is an exchange: the path is never missing. Blocks are shared by the kernel, which compares
under its own lock, so that nothing is captured.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from twinlens.actions import kernel
from twinlens.actions.attributes import Attributes
from twinlens.actions.folders import identity_at
from twinlens.actions.pairs import OpenPair
from twinlens.actions.refusals import Refused, refusal
from twinlens.actions.trash_items import TrashItem, new_item
from twinlens.model.actions import ActionKind, Step, StepState
from twinlens.model.paths import to_text

HELD = (
    "something else was saved at its path meanwhile; what had been there before is in the trash, "
    "untouched"
)

WRITTEN = (
    "somebody saves at its path, which is a link to the kept file already; what had been there "
    "before is in the trash, untouched"
)

LAST_NAME = "the kept file was deleted meanwhile; its last name is in the trash, untouched"


class Capture(Protocol):
    """One step under way. `take` raises Refused with nothing changed; after it, `check` or
    `give_back`. `prepare` may be followed by `give_back` at once."""

    def prepare(self) -> None:
        """Make room for what will be captured."""

    def take(self) -> None:
        """Change what is at the path: the one instant that counts."""

    def check(self) -> dict[str, object]:
        """Verify what was captured, and make it last; returns the evidence or raises Refused."""

    def give_back(self) -> tuple[StepState, str]:
        """Undo what was done so far; returns the state it is left in, and why in words."""


def capture_of(pair: OpenPair, stack: ExitStack) -> Capture:
    """The capture for a step's kind; what it opens is closed with the stack."""
    if pair.step.planned.kind is ActionKind.TRASH:
        return _ToTrash(pair, stack)
    if pair.step.planned.kind is ActionKind.HARDLINK:
        return _ToLink(pair, stack)
    return _ToSharedBlocks(pair)


def note_of(step: Step) -> dict[str, object]:
    """What is written beside an item of the trash."""
    return {
        "path": to_text(step.planned.victim.path),
        "root": to_text(step.planned.victim.root),
        "kind": step.planned.kind.value,
        "sha256": step.planned.sha256,
        "size": step.planned.size,
        "kept": to_text(step.planned.keeper.absolute),
        "action": step.action_id,
        "step": step.planned.number,
    }


class _ToTrash:
    def __init__(self, pair: OpenPair, stack: ExitStack) -> None:
        self._pair = pair
        self._stack = stack
        self._item: TrashItem | None = None

    def prepare(self) -> None:
        self._item = _new_item(self._pair, self._stack)

    def take(self) -> None:
        victim, item = self._pair.victim, _required(self._item)
        try:
            kernel.move(victim.folder, victim.name, item.folder, item.name)
        except OSError as error:
            raise refusal("the copy", error) from error

    def check(self) -> dict[str, object]:
        return _check_captured(self._pair, _required(self._item))

    def give_back(self) -> tuple[StepState, str]:
        if self._item is None:
            return StepState.REFUSED, ""
        return give_back_by_move(self._item, self._pair.victim.folder)


class _ToLink:
    def __init__(self, pair: OpenPair, stack: ExitStack) -> None:
        self._pair = pair
        self._stack = stack
        self._item: TrashItem | None = None

    def prepare(self) -> None:
        keeper = self._pair.keeper
        self._item = item = _new_item(self._pair, self._stack)
        try:
            kernel.link_open_file(keeper.descriptor, item.folder, item.name)
            os.fsync(item.folder)
        except OSError as error:
            raise refusal("the kept file", error) from error
        if item.identity != keeper.identity:
            raise Refused("the new name does not lead to the kept file")

    def take(self) -> None:
        victim, item = self._pair.victim, _required(self._item)
        # Who waits to write by now came before the link was there: nothing has to be untangled.
        victim.require_unwritten()
        self._pair.keeper.require_unwritten()
        try:
            kernel.exchange(item.folder, item.name, victim.folder, victim.name)
        except OSError as error:
            raise refusal("the copy", error) from error

    def check(self) -> dict[str, object]:
        evidence = _check_captured(self._pair, _required(self._item))
        # A lease stops who writes, not who changes a mode.
        self._pair.require_equal_attributes()
        return evidence

    def give_back(self) -> tuple[StepState, str]:
        if self._item is None:
            return StepState.REFUSED, ""
        keeper = self._pair.keeper
        return give_back_by_exchange(
            self._item, self._pair.victim.folder, keeper.identity, lambda: keeper.lease.is_held
        )


class _ToSharedBlocks:
    def __init__(self, pair: OpenPair) -> None:
        self._pair = pair
        self._before: Attributes | None = None

    def prepare(self) -> None:
        if kernel.is_read_only(self._pair.victim.descriptor):
            raise Refused("the copy lies in a file system or a snapshot that is read-only")
        try:
            self._before = Attributes.of(self._pair.victim.descriptor)
        except OSError as error:
            raise refusal("the copy", error) from error

    def take(self) -> None:
        pair = self._pair
        try:
            shared = kernel.share_blocks(
                pair.keeper.descriptor, pair.victim.descriptor, pair.victim.status.st_size
            )
        except OSError as error:
            if kernel.is_unsupported(error):
                raise Refused("this file system cannot share blocks between files") from error
            raise refusal("one of the two files", error) from error
        if shared != pair.victim.status.st_size:
            raise Refused("the kernel found the two files unequal")

    def check(self) -> dict[str, object]:
        pair = self._pair
        evidence = pair.verify()
        pair.victim.require_in_place()
        if self._before is None or self._before.difference(Attributes.of(pair.victim.descriptor)):
            raise Refused("the attributes of the copy changed meanwhile")
        os.fsync(pair.victim.descriptor)
        return evidence

    def give_back(self) -> tuple[StepState, str]:
        return StepState.REFUSED, ""


def give_back_by_move(item: TrashItem, folder: int) -> tuple[StepState, str]:
    """Move what an item holds back to its path, never over anything. Raises OSError."""
    if item.identity is not None:
        try:
            kernel.move(item.folder, item.name, folder, item.name)
        except FileExistsError:
            return StepState.HELD, HELD
        os.fsync(folder)
        os.fsync(item.folder)
    item.remove()
    return StepState.REFUSED, ""


def give_back_by_exchange(
    item: TrashItem, folder: int, link: tuple[int, int], is_quiet: Callable[[], bool]
) -> tuple[StepState, str]:
    """Swap what an item holds with our own link at the path; `link` is the link's identity.

    Unless `is_quiet` the link stays: somebody saves through it, by this path. Raises OSError.
    """
    held = item.identity
    if held is not None and held != link:
        if identity_at(folder, item.name) == link and not is_quiet():
            return StepState.HELD, WRITTEN
        try:
            last_put = swap_until_quiet(item, folder, put=link, held=held)
        except FileNotFoundError:
            return StepState.HELD, HELD
        os.fsync(folder)
        os.fsync(item.folder)
        if last_put != link:
            return StepState.HELD, HELD
        if not is_quiet():
            # It began between the question and the swap, and waits for our lock still.
            swap_until_quiet(item, folder, put=held, held=link)
            return StepState.HELD, WRITTEN
    if item.identity is not None:
        item.remove_link(link)
    if item.identity is not None:
        return StepState.HELD, LAST_NAME
    item.remove()
    return StepState.REFUSED, ""


def swap_until_quiet(
    item: TrashItem, folder: int, *, put: tuple[int, int], held: tuple[int, int]
) -> tuple[int, int]:
    """Put what an item holds to its path, in exchange for what we have put there before.

    `put` and `held` are identities. Whoever replaces the path between two of our swaps has saved
    something newer than what we hold: it comes out, and goes back to the path at once, until
    nothing newer comes out. Returns the identity of what lies in the item then: what the owner has
    overwritten, where it is not `put`. Raises OSError: FileNotFoundError where the path is empty.
    """
    while True:
        kernel.exchange(item.folder, item.name, folder, item.name)
        came = item.identity
        if came is None or came == put:
            return put
        put, held = held, came


def _check_captured(pair: OpenPair, item: TrashItem) -> dict[str, object]:
    if item.identity != pair.victim.identity:
        raise Refused("something else was saved at its path meanwhile")
    evidence = pair.verify()
    try:
        os.fsync(item.folder)
        os.fsync(pair.victim.folder)
    except OSError as error:
        raise refusal("the folder", error) from error
    return evidence


def _new_item(pair: OpenPair, stack: ExitStack) -> TrashItem:
    step = pair.step
    note = note_of(step)
    return stack.enter_context(new_item(pair.victim.root, step.token, pair.victim.name, note))


def _required(item: TrashItem | None) -> TrashItem:
    if item is None:
        raise RuntimeError("nothing was prepared")
    return item
