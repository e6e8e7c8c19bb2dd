"""The trash of a root: one folder an item, on the mount of the root, with a note beside it.

    ROOT/.twinlens/trash/TOKEN.json   what it is, where it was, its SHA-256
    ROOT/.twinlens/trash/TOKEN/NAME   the file itself, under its own name

The note is on the disk before anything is moved, so an item can be given back by hand where the
database is lost. Nothing is ever copied into the trash: what cannot be renamed is not taken.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from twinlens.actions.contents import digest
from twinlens.actions.folders import (
    OPEN_FILE,
    OPEN_FOLDER,
    identity_at,
    names_in,
    opened_folder,
    opened_root,
)
from twinlens.actions.refusals import refusal

OWN_FOLDER = b".twinlens"
TRASH = OWN_FOLDER + b"/trash"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_NOTE = 1 << 20


@dataclass(frozen=True, slots=True)
class TrashItem:
    """An item that is open: the trash, the item's own folder, and the name of the file in it."""

    trash: int
    folder: int
    token: str
    name: bytes

    @property
    def identity(self) -> tuple[int, int] | None:
        """(device, inode) of what lies in it; None where nothing does."""
        return identity_at(self.folder, self.name)

    def open_file(self) -> int:
        """A descriptor of the file in it, for reading. Raises OSError."""
        return os.open(self.name, OPEN_FILE, dir_fd=self.folder)

    def sha256(self) -> str | None:
        """The SHA-256 (hex) of the file in it, read now; None where it cannot be read."""
        try:
            descriptor = self.open_file()
        except OSError:
            return None
        try:
            return digest(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def remove_link(self, identity: tuple[int, int]) -> bool:
        """Remove a name of our own making from it: never the last one, and no other's.

        Returns whether it did. Raises OSError.
        """
        status = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        if (status.st_dev, status.st_ino) != identity or status.st_nlink < 2:
            return False
        os.unlink(self.name, dir_fd=self.folder)
        return True

    def remove_file(self) -> None:
        """Remove the file in it for good. Whoever calls has verified that it may go."""
        os.unlink(self.name, dir_fd=self.folder)
        os.fsync(self.folder)

    def remove(self) -> None:
        """Remove the item and its note, if it is empty."""
        if names_in(self.folder):
            return
        # The folder last: as long as it stands, a crash leaves an item that is found again.
        with suppress(FileNotFoundError):
            os.unlink(f"{self.token}.json", dir_fd=self.trash)
        with suppress(FileNotFoundError):
            os.rmdir(self.token, dir_fd=self.trash)
        os.fsync(self.trash)


@contextmanager
def new_item(top: int, token: str, name: bytes, note: dict[str, object]) -> Iterator[TrashItem]:
    """Make an item below an open root, its note on the disk first. Raises Refused."""
    with ExitStack() as stack:
        try:
            trash = stack.enter_context(opened_folder(top, TRASH, made_with_mode=0o700))
            folder = _make(trash, token, note)
        except OSError as error:
            raise refusal("the trash of this root", error) from error
        stack.callback(os.close, folder)
        yield TrashItem(trash, folder, token, name)


@contextmanager
def existing_item(root: bytes, token: str, name: bytes) -> Iterator[tuple[int, TrashItem | None]]:
    """The open root, and the item; None where there is none of this token. Raises OSError."""
    with ExitStack() as stack:
        top = stack.enter_context(opened_root(root))
        try:
            trash = stack.enter_context(opened_folder(top, TRASH))
            folder = os.open(token, OPEN_FOLDER, dir_fd=trash)
        except FileNotFoundError:
            yield top, None
            return
        stack.callback(os.close, folder)
        yield top, TrashItem(trash, folder, token, name)


def notes(root: bytes) -> list[dict[str, Any]]:
    """Every note of a root's trash that can be read, by token. Reads only; raises OSError."""
    found = []
    with opened_root(root) as top:
        try:
            with opened_folder(top, TRASH) as trash:
                for name in names_in(trash):
                    note = _read_note(trash, name) if name.endswith(".json") else None
                    if note is not None:
                        found.append(note | {"token": name.removesuffix(".json")})
        except FileNotFoundError:
            return []
    return found


def _make(trash: int, token: str, note: dict[str, object]) -> int:
    """Make an item's folder and note; returns the folder's descriptor. Raises OSError."""
    try:
        os.mkdir(token, 0o700, dir_fd=trash)
        _write_note(trash, token, note)
        os.fsync(trash)
        return os.open(token, OPEN_FOLDER, dir_fd=trash)
    except OSError:
        # Nothing was put into it yet.
        with suppress(OSError):
            os.unlink(f"{token}.json", dir_fd=trash)
        with suppress(OSError):
            os.rmdir(token, dir_fd=trash)
        raise


def _write_note(trash: int, token: str, note: dict[str, object]) -> None:
    descriptor = os.open(f"{token}.json", _CREATE, 0o600, dir_fd=trash)
    try:
        left = json.dumps(note, indent=1).encode("ascii")
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_note(trash: int, name: str) -> dict[str, Any] | None:
    try:
        descriptor = os.open(name, OPEN_FILE, dir_fd=trash)
    except OSError:
        return None
    try:
        note = json.loads(os.pread(descriptor, _LONGEST_NOTE, 0))
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return note if isinstance(note, dict) else None
