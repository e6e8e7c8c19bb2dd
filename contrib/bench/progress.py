"""What the benchmark says while it works, on stderr: the table alone goes to stdout."""

import sys


def say(words: str) -> None:
    """One line."""
    prefix = "\r" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{prefix}== {words}\n")


def show_count(done: int) -> None:
    """How far the making of a corpus is, for somebody who looks."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r   {done} made")
