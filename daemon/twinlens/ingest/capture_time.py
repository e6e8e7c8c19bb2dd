"""The capture time of a content: its own dates, and what the paths of its live files say.

The same content under several names has one capture time, whatever order they arrived in.
"""

from collections.abc import Callable
from datetime import datetime

from twinlens.analysis.timestamps import choose, file_system_candidate, name_candidates
from twinlens.model.picture import DateCandidate
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store

PATHS_ASKED = 16
"""Names of one content that are asked for a date: bounded, for a file that is copied everywhere."""


def settle_capture_time(original_id: int, now: Callable[[], datetime]) -> None:
    """Choose the capture time anew and record it. Inside a transaction of the writer."""
    original = originals_store.get(original_id)
    own = original.measurement.date_candidates
    captured = choose(own, now=now())
    path_candidates = _of_paths(original_id)
    taken = choose((*own, *path_candidates), now=now())
    captured_at = captured.value if captured.value and "T" in captured.value else None
    is_known = (
        original.captured_at == captured_at
        and original.taken.value == taken.value
        and original.taken.source == taken.source
        and original.taken.confidence == taken.confidence
        and original.taken.candidates == (*own, *path_candidates)
    )
    if not is_known:
        originals_store.set_taken(
            original_id, captured_at=captured_at, taken=taken, content=own, path=path_candidates
        )


def _of_paths(original_id: int) -> tuple[DateCandidate, ...]:
    found: set[DateCandidate] = set()
    for record in files_store.of_original(original_id)[:PATHS_ASKED]:
        found.update(name_candidates(record.path))
        # The inode's change time is when the file arrived on this disk: it does not depend on when
        # the daemon first saw it, so a later scan of the same disk comes to the same answer.
        by_disk = file_system_candidate(record.stat.mtime_ns, record.stat.ctime_ns)
        if by_disk is not None:
            found.add(by_disk)
    return tuple(sorted(found, key=lambda c: (c.rank, c.source, c.value, c.rejected or "")))
