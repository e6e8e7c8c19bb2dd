"""What one worker process may take.

The daemon hands this to its workers, so it loads nothing of theirs.
"""

import os
from dataclasses import dataclass
from enum import StrEnum

MOST_PROCESSES = 4
"""As many workers as cores, and no more than this: the disk is the limit then."""


def process_count(configured: int) -> int:
    """How many worker processes there are; `configured` is 0 where it is left to the machine."""
    return configured or min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


class DiskReaders(StrEnum):
    """How many workers read from one disk at once."""

    AUTO = "auto"
    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The bounds of one worker process and of the exiftool that it starts.

    The defaults let a picture of 200 megapixels through, the largest that phones make, which needs
    about 1 GB while it is decoded; a JPEG of that size needs 5 MB.
    """

    memory_bytes: int = 2 << 30
    """What the worker may take beside its program and libraries (RLIMIT_AS); 0: no bound."""
    decode_pixels: int = 200_000_000
    """Larger pictures are not decoded. A JPEG counts as it is decoded: an eighth of each side."""
    file_bytes: int = 256 << 30
    """Larger files are not read; 0: no bound."""
    exiftool_seconds: float = 10.0
    """How long one answer of exiftool may take."""
    is_confined: bool = True
    """Whether the worker gives up the right to change files and to connect (`host.confinement`)."""
    are_pictures_decoded: bool = True
    """Off, a picture's header and tags are read and no more."""
    exiftool: str | None = None
    """The program; None where there is none. Only RAWs and videos cannot do without it."""
    turns: str | None = None
    """The file in which workers take turns at reading from a disk; None: they do not."""
    disk_readers: DiskReaders = DiskReaders.AUTO
