"""How a verb ends: its output is handed over whole, and its errors become words and an exit code,
here and nowhere else."""

import sys
from collections.abc import Callable

import typer

from twinlens.cli import showing
from twinlens.errors import CannotRunError, ConfigError, TwinlensError, UsageError


def carried_out(work: Callable[[], object]) -> int:
    """Do it, and say the exit code."""
    try:
        try:
            work()
        finally:
            hand_over()
    except TwinlensError as error:
        sys.stderr.write(f"twinlens: {error.title}: {error}\n")
        if error.advice:
            sys.stderr.write(f"  {error.advice}\n")
        return exit_code(error)
    except KeyboardInterrupt:
        return 130
    except typer.Exit as end:
        return end.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def exit_code(error: TwinlensError) -> int:
    """The exit code that stands for an error."""
    if isinstance(error, ConfigError | UsageError):
        return 2
    return 3 if isinstance(error, CannotRunError) else 1


def hand_over() -> None:
    """Write what waits to be written, so that a code of 0 means that all of it was."""
    try:
        sys.stdout.flush()
    except OSError as error:
        showing.give_up_output(error)
