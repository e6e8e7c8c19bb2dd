"""What the file system below a root can do, found out by doing it with files of our own.

What a file system claims is no help: two bind mounts of one disk look alike and nothing can be
linked between them. So each thing is tried in `.twinlens` below the root, and all of it is removed
again. It writes, so it is only asked where the owner has allowed actions.
"""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from twinlens.actions import kernel
from twinlens.actions.folders import OPEN_FOLDER, names_in, opened_folder, opened_root
from twinlens.model.actions import ActionKind

_OWN_FOLDER = b".twinlens"
_OWN_NAMES = frozenset({"exchange", "move", "link", "lease", "share"})
_ABANDONED_SECONDS = 3600.0
_BLOCK = b"twinlens tries what this file system can do\n".ljust(4096, b".")

NEEDED: dict[ActionKind, tuple[str, ...]] = {
    ActionKind.TRASH: ("rename without overwriting", "lease"),
    ActionKind.HARDLINK: ("exchange", "rename without overwriting", "hard link", "lease"),
    ActionKind.REFLINK: ("shared blocks", "lease"),
    ActionKind.REPAIR: ("exchange", "rename without overwriting", "lease"),
}
"""What each kind of action needs; there is no weaker way in place of any of it."""


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether one thing works; `reason` in words where it does not."""

    name: str
    is_there: bool
    reason: str = ""


def probe(root: bytes) -> list[Ability]:
    """Try everything below a root. Raises OSError where nothing can be written there at all."""
    name = b"probe-" + secrets.token_hex(8).encode("ascii")
    with opened_root(root) as top, opened_folder(top, _OWN_FOLDER, made_with_mode=0o700) as own:
        _sweep(own)
        os.mkdir(name, 0o700, dir_fd=own)
        folder = os.open(name, OPEN_FOLDER, dir_fd=own)
        try:
            return [_tried(what, attempt, folder) for what, attempt in _ATTEMPTS]
        finally:
            for left in names_in(folder):
                os.unlink(left, dir_fd=folder)
            os.close(folder)
            os.rmdir(name, dir_fd=own)
            # Where the folder was there for something else, it stays.
            with suppress(OSError):
                os.rmdir(_OWN_FOLDER, dir_fd=top)


def _sweep(own: int) -> None:
    """Remove what a try that was killed has left, once it is old enough to be nobody's."""
    for name in names_in(own):
        if not name.startswith("probe-"):
            continue
        with suppress(OSError):
            if time.time() - os.stat(name, dir_fd=own).st_mtime < _ABANDONED_SECONDS:
                continue
            folder = os.open(name, OPEN_FOLDER, dir_fd=own)
            try:
                for left in names_in(folder):
                    if left.partition("-")[0] in _OWN_NAMES:
                        os.unlink(left, dir_fd=folder)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=own)


def lacking(kind: ActionKind, abilities: list[Ability]) -> list[Ability]:
    """The abilities that a kind of action needs and this root has not."""
    return [one for one in abilities if one.name in NEEDED[kind] and not one.is_there]


def _tried(name: str, attempt: Callable[[int], None], folder: int) -> Ability:
    try:
        attempt(folder)
    except OSError as error:
        return Ability(name, False, error.strerror or str(error))
    return Ability(name, True)


def _written(folder: int, name: bytes) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    os.write(descriptor, _BLOCK)
    os.fsync(descriptor)
    return descriptor


def _exchange(folder: int) -> None:
    for name in (b"exchange-a", b"exchange-b"):
        os.close(_written(folder, name))
    before = os.stat(b"exchange-a", dir_fd=folder).st_ino
    kernel.exchange(folder, b"exchange-a", folder, b"exchange-b")
    if os.stat(b"exchange-b", dir_fd=folder).st_ino != before:
        raise OSError(95, "it says so and does not do it")


def _move(folder: int) -> None:
    for name in (b"move-a", b"move-b"):
        os.close(_written(folder, name))
    kernel.move(folder, b"move-a", folder, b"move-c")
    try:
        kernel.move(folder, b"move-b", folder, b"move-c")
    except FileExistsError:
        return
    raise OSError(95, "it overwrites")


def _hard_link(folder: int) -> None:
    descriptor = _written(folder, b"link-a")
    try:
        kernel.link_open_file(descriptor, folder, b"link-b")
    finally:
        os.close(descriptor)


def _lease(folder: int) -> None:
    os.close(_written(folder, b"lease"))
    descriptor = os.open(b"lease", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        with kernel.Lease(descriptor) as lease:
            # Nobody may be let in to write while it holds.
            with suppress(BlockingIOError):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
                os.close(os.open(b"lease", flags, dir_fd=folder))
            if lease.is_held:
                raise OSError(95, "it is given and does not hold")
    finally:
        os.close(descriptor)


def _shared_blocks(folder: int) -> None:
    one, other = _written(folder, b"share-a"), _written(folder, b"share-b")
    try:
        if kernel.share_blocks(one, other, len(_BLOCK)) != len(_BLOCK):
            raise OSError(95, "equal files are called unequal")
    finally:
        os.close(one)
        os.close(other)


def _nameless_file(folder: int) -> None:
    os.close(os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=folder))


_ATTEMPTS: tuple[tuple[str, Callable[[int], None]], ...] = (
    ("exchange", _exchange),
    ("rename without overwriting", _move),
    ("hard link", _hard_link),
    ("lease", _lease),
    ("shared blocks", _shared_blocks),
    ("nameless file", _nameless_file),
)
