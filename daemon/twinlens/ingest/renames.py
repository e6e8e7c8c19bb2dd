"""Which known file was renamed to a new path: then its content is known without reading it."""

from collections.abc import Callable, Container

from twinlens.ingest.places import Place
from twinlens.ingest.unread_writes import UnreadWrites
from twinlens.model.files import FileStatus, Stat
from twinlens.store import files as files_store
from twinlens.watch.birth import birth_ns


def source_of(
    place: Place,
    path: bytes,
    stat: Stat,
    *,
    still_there: Callable[[bytes, Stat], bool],
    writes: UnreadWrites,
    born: Callable[[bytes], int | None] = birth_ns,
    taken: Container[int] = frozenset(),
) -> int | None:
    """The id of the file that was renamed to `path` (relative), or None: then it has to be read.

    It has the same inode, size and mtime, and is gone from its own path. The inode must be older
    than what was recorded of that file, or a new file has been given its number; where its age is
    not known, nothing is believed, nor of a file that was written to and not read since: its times
    may have been put back. Of two contents that the inode had, the last one counts. `taken` are ids
    that another path has been given already. Inside a connection of the database.
    """
    candidates = sorted(files_store.with_inode(stat), key=lambda one: -one.stat.ctime_ns)
    for candidate in candidates:
        if candidate.original_id != candidates[0].original_id:
            return None
        is_elsewhere = candidate.root_id == place.root_id and candidate.path != path
        if not is_elsewhere or candidate.id in taken or not stat.is_moved_from(candidate.stat):
            continue
        old_path = place.absolute(candidate.path)
        if candidate.status is not FileStatus.GONE and still_there(old_path, candidate.stat):
            continue
        try:
            birth = born(place.absolute(path))
        except OSError:
            return None
        if birth is None or birth > candidate.stat.ctime_ns:
            continue
        is_believed = writes.believe_rename(old_path, place.absolute(path))
        return candidate.id if is_believed else None
    return None
