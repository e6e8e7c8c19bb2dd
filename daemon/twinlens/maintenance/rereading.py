"""Reads a file again, from the disk and not from the memory of the last reading. Runs in a worker.

Nothing is decoded: the SHA-256 of the bytes is all that is asked. Where it is not the expected one
the file is read a second time, so that a bad cable or memory is not taken for a rotten file.
"""

import os

from twinlens.media.reading import GONE, ReadError, open_regular, read_content
from twinlens.model.verification import Reading, Reread

_NO_BOUND = 0


def read_again(reading: Reading) -> Reread:
    """Read the file whole, twice where the first time gave other bytes; never raises for a file
    that cannot be read."""
    digests: list[str] = []
    total = 0
    try:
        with open_regular(reading.path) as (descriptor, stat):
            while len(digests) < 2 and reading.expected not in digests:
                # What is in memory proves nothing of the disk; what was read is not kept either.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.lseek(descriptor, 0, os.SEEK_SET)
                content = read_content(descriptor, reading.path, stat, _NO_BOUND)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                digests.append(content.sha256)
                total += content.size
    except ReadError as error:
        is_gone = str(error) == GONE or error.stat is None
        return Reread(
            None if is_gone else error.stat,
            problem=str(error),
            is_transient=error.is_transient,
            bytes_read=total + error.bytes_read,
        )
    return Reread(stat, tuple(digests), bytes_read=total)
