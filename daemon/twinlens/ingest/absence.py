"""Whether a file that is not found may be believed to be gone.

A share that is not mounted looks like an empty folder. What lay on a mount below the root is gone
only where that mount stands, and an error is never an absence.
"""

import os

from twinlens.ingest.places import Place
from twinlens.model.files import FileRecord, Stat


def is_still_there(path: bytes, stat: Stat) -> bool:
    """Whether the inode of a known file is at its path. An error counts as: it may be."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return found.st_ino == stat.inode


def is_on_lost_mount(place: Place, record: FileRecord | None) -> bool:
    """Whether a file that is not found lay on a mount below its root which is not there now."""
    if record is None or not record.is_nested:
        return False
    folder = place.absolute(record.path)
    while len(folder) > len(place.path):
        folder = folder.rpartition(b"/")[0]
        try:
            return os.lstat(folder).st_dev == os.lstat(place.path).st_dev
        except OSError:
            continue
    return True


def has_left(path: bytes, stat: Stat) -> bool:
    """Whether what was measured is not at its path any more: renamed or replaced meanwhile."""
    try:
        found = os.lstat(path)
    except OSError:
        return True
    return found.st_ino != stat.inode
