"""Whether the watched folders can be believed now: what is missing below them may only be away."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from twinlens.model.paths import printable
from twinlens.model.roots import RootRecord, RootState
from twinlens.watch.identity import check_root
from twinlens.watch.ignore import IgnoreList

PATIENCE_SECONDS = 10.0
"""A share that does not answer for this long is one that hangs."""

Look = Callable[[RootRecord, int], str | None]
"""Says what is wrong with a root below which so many files are known; None where nothing is."""

Result = TypeVar("Result")


def look_at(root: RootRecord, known: int) -> str | None:
    """Ask the disk: is it the folder that it was, can it be listed, and is anything in it?"""

    def ask() -> str | None:
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

    late: str | None = "it does not answer"
    return patiently(ask, PATIENCE_SECONDS, late)


def _is_junk(junk: IgnoreList, entry: os.DirEntry[bytes]) -> bool:
    """Whether it is what an empty disk, a NAS or our own trash leaves in a folder."""
    is_directory = entry.is_dir(follow_symlinks=False)
    return junk.reason(entry.name, is_directory=is_directory) is not None


def patiently(ask: Callable[[], Result], seconds: float, late: Result) -> Result:
    """Ask a disk something that may never be answered; `late` where it takes too long."""
    answer: list[Result] = []
    # A share that hangs keeps its thread for good, and must not keep this one.
    thread = threading.Thread(target=lambda: answer.append(ask()), name="ask-disk", daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0] if answer else late


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
