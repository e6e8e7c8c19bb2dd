"""The file that a path on the command line names, or in words why there is none."""

import os
from collections.abc import Callable
from pathlib import Path

from twinlens.errors import UsageError
from twinlens.model.paths import printable, relative_to
from twinlens.model.views import FileView
from twinlens.store import listing, work_items
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
    shown = printable(path)
    if os.path.isdir(path):
        return f"it is a folder: {shown}", "name a file; `twinlens scan FOLDER` looks at a folder"
    if not os.path.lexists(path):
        return f"there is no such file: {shown}", "`twinlens files` lists what is known"
    if os.path.islink(path):
        return f"it is a symbolic link, and links are not followed: {shown}", "name its target"
    reason = ignored(path)
    if reason is not None:
        return f"it is not looked at ({reason}): {shown}", "see include and exclude in the config"
    queued = _queued(path)
    if queued is not None:
        return f"it waits to be looked at ({queued}): {shown}", "ask again in a moment"
    return (
        f"nothing is known of it yet: {shown}",
        "is it below a watched folder? `twinlens status` names them; `twinlens scan` looks now",
    )


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
