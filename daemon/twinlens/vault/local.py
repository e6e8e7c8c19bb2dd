"""A vault in a folder.

Everything is reached from one descriptor of that folder, whose marker was read through it: whatever
is mounted or unmounted at its path meanwhile, what is written goes to the vault that was opened.
An object is made under another name, brought to the disk, read back and then renamed; so under its
own name it is whole, or it is not there.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from twinlens.errors import VaultError
from twinlens.model.vault import Listing, Marker, PutHow
from twinlens.vault.contents import CHUNK, digest_of, write_all
from twinlens.vault.making import CREATE, make
from twinlens.vault.marker import from_text, to_text
from twinlens.vault.naming import (
    DAMAGED,
    MARKER,
    QUARANTINE,
    UNFINISHED,
    folders_of,
    is_digest,
    is_folder_of_objects,
    is_stray,
)
from twinlens.vault.protocol import SourceError, WrongBytesError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_NEXT_WAY = frozenset(
    {
        *(errno.ENOTSUP, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EPERM),
        *(errno.EACCES, errno.EMLINK, errno.ENOENT, errno.ETXTBSY),
    }
)
"""A way that cannot be gone for this file; the owner has named the next one."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class LocalVault:
    """The vault in a folder, between `with` and its end. `ways` are tried in order; at least
    `reserve_bytes` stay free on its disk."""

    def __init__(self, place: Path, ways: tuple[PutHow, ...], reserve_bytes: int = 0) -> None:
        self.place = place
        self._ways = ways
        self._reserve = reserve_bytes
        self._top = -1

    def __enter__(self) -> Self:
        try:
            self._top = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise VaultError(
                f"{self.place}: {error.strerror}", "mount it, or make the folder; nothing is lost"
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._top)

    def marker(self) -> Marker | None:
        """See Vault."""
        with self._translated():
            try:
                descriptor = os.open(MARKER, _READ, dir_fd=self._top)
            except FileNotFoundError:
                return None
            with open(descriptor, "rb") as file:
                return from_text(str(self.place), file.read(CHUNK))

    def make_marker(self, marker: Marker) -> None:
        """See Vault."""
        with self._translated():
            there = [name for name in _names(self._top) if name != "lost+found"]
            if there:
                raise VaultError(
                    f"{self.place}: is not empty ({there[0]}), so no vault is made of it",
                    "name an empty folder, or say --adopt where it is a vault already",
                )
            name = f".{MARKER}.{secrets.token_hex(8)}"
            descriptor = os.open(name, CREATE, 0o600, dir_fd=self._top)
            try:
                write_all(descriptor, to_text(marker))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(name, MARKER, src_dir_fd=self._top, dst_dir_fd=self._top)
            os.fsync(self._top)

    def put(self, source: int, sha256: str, size: int) -> PutHow:
        """See Vault."""
        with self._translated(), self._folder(*folders_of(sha256)) as folder:
            self.bring_back(sha256)
            if self._is_sound(folder, sha256):
                return _how_of(source, folder, sha256)
            # A name that stands for other bytes is a damage; it is kept where nobody takes it.
            self.set_aside(sha256)
            self._require_room(size)
            with self._folder(UNFINISHED) as workshop:
                name = f"{os.getpid()}.{secrets.token_hex(8)}"
                try:
                    how = self._make(source, size, workshop, name)
                    if _digest_at(workshop, name) != sha256:
                        raise WrongBytesError("its bytes are not those that were recorded")
                    os.rename(name, sha256, src_dir_fd=workshop, dst_dir_fd=folder)
                    os.fsync(folder)
                finally:
                    with suppress(OSError):
                        os.unlink(name, dir_fd=workshop)
            return how

    def open(self, sha256: str) -> BinaryIO:
        """See Vault."""
        away = folders_of(sha256)
        with self._translated(absence=True), self._folder(*away, make=False) as folder:
            return open(os.open(sha256, _READ, dir_fd=folder), "rb")

    def size_of(self, sha256: str) -> int | None:
        """See Vault."""
        away = folders_of(sha256)
        try:
            with self._translated(absence=True), self._folder(*away, make=False) as folder:
                status = os.stat(sha256, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def listing(self, part: str) -> Listing:
        """See Vault."""
        objects: dict[str, int] = {}
        strays = self._strange_names(part)
        with self._translated():
            for outer in self._names_in():
                if not (is_folder_of_objects(outer) and outer.startswith(part)):
                    continue
                for inner in self._names_in(outer, strays=strays):
                    for name in self._names_in(outer, inner, strays=strays):
                        is_named_so = is_digest(name) and folders_of(name) == (outer, inner)
                        size = self.size_of(name) if is_named_so else None
                        if size is not None:
                            objects[name] = size
                        else:
                            strays.append(f"{outer}/{inner}/{name}")
            away = [n for n in self._names_in(QUARANTINE) if is_digest(n) and n.startswith(part)]
        return Listing(objects, frozenset(away), tuple(strays))

    def quarantine(self, sha256: str) -> None:
        """See Vault."""
        self._move(folders_of(sha256), sha256, (QUARANTINE,), sha256)

    def bring_back(self, sha256: str) -> None:
        """See Vault."""
        if self.size_of(sha256) is None:
            self._move((QUARANTINE,), sha256, folders_of(sha256), sha256)

    def discard(self, sha256: str) -> None:
        """See Vault."""
        folders_of(sha256)
        with (
            suppress(FileNotFoundError),
            self._translated(absence=True),
            self._folder(QUARANTINE, make=False) as folder,
        ):
            os.unlink(sha256, dir_fd=folder)
            os.fsync(folder)

    def set_aside(self, sha256: str) -> None:
        """See Vault."""
        name = f"{sha256}.{secrets.token_hex(4)}"
        self._move(folders_of(sha256), sha256, (DAMAGED,), name)

    def tidy(self) -> int:
        """See Vault. Names begin with the process that made them; a process that lives may still
        be at it."""
        removed = 0
        with self._translated():
            for name in self._names_in(UNFINISHED):
                maker = name.partition(".")[0]
                if maker.isdecimal() and Path(f"/proc/{maker}").exists():
                    continue
                with self._folder(UNFINISHED) as workshop:
                    os.unlink(name, dir_fd=workshop)
                removed += 1
        return removed

    def _make(self, source: int, size: int, workshop: int, name: str) -> PutHow:
        """Make the new object by the first way that can be gone, and bring it to the disk."""
        for way in self._ways:
            try:
                make(way, source, size, workshop, name)
            except SourceError:
                raise
            except OSError as error:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=workshop)
                if error.errno not in _NEXT_WAY or way is PutHow.COPY:
                    raise
                continue
            return way
        raise VaultError(
            f"{self.place}: none of the ways in vault.how can be gone here",
            'add "copy" to vault.how',
        )

    def _is_sound(self, folder: int, sha256: str) -> bool:
        """Whether the object is there and is what its name says; then it is on the disk, too."""
        try:
            descriptor = os.open(sha256, _READ, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.EIO):
                return False
            raise
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return False
            os.fsync(descriptor)
            os.fsync(folder)
            return _digest_at(folder, sha256) == sha256
        except OSError as error:
            if error.errno == errno.EIO:
                return False
            raise
        finally:
            os.close(descriptor)

    def _require_room(self, size: int) -> None:
        there = os.fstatvfs(self._top)
        if there.f_bavail * there.f_frsize < size + self._reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _move(self, away: tuple[str, ...], name: str, to: tuple[str, ...], to_name: str) -> None:
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            self._translated(absence=True),
            self._folder(*away, make=False) as source,
        ):
            # Asked first, so that no folder is made for nothing.
            os.stat(name, dir_fd=source, follow_symlinks=False)
            with self._folder(*to) as target:
                os.rename(name, to_name, src_dir_fd=source, dst_dir_fd=target)
                os.fsync(target)
                os.fsync(source)

    def _strange_names(self, part: str) -> list[str]:
        with self._translated():
            return [n for n in _names(self._top) if is_stray(n, part) and n != "lost+found"]

    def _names_in(self, *folders: str, strays: list[str] | None = None) -> list[str]:
        """The names in a folder of the vault; none where there is none. `strays` hears of what
        stands there and is no folder."""
        try:
            with self._folder(*folders, make=False) as folder:
                return _names(folder)
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            if strays is not None:
                strays.append("/".join(folders))
            return []

    @contextmanager
    def _folder(self, *parts: str, make: bool = True) -> Iterator[int]:
        current = os.dup(self._top)
        try:
            for part in parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=current)
                        os.fsync(current)
                inner = os.open(part, _FOLDER, dir_fd=current)
                os.close(current)
                current = inner
            yield current
        finally:
            os.close(current)

    @contextmanager
    def _translated(self, *, absence: bool = False) -> Iterator[None]:
        """Errors of the system as VaultError; with `absence`, what is not there is not one."""
        try:
            yield
        except SourceError:
            raise
        except OSError as error:
            if absence and error.errno in (errno.ENOENT, errno.ENOTDIR):
                raise
            words = f"{self.place}: {error.strerror or error}"
            if error.errno in _FULL:
                raise VaultError(
                    words, "make room there, or leave less free (vault.reserve_mib)"
                ) from error
            raise VaultError(words, "look at the disk that holds the vault") from error


def _names(folder: int) -> list[str]:
    # Opened anew: btrfs lists for a descriptor only what was there when it was opened.
    descriptor = os.open(".", _FOLDER, dir_fd=folder)
    try:
        return sorted(os.listdir(descriptor))
    finally:
        os.close(descriptor)


def _digest_at(folder: int, name: str) -> str:
    """What the disk gives, and not what memory still holds of it."""
    descriptor = os.open(name, _READ, dir_fd=folder)
    with open(descriptor, "rb", buffering=0) as file:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        found = digest_of(file.read)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return found


def _how_of(source: int, folder: int, name: str) -> PutHow:
    mine, there = os.fstat(source), os.stat(name, dir_fd=folder, follow_symlinks=False)
    is_one = (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
    return PutHow.HARDLINK if is_one else PutHow.FOUND
