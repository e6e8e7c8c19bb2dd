"""Taking from this process what a decoder never needs: to change files, and to connect anywhere.

Decoders are given whatever a stranger has put into a folder. A hole in one of them must not become
the loss of a library. Landlock (landlock(7), Linux 5.13; truncating since 6.2, networks since 6.7)
takes the rights from this process and all that it starts, for good, and needs no privilege. What it
does not cover: modes, times and attributes of files, and UDP.
"""

import ctypes
import os
import struct

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BENEATH_PATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _MAKE_REGULAR, _REMOVE_FILE, _TRUNCATE = 1 << 1, 1 << 8, 1 << 5, 1 << 14
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in (4, 5, *range(6, 13)))
"""Writing, removing, and making whatever can be made; moving between folders is denied anyway."""

_NETWORKS = 3  # binding and connecting TCP

_ALLOWED = (
    ("/dev/null", _WRITE_FILE | _TRUNCATE),
    # The locks that worker processes share with the daemon.
    ("/dev/shm", _WRITE_FILE | _TRUNCATE | _MAKE_REGULAR | _REMOVE_FILE),
)


def deny_changes() -> bool:
    """From now on this process, and what it starts, changes no file and makes no TCP connection.

    Returns False where the kernel cannot, or a filter of system calls does not let it: then nothing
    has changed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    handled = _CHANGES | (_TRUNCATE if version >= 3 else 0)
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", _NETWORKS)
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path, rights in _ALLOWED:
            if not _allow(libc, rules, path, rights & handled):
                return False
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> bool:
    """Let something be changed after all; what is not there needs no rule."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        rule = struct.pack("=Qi", rights, place)
        return bool(libc.syscall(_ADD_RULE, rules, _BENEATH_PATH, rule, 0) == 0)
    finally:
        os.close(place)
