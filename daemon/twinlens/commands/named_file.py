"""The file that a path on the command line names, or in words why there is none."""

import os
from collections.abc import Callable
from pathlib import Path

from twinlens.errors import UsageError
from twinlens.model.paths import printable
from twinlens.model.views import FileView
from twinlens.store import listing

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
    return (
        f"nothing is known of it yet: {shown}",
        "is it below a watched folder? `twinlens status` names them; `twinlens scan` looks now",
    )
