"""What this process may do beyond its user's rights."""

from pathlib import Path

CAP_FOWNER = 3
CAP_LEASE = 28


def has_capability(number: int, proc: Path = Path("/proc")) -> bool:
    """Whether a capability is in effect for this process; False where /proc does not tell."""
    try:
        lines = (proc / "self/status").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return bool(int(facts["CapEff"], 16) >> number & 1)
    except (OSError, ValueError, KeyError):
        return False
