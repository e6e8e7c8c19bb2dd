"""The hard link that an action has put at a path: whether it may be taken away again.

Whoever saves in place by that path writes into the kept file. If the link were swapped back at that
moment, the save would be found at the kept file's path and not where it was made. So the link is
locked first, and stays where anybody has written through it, or waits to.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack

from twinlens.actions.folders import OPEN_FILE, identity_at
from twinlens.actions.kernel import Lease


def watch_link(
    folder: int, name: bytes, link: tuple[int, int], before: object, stack: ExitStack
) -> Callable[[], bool] | None:
    """Lock the link at a path until the stack ends; None where something else is at the path.

    `link` is its identity, `before` what was told of the kept file when it was verified (`size`,
    `mtime_ns`). What comes back says whether nobody has written through the link, nor wants to.
    """
    if identity_at(folder, name) != link:
        return None
    try:
        descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
        stack.callback(os.close, descriptor)
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != link:
            return None
        lease = stack.enter_context(Lease(descriptor))
    except FileNotFoundError:
        return None
    except OSError:  # EAGAIN: somebody has it open for writing
        return lambda: False
    facts = before if isinstance(before, dict) else {}
    wanted = facts.get("size"), facts.get("mtime_ns")
    is_as_before = wanted == (status.st_size, status.st_mtime_ns)
    return lambda: is_as_before and lease.is_held
