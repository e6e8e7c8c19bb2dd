"""Memory that the C library keeps for itself: how much that may be, and handing it back.

Both are glibc's; where they are missing (musl has neither, and gives back by itself) nothing
happens.
"""

import ctypes
from collections.abc import Callable

_M_ARENA_MAX = -8
"""mallopt(3)"""


def share_one_heap() -> None:
    """Let all threads take their memory from one heap. Call it before there are threads.

    Otherwise each has one of its own, and what a pass has freed in one nobody else can use: 3 MB
    of a daemon at rest. They wait for each other no more than before, as nearly all they do is
    done by one at a time.
    """
    mallopt = _call("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Hand what is free back to the system (malloc_trim(3)): after a long pass."""
    trim = _call("malloc_trim")
    if trim is not None:
        trim(0)


def _call(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None)
