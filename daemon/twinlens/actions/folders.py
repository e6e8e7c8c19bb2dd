"""Reaching a path below a root by open folders, one component at a time.

No component is ever followed through a symbolic link, and none leads to another mount than the
root's: what was opened is what is acted on, however the tree is renamed meanwhile.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def opened_root(root: bytes) -> Iterator[int]:
    """A descriptor of the root's folder. Raises OSError."""
    descriptor = os.open(root, OPEN_FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_folder(
    top: int,
    folder: bytes,
    *,
    made_with_mode: int | None = None,
    is_made_as_its_parent: bool = False,
    on_one_mount: bool = True,
) -> Iterator[int]:
    """A descriptor of a folder by its path below an open one; b"" is that one itself.

    Folders that are missing are made where a mode for them is given, or with the mode of the folder
    above: whoever could reach that one reaches them, whatever the umask of a service is. Raises
    OSError: ELOOP or ENOTDIR for a link on the way, EXDEV for another mount, EINVAL for a path that
    is not plainly relative.
    """
    mount = mount_id(top)
    current = os.dup(top)
    try:
        for part in folder.split(b"/") if folder else ():
            _require_plain(part)
            if made_with_mode is not None or is_made_as_its_parent:
                _make(current, part, made_with_mode)
            inner = os.open(part, OPEN_FOLDER, dir_fd=current)
            os.close(current)
            current = inner
            if on_one_mount and mount_id(current) != mount:
                raise OSError(errno.EXDEV, "another mount begins on the way")
        yield current
    finally:
        os.close(current)


def _make(folder: int, name: bytes, mode: int | None) -> None:
    try:
        os.mkdir(name, 0o700 if mode is None else mode, dir_fd=folder)
    except FileExistsError:
        return
    if mode is None:
        # A file system that keeps no modes, or a service that may not set the group's bit, leaves
        # the folder as it was made.
        with suppress(OSError):
            wanted = stat.S_IMODE(os.fstat(folder).st_mode)
            os.chmod(name, wanted, dir_fd=folder)
    os.fsync(folder)


def split(path: bytes) -> tuple[bytes, bytes]:
    """The folder and the name of a relative path. Raises OSError where it is not plain."""
    folder, _, name = path.rpartition(b"/")
    _require_plain(name)
    return folder, name


def mount_id(descriptor: int) -> int:
    """The kernel's number of the mount behind a descriptor.

    Device numbers would not do: two bind mounts of one file system share theirs, and nothing can
    be linked or renamed between them.
    """
    path = f"/proc/self/fdinfo/{descriptor}"
    with open(path, encoding="ascii") as facts:
        for line in facts:
            key, _, value = line.partition(":")
            if key == "mnt_id":
                return int(value)
    raise OSError(errno.ENOTSUP, "the kernel does not tell mounts apart")


def names_in(folder: int) -> list[str]:
    """The names in an open folder, as it is now."""
    # Opened anew: btrfs lists for a descriptor only what was there when it was opened.
    descriptor = os.open(".", OPEN_FOLDER, dir_fd=folder)
    try:
        return sorted(os.listdir(descriptor))
    finally:
        os.close(descriptor)


def identity_at(folder: int, name: bytes) -> tuple[int, int] | None:
    """(device, inode) of what the name is now, a link itself and not its target; None for none."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def opens_as(folder: int, name: bytes) -> tuple[int, int]:
    """(device, inode) of what is opened by a name now. Raises OSError.

    It is opened and not only looked up: a user-space file system (a pool of disks, sshfs) answers a
    look-up from a memory that is a second old, and an open from what is there.
    """
    descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return status.st_dev, status.st_ino


def _require_plain(part: bytes) -> None:
    if part in (b"", b".", b"..") or b"/" in part or b"\0" in part:
        raise OSError(errno.EINVAL, "not a plain path below a root")
