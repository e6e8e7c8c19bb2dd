"""Memory that a long pass has used and the C library keeps for itself."""

import ctypes


def give_back() -> None:
    """Hand what is free back to the system: glibc's malloc_trim(3); elsewhere nothing happens."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:  # musl has none, and gives back by itself
        return
    trim(0)
