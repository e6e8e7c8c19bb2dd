"""Reading what is about to be acted on, or given up: every byte, from the open file itself.

A stored hash is never believed here. Files are read by position and never mapped into memory: a
file that is cut meanwhile would kill the process.
"""

import hashlib
import os
from dataclasses import dataclass

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two files read side by side: both SHA-256 (hex), and whether every byte was equal."""

    first_sha256: str
    second_sha256: str
    are_equal: bool


def compare(first: int, second: int) -> Comparison:
    """Read two open files from begin to end. Raises OSError where either cannot be read."""
    one, other = hashlib.sha256(), hashlib.sha256()
    are_equal = True
    place = 0
    while True:
        a, b = _read_at(first, place), _read_at(second, place)
        are_equal = are_equal and a == b
        one.update(a)
        other.update(b)
        place += _CHUNK
        if not a and not b:
            return Comparison(one.hexdigest(), other.hexdigest(), are_equal)


def digest(descriptor: int) -> str:
    """The SHA-256 (hex) of an open file. Raises OSError."""
    found = hashlib.sha256()
    place = 0
    while chunk := _read_at(descriptor, place):
        found.update(chunk)
        place += _CHUNK
    return found.hexdigest()


def _read_at(descriptor: int, place: int) -> bytes:
    """A whole chunk; less only at the end of the file."""
    chunk = os.pread(descriptor, _CHUNK, place)
    while chunk and len(chunk) < _CHUNK:
        more = os.pread(descriptor, _CHUNK - len(chunk), place + len(chunk))
        if not more:
            break
        chunk += more
    return chunk
