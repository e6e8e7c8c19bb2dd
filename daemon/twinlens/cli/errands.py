"""Errands: verbs that look at disks, carried out by a child that may be left behind.

Whoever asks a share whose server is gone cannot be ended before it answers, on some file systems
(an sshfs, say) not even by SIGKILL. His process would stay, and whoever said the verb would wait
for its end long after he has read its answer.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from twinlens.cli import ending

Words = ParamSpec("Words")


def errand(verb: Callable[Words, None]) -> Callable[Words, None]:
    """The verb, sent on an errand: it ends with its code as soon as it has said everything. To be
    called while the process has one thread."""

    @wraps(verb)
    def sent(*args: Words.args, **kwargs: Words.kwargs) -> None:
        ending.hand_over()
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            raise SystemExit(_code_of(child, reading))
        os.close(reading)
        code = ending.carried_out(lambda: verb(*args, **kwargs))
        _let_go()
        os.write(writing, bytes([code]))
        os._exit(code)

    return sent


def _code_of(child: int, reading: int) -> int:
    """What the child has ended with, or is about to."""
    told = os.read(reading, 1)
    if told:
        return told[0]
    _, status = os.waitpid(child, 0)
    return abs(os.waitstatus_to_exitcode(status)) or 1


def _let_go() -> None:
    """Let whoever reads the output see its end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
