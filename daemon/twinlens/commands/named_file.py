"""The file that a path on the command line names, or in words why there is none."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from twinlens.errors import UsageError
from twinlens.model.paths import printable, relative_to
from twinlens.model.roots import UnreadFolder
from twinlens.model.views import FileView
from twinlens.store import jobs as jobs_store
from twinlens.store import listing, unread_folders, work_items
from twinlens.store import roots as roots_store

Ignored = Callable[[bytes], str | None]
"""Tells whose junk a path is, where it is not looked at."""


def absolute(path: str) -> bytes:
    """The path as it is typed, from the current folder; links are not followed."""
    return os.fsencode(os.path.normpath(Path.cwd() / path))


def named_file(path: bytes, ignored: Ignored) -> FileView:
    """The file at an absolute path, gone or not. Inside a connection; UsageError where nothing is
    known of it."""
    view = listing.file_at(path)
    if view is None:
        # The folder may have been reached through a link; the file itself is never one.
        folder, name = os.path.split(path)
        view = listing.file_at(os.path.join(os.path.realpath(folder), name))
    if view is None:
        raise UsageError(*_unknown(path, ignored))
    return view


def _unknown(path: bytes, ignored: Ignored) -> tuple[str, str]:
    """Why nothing is known of a path, and what to do."""
    what, advice = _as_it_lies(path) or _as_it_is_taken(path, ignored)
    return f"{what}: {printable(path)}", advice


def _as_it_lies(path: bytes) -> tuple[str, str] | None:
    """The reason that lies on the disk, and what to do; None where there is a plain file."""
    unread = unread_around(path)
    if unread is not None:
        where = f"{printable(unread.path)} ({unread.reason})"
        return f"the last scan could not read {where}", "`twinlens doctor` says what to do"
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "there is no such file", "`twinlens files` lists what is known"
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})", "who may read its folder?"
    if stat.S_ISDIR(mode):
        return "it is a folder", "name a file; `twinlens scan FOLDER` looks at a folder"
    if stat.S_ISLNK(mode):
        return "it is a symbolic link, and links are not followed", "name its target"
    return None


def _as_it_is_taken(path: bytes, ignored: Ignored) -> tuple[str, str]:
    """Why nothing is known of a file that is there, and what to do."""
    reason = ignored(path)
    if reason is not None:
        return f"it is not looked at ({reason})", "see include and exclude in the config"
    if not any(relative_to(root.path, path) for root in roots_store.active()):
        return "it is below none of the watched folders", "`twinlens status` names them"
    queued = _queued(path)
    if queued is not None:
        return f"it waits to be looked at ({queued})", "ask again in a moment"
    if any(job.name == "scan" for job in jobs_store.unfinished()):
        words = "it was not read yet; a scan that is under way, or waits, has still to come to it"
        return words, "`twinlens jobs list` says how far the scan is"
    return "nothing is known of it yet", "`twinlens scan` looks now"


def unread_around(path: bytes) -> UnreadFolder | None:
    """The folder that the last scan could not read, where an absolute path lies in one or is one.
    Inside a connection."""
    for root in roots_store.active():
        relative = relative_to(root.path, path)
        if relative is not None:
            return unread_folders.around(root.id, relative)
    return None


def _queued(path: bytes) -> str | None:
    """How a path fares that is known to the queue alone."""
    for root in roots_store.active():
        relative = relative_to(root.path, path)
        found = work_items.waiting(root.id, relative) if relative else None
        if found is not None:
            item, state, error = found
            tried = f"{state.value}, {item.attempts} tries failed"
            return f"{tried}, the last one: {error}" if error else tried
    return None
