"""A start that takes long: an upgrade of a large library's database moves what is there.

A manager that heard nothing for its `TimeoutStartSec` (90 s in systemd) would end the daemon in the
middle, start it anew, and end it again.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from twinlens.host.readiness import Readiness

ASK_EVERY_SECONDS = 20.0
MORE_SECONDS = 90.0
"""So much is asked for each time, counted from then."""


@contextmanager
def starting(readiness: Readiness) -> Iterator[None]:
    """Inside, the manager is asked for more time again and again."""
    is_over = threading.Event()

    def ask() -> None:
        readiness.extend_timeout(MORE_SECONDS)
        while not is_over.wait(ASK_EVERY_SECONDS):
            readiness.extend_timeout(MORE_SECONDS)

    thread = threading.Thread(target=ask, name="starting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
