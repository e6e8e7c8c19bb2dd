"""Walking a root: every regular file with its `lstat`, one listing a folder.

This is the truth that events only hint at. An error is reported as an error and never as an
absence. No link is followed; pipes, sockets and devices are counted and never opened.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from twinlens.model.files import Stat
from twinlens.watch.descent import Descent
from twinlens.watch.ignore import IgnoreList

_ASK_EVERY = 1024


Entry = tuple[bytes, Stat]
"""One regular file: its name, and what `lstat` said of it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder of a walk; entries are sorted by name.

    With an `error` the entries are what could be read, and what is missing from them is unknown.
    `skipped` counts what was left out: ignored, links, special files. `device` is 0 where the
    folder could not be opened.
    """

    directory: bytes
    entries: Sequence[Entry]
    error: str | None
    skipped: int
    device: int


@dataclass(slots=True)
class _Contents:
    """What one pass over a folder gave."""

    entries: list[Entry]
    folders: list[bytes]
    skipped: int = 0
    error: str | None = None
    is_stopped: bool = False


def _never() -> bool:
    return False


def walk(
    root: bytes,
    ignore: IgnoreList,
    *,
    under: bytes | None = None,
    is_stopped: Callable[[], bool] = _never,
) -> Iterator[Listing]:
    """List a root, or the folder `under` below it (absolute), folder by folder, parents first.

    Order is by name, whatever the disk's. Memory is that of one folder and the names of the
    folders still to visit. Other mounts below the root are entered. `is_stopped` is asked
    between folders and within large ones; a walk that was stopped simply ends, so only a walk that
    was not is complete. An ignored `under` gives nothing. Raises ValueError where `under` is not
    below the root.
    """
    root = root.rstrip(b"/") or b"/"
    steps = _steps(root, under)
    if steps and ignore.reason(b"/".join(steps), is_directory=True) is not None:
        return
    path = root
    descent: Descent | None = None
    try:
        descent = Descent(root)
        for step in steps:
            path = _join(path, step)
            descent.enter(step)
    except OSError as error:
        if descent is not None:
            descent.close()
        yield Listing(path, (), _words(error), 0, 0)
        return
    try:
        yield from _descend(descent, path, len(root.rstrip(b"/")) + 1, ignore, is_stopped)
    finally:
        descent.close()


def _descend(
    descent: Descent,
    top: bytes,
    relative_from: int,
    ignore: IgnoreList,
    is_stopped: Callable[[], bool],
) -> Iterator[Listing]:
    """Visit everything from where the descent stands; `waiting` holds siblings, last first."""
    path = top
    waiting: list[tuple[bytes, list[bytes]]] = []
    is_entered = True
    while not is_stopped():
        if is_entered:
            contents = _read(descent, path, relative_from, ignore, is_stopped)
            if contents.is_stopped:
                return
            yield Listing(path, contents.entries, contents.error, contents.skipped, descent.device)
            waiting.append((path, contents.folders))
        while waiting and not waiting[-1][1]:
            waiting.pop()
            descent.leave()
        if not waiting:
            return
        parent, names = waiting[-1]
        name = names.pop()
        path = _join(parent, name)
        try:
            descent.enter(name)
            is_entered = True
        except OSError as error:
            is_entered = False
            yield Listing(path, (), _words(error), 0, 0)


def _read(
    descent: Descent,
    path: bytes,
    relative_from: int,
    ignore: IgnoreList,
    is_stopped: Callable[[], bool],
) -> _Contents:
    """Read one folder; files are asked in order of inode, which spares a disk its seeks."""
    contents = _Contents([], [])
    # Numbers and names only: an entry of `scandir` keeps its whole `stat` once it was asked.
    files: list[tuple[int, str]] = []
    encoding = sys.getfilesystemencoding()
    relative_prefix = (path.rstrip(b"/") + b"/")[relative_from:]
    judge = ignore.reason_in_taken_folder
    try:
        with os.scandir(descent.descriptor()) as found:
            for position, entry in enumerate(found):
                if position % _ASK_EVERY == _ASK_EVERY - 1 and is_stopped():
                    contents.is_stopped = True
                    return contents
                name = entry.name.encode(encoding, "surrogateescape")
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    is_file = not is_folder and entry.is_file(follow_symlinks=False)
                except OSError as error:
                    contents.error = f"{_words(error)} (an entry of it)"
                    continue
                if not (is_folder or is_file) or judge(
                    relative_prefix + name, is_directory=is_folder
                ):
                    contents.skipped += 1
                elif is_folder:
                    contents.folders.append(name)
                else:
                    files.append((entry.inode(), entry.name))
    except OSError as error:
        contents.error = _words(error)
    if files:
        files.sort()
        _take(files, descent.descriptor(), contents, is_stopped)
    # No two names of a folder are equal: the order is never asked of what stands beside them.
    contents.entries.sort()
    contents.folders.sort(reverse=True)
    return contents


def _take(
    files: list[tuple[int, str]],
    descriptor: int,
    contents: _Contents,
    is_stopped: Callable[[], bool],
) -> None:
    take = contents.entries.append
    encoding = sys.getfilesystemencoding()
    for position, (_, name) in enumerate(files):
        if position % _ASK_EVERY == _ASK_EVERY - 1 and is_stopped():
            contents.is_stopped = True
            return
        try:
            found = os.lstat(name, dir_fd=descriptor)
        except FileNotFoundError:
            continue
        except OSError as error:
            contents.error = f"{_words(error)} (an entry of it)"
            continue
        if stat.S_ISREG(found.st_mode):
            take((name.encode(encoding, "surrogateescape"), Stat.of(found)))
        else:
            contents.skipped += 1


def _steps(root: bytes, under: bytes | None) -> list[bytes]:
    if under is None:
        return []
    top = root.rstrip(b"/") + b"/"
    wanted = under.rstrip(b"/") + b"/"
    if not wanted.startswith(top):
        raise ValueError(f"{os.fsdecode(under)} is not below {os.fsdecode(root)}")
    steps = [step for step in wanted[len(top) :].split(b"/") if step not in (b"", b".")]
    if b".." in steps:
        raise ValueError(f"{os.fsdecode(under)} is not a plain path")
    return steps


def _join(folder: bytes, name: bytes) -> bytes:
    return (b"" if folder == b"/" else folder) + b"/" + name


def _words(error: OSError) -> str:
    return error.strerror or str(error)
