"""Reading and writing bytes in pieces: nothing here ever holds a whole file."""

import hashlib
import os
from collections.abc import Callable, Iterator

from twinlens.vault.protocol import SourceError

CHUNK = 1 << 20


def digest_of(read: Callable[[int], bytes]) -> str:
    """The SHA-256 (hex) of what `read(most bytes)` gives until it gives nothing."""
    found = hashlib.sha256()
    while chunk := read(CHUNK):
        found.update(chunk)
    return found.hexdigest()


def read_source(descriptor: int, size: int) -> Iterator[bytes]:
    """The bytes of an open file by position, and at most one more than `size`: enough to see that
    it grew. Raises SourceError."""
    place = 0
    while place <= size:
        try:
            chunk = os.pread(descriptor, min(CHUNK, size + 1 - place), place)
        except OSError as error:
            raise SourceError(error.errno, error.strerror) from error
        if not chunk:
            return
        yield chunk
        place += len(chunk)


def write_all(descriptor: int, chunk: bytes) -> None:
    """Write all of it, however little one call takes. Raises OSError."""
    left = memoryview(chunk)
    while left:
        left = left[os.write(descriptor, left) :]
