"""What this process may do beyond its user's rights."""

import ctypes
from pathlib import Path

CAP_LEASE = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4


def keep_from_children() -> None:
    """Let no program that is started from now on inherit the rights that a service manager gave:
    the workers and exiftool read what strangers made. Call it before any thread is started.

    A kernel that has no such rights has none to keep back.
    """
    arguments = [ctypes.c_ulong(number) for number in (_PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)]
    ctypes.CDLL(None).prctl(_PR_CAP_AMBIENT, *arguments)


def has_capability(number: int, proc: Path = Path("/proc")) -> bool:
    """Whether a capability is in effect for this process; False where /proc does not tell."""
    try:
        lines = (proc / "self/status").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return bool(int(facts["CapEff"], 16) >> number & 1)
    except (OSError, ValueError, KeyError):
        return False
