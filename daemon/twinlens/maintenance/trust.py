"""Whether the watched folders can be believed now: what is missing below them may only be away."""

import os
import threading
from collections.abc import Callable, Iterable

from twinlens.model.paths import printable
from twinlens.model.roots import RootRecord, RootState
from twinlens.watch.identity import check_root

PATIENCE_SECONDS = 10.0
"""A share that does not answer for this long is one that hangs."""

Look = Callable[[RootRecord, int], str | None]
"""Says what is wrong with a root below which so many files are known; None where nothing is."""


def look_at(root: RootRecord, known: int) -> str | None:
    """Ask the disk: is it the folder that it was, can it be listed, and is anything in it?"""
    answer: list[str | None] = []

    def ask() -> None:
        health = check_root(root.path, root.identity)
        if health.state is not RootState.ONLINE:
            answer.append(health.detail)
            return
        try:
            with os.scandir(root.path) as entries:
                is_empty = next(entries, None) is None
        except OSError as error:
            answer.append(f"it cannot be listed: {error.strerror}")
            return
        is_odd = is_empty and known > 0
        answer.append(f"it is empty, and {known} files are known below it" if is_odd else None)

    # A share that hangs keeps its thread for good, and must not keep this one.
    thread = threading.Thread(target=ask, name="look-at-root", daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return answer[0] if answer else "it does not answer"


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
