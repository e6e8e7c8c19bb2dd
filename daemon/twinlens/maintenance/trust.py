"""Whether the watched folders can be believed now: what is missing below them may only be away."""

import os
from collections.abc import Callable, Iterable

from twinlens.model.paths import printable
from twinlens.model.roots import RootRecord, RootState
from twinlens.questions import NO_ANSWER, PATIENCE_SECONDS, Questions
from twinlens.watch.identity import check_root
from twinlens.watch.ignore import IgnoreList

Look = Callable[[RootRecord, int], str | None]
"""Says what is wrong with a root below which so many files are known; None where nothing is."""


def look_at(root: RootRecord, known: int, questions: Questions | None = None) -> str | None:
    """Ask the disk, patiently; `questions` are those that the roots are being asked already."""
    asked = questions or Questions()
    return asked.ask(root.path, lambda: doubt_about(root, known), PATIENCE_SECONDS, NO_ANSWER)


def doubt_about(root: RootRecord, known: int) -> str | None:
    """Ask the disk: is it the folder that it was, can it be listed, and is anything in it? It may
    hang as long as the share does."""
    health = check_root(root.path, root.identity)
    if health.state is not RootState.ONLINE:
        return health.detail
    try:
        junk = IgnoreList((), ())
        with os.scandir(root.path) as entries:
            is_empty = all(_is_junk(junk, entry) for entry in entries)
    except OSError as error:
        return f"it cannot be listed: {error.strerror}"
    is_odd = is_empty and known > 0
    return f"it is empty, and {known} files are known below it" if is_odd else None


def _is_junk(junk: IgnoreList, entry: os.DirEntry[bytes]) -> bool:
    """Whether it is what an empty disk, a NAS or our own trash leaves in a folder."""
    is_directory = entry.is_dir(follow_symlinks=False)
    return junk.reason(entry.name, is_directory=is_directory) is not None


def in_doubt(roots: Iterable[tuple[RootRecord, int]], look: Look) -> tuple[str, ...]:
    """The roots that cannot be believed, and why: by what is recorded, else by what the disk says.

    Each comes with the number of files that are known below it.
    """
    found = []
    for root, known in roots:
        is_online = root.state is RootState.ONLINE
        reason = look(root, known) if is_online else root.detail
        if reason is not None or not is_online:
            found.append(f"{printable(root.path)}: {reason}")
    return tuple(found)
