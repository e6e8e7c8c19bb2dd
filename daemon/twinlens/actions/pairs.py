"""The two files of a step, opened and locked: the copy that is acted on and the one that stays.

Everything that makes a step safe is asked here, and of the open files: that they are two files and
not two names of one, that nobody writes to either, that every byte is equal and is what the plan
says. It is asked before anything is changed, and again of what was captured.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from twinlens.actions.attributes import Attributes
from twinlens.actions.contents import compare
from twinlens.actions.folders import OPEN_FILE, opened_folder, opened_root, opens_as, split
from twinlens.actions.kernel import Lease
from twinlens.actions.refusals import Refused, refusal
from twinlens.model.actions import ActionKind, Place, Step


@dataclass(frozen=True, slots=True)
class OpenFile:
    """One of the two: the folder that holds its name, the name, the file, its lease."""

    what: str
    root: int
    folder: int
    name: bytes
    descriptor: int
    status: os.stat_result
    lease: Lease

    @property
    def identity(self) -> tuple[int, int]:
        """(device, inode) of the open file."""
        return self.status.st_dev, self.status.st_ino

    def facts(self) -> dict[str, object]:
        """What the journal keeps of it."""
        return {
            "device": self.status.st_dev,
            "inode": self.status.st_ino,
            "size": self.status.st_size,
            "mtime_ns": self.status.st_mtime_ns,
        }

    def require_unwritten(self) -> None:
        """Raise Refused where somebody has asked to write to it since it was opened."""
        if not self.lease.is_held:
            raise Refused(f"{self.what} is wanted for writing by another program")
        now = os.fstat(self.descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            raise Refused(f"{self.what} was changed meanwhile")

    def require_in_place(self) -> None:
        """Raise Refused where its path leads elsewhere by now."""
        try:
            is_there = opens_as(self.folder, self.name) == self.identity
        except OSError:
            is_there = False
        if not is_there:
            raise Refused(f"{self.what} was moved or replaced meanwhile")


@dataclass(frozen=True, slots=True)
class OpenPair:
    """Both files of a step, while they are open and locked."""

    step: Step
    victim: OpenFile
    keeper: OpenFile

    def verify(self) -> dict[str, object]:
        """Read both from begin to end; returns the evidence, and raises Refused at any doubt."""
        try:
            found = compare(self.victim.descriptor, self.keeper.descriptor)
        except OSError as error:
            raise refusal("one of the two files", error) from error
        wanted = self.step.planned.sha256
        if not found.are_equal:
            raise Refused("the two files are not equal, byte for byte")
        if found.first_sha256 != wanted or found.second_sha256 != wanted:
            raise Refused("the files hold something else than what was planned for")
        # Last: what was read counts only if nobody could write while it was read.
        self.victim.require_unwritten()
        self.keeper.require_unwritten()
        self.keeper.require_in_place()
        return {
            "victim": self.victim.facts(),
            "keeper": self.keeper.facts(),
            "victim_sha256": found.first_sha256,
            "keeper_sha256": found.second_sha256,
            "bytes_are_equal": found.are_equal,
            "were_locked": True,
            "keeper_inode": self.keeper.status.st_ino,
        }

    def require_equal_attributes(self) -> None:
        """Raise Refused where the two could not be one file without a loss."""
        try:
            difference = Attributes.of(self.victim.descriptor).difference(
                Attributes.of(self.keeper.descriptor)
            )
        except OSError as error:
            raise refusal("one of the two files", error) from error
        if difference is not None:
            raise Refused(f"as one file they would share their attributes, but {difference}")


@contextmanager
def opened_pair(step: Step) -> Iterator[OpenPair]:
    """Open and lock both files of a step and check all of it. Raises Refused."""
    planned = step.planned
    with ExitStack() as stack:
        victim = stack.enter_context(_opened(planned.victim, "the copy", on_one_mount=True))
        keeper = stack.enter_context(_opened(planned.keeper, "the kept file", on_one_mount=False))
        pair = OpenPair(step, victim, keeper)
        _require_two_files(pair)
        pair.victim.require_in_place()
        pair.verify()
        yield pair


@contextmanager
def _opened(place: Place, what: str, *, on_one_mount: bool) -> Iterator[OpenFile]:
    with ExitStack() as stack:
        try:
            folder_path, name = split(place.path)
            top = stack.enter_context(opened_root(place.root))
            folder = stack.enter_context(opened_folder(top, folder_path, on_one_mount=on_one_mount))
            descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
            stack.callback(os.close, descriptor)
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Refused(f"{what} is not a regular file")
            lease = stack.enter_context(Lease(descriptor))
        except OSError as error:
            raise refusal(what, error) from error
        yield OpenFile(what, top, folder, name, descriptor, status, lease)


def _require_two_files(pair: OpenPair) -> None:
    planned, victim, keeper = pair.step.planned, pair.victim.status, pair.keeper.status
    if pair.victim.identity == pair.keeper.identity:
        raise Refused("both paths are names of one file: there is nothing to gain")
    if victim.st_size != planned.size or keeper.st_size != planned.size or not planned.size:
        raise Refused("the files have another size than what was planned for")
    if planned.kind is not ActionKind.REFLINK and victim.st_nlink != 1:
        raise Refused("the copy has another name (hard link): nothing would be gained")
    if planned.kind is ActionKind.HARDLINK:
        pair.require_equal_attributes()
