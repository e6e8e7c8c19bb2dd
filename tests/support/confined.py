"""The nearest thing to the service's unit where no systemd runs: another user, no rights but those
named, no new ones, every mount but the house read-only, no memory that is written and run, and the
unit's own list of system calls.

As a program it takes the last two upon itself and becomes another: confined.py NUMBERS COMMAND…
"""

import ctypes
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "contrib/systemd/twinlens.service"
_HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_MDWE = 38, 22, 65
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # EPERM
_X86_64 = 0xC000003E


def prefix(capabilities: Sequence[str] = (), *, groups: str = "") -> tuple[str, ...]:
    """What to put before a command inside a mount namespace; skips where it cannot be had.

    `capabilities` are names such as "lease", `groups` are numbers.
    """
    rights = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    return (
        *("setpriv", "--reuid=65534", "--regid=65534", "--no-new-privs"),
        f"--groups={groups}" if groups else "--clear-groups",
        *(f"--bounding-set={rights}", f"--inh-caps={rights}", f"--ambient-caps={rights}"),
        *("--", sys.executable, __file__, ",".join(map(str, allowed_calls()))),
    )


def allowed_calls() -> list[int]:
    """The numbers of the system calls that the unit's filter lets through."""
    import pytest  # noqa: PLC0415 - as a program this runs where there is none

    if platform.machine() != "x86_64" or not _HEADER.exists():
        pytest.skip("the numbers of the system calls are not known here (libc6-dev)")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    names: set[str] = set()
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("SystemCallFilter="):
            for word in line.partition("=")[2].removeprefix("~").split():
                found = _calls_of(word)
                names = names - found if "=~" in line else names | found
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", _HEADER.read_text(encoding="ascii")))
    return sorted(int(numbers[name]) for name in names if name in numbers)


def _calls_of(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    )
    lines = [line.strip() for line in done.stdout.splitlines()[1:]]
    found: set[str] = set()
    for line in lines:
        if line and not line.startswith("#"):
            found |= _calls_of(line)
    return found


def _prctl(*arguments: int) -> None:
    words = [ctypes.c_ulong(argument) for argument in arguments[1:]]
    if ctypes.CDLL(None, use_errno=True).prctl(arguments[0], *words) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {arguments[0]}")


def _filter(numbers: list[int]) -> bytes:
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, 0)]
    for number in numbers:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _confine(numbers: list[int]) -> None:
    program = _filter(numbers)
    steps = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        _prctl(_PR_SET_MDWE, 1, 0, 0, 0)
    except OSError:
        sys.stderr.write("confined: this kernel is older than MDWE\n")
    whole = ctypes.create_string_buffer(head, len(head))
    _prctl(_PR_SET_SECCOMP, 2, ctypes.addressof(whole), 0, 0)


if __name__ == "__main__":
    _confine([int(number) for number in sys.argv[1].split(",")])
    os.execvp(sys.argv[2], sys.argv[2:])
