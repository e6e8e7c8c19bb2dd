"""The capture time of a content: its own dates, and what its names, its companions, its camera's
clock and the owner say.

The same content under several names has one capture time, whatever order they arrived in. A
companion is another file of the same photograph: a sidecar speaks for the picture, a RAW for its
JPEG. `captured_at`, by which files are grouped, is of the content alone: groups never decide
about themselves.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from twinlens.analysis.ranks import Rank
from twinlens.analysis.timestamps import (
    FUTURE,
    choose,
    clock_candidate,
    file_system_candidate,
    name_candidates,
)
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import DateCandidate, TakenAt
from twinlens.store import clock_doubts, date_evidence, revisions
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store.date_evidence import Companion

PATHS_ASKED = 16
"""Names of one content that are asked for a date: bounded, for a file that is copied everywhere."""

_TAKEOUT = "JSON:PhotoTakenTimeTimestamp"


def settle_capture_time(
    original_id: int, now: Callable[[], datetime], *, is_fresh: bool = False
) -> None:
    """Choose the capture time anew and record it. Inside a transaction of the writer.

    A change is noted in the story of the content, but for one that this very transaction recorded
    first (`is_fresh`).

    To be called again when the content's names, its groups, its companions or what the owner said
    of it have changed.
    """
    original = originals_store.get(original_id)
    own = _undated(original.measurement.date_candidates)
    captured = choose(own, now=now())
    others = _undated(_of_others(original))
    taken = choose((*own, *others), now=now())
    own, others = _with_future(own, taken), _with_future(others, taken)
    captured_at = captured.value if captured.value and "T" in captured.value else None
    is_known = (
        original.captured_at == captured_at
        and original.taken.value == taken.value
        and original.taken.source == taken.source
        and original.taken.confidence == taken.confidence
        and original.taken.candidates == (*own, *others)
    )
    if is_known:
        return
    originals_store.set_taken(
        original_id, captured_at=captured_at, taken=taken, content=own, path=others
    )
    if taken.value != original.taken.value and not is_fresh:
        at = now().isoformat(timespec="seconds")
        before, after = _told(original.taken), _told(taken)
        revisions.add(
            original.sha256, "capture time", at, before=before, after=after, actor=revisions.RULES
        )


def _told(taken: TakenAt) -> str | None:
    if taken.value is None:
        return None
    told = {"taken": taken.value, "source": taken.source, "confidence": taken.confidence.value}
    return json.dumps(told)


def _undated(candidates: Iterable[DateCandidate]) -> tuple[DateCandidate, ...]:
    """The candidates without the one rejection that time undoes."""
    return tuple(replace(c, rejected=None) if c.rejected == FUTURE else c for c in candidates)


def _with_future(
    candidates: tuple[DateCandidate, ...], taken: TakenAt
) -> tuple[DateCandidate, ...]:
    """The candidates with those of the future marked: `why` shows what was not believed."""
    rejected = {c for c in taken.candidates if c.rejected == FUTURE}
    marked = ((c, replace(c, rejected=FUTURE)) for c in candidates)
    return tuple(future if future in rejected else c for c, future in marked)


def _of_others(original: OriginalRecord) -> tuple[DateCandidate, ...]:
    """What is said of the content from outside of it; best rank first."""
    found = {*_of_owner(original.sha256), *_of_paths(original.id)}
    for companion in date_evidence.companions(original.id):
        found.update(companion_candidates(companion))
    doubt = clock_doubts.of_content(original.id)
    if doubt is not None:
        found.add(clock_candidate(doubt))
    return tuple(sorted(found, key=lambda c: (c.rank, c.source, c.value, c.rejected or "")))


def _of_owner(sha256: str) -> set[DateCandidate]:
    value = date_evidence.owner_date(sha256)
    return set() if value is None else {DateCandidate("owner", value, Rank.USER)}


def _of_paths(original_id: int) -> set[DateCandidate]:
    found: set[DateCandidate] = set()
    for record in files_store.of_original(original_id)[:PATHS_ASKED]:
        found.update(name_candidates(record.path))
        # The inode's change time is when the file arrived on this disk: it does not depend on when
        # the daemon first saw it, so a later scan of the same disk comes to the same answer.
        by_disk = file_system_candidate(record.stat.mtime_ns, record.stat.ctime_ns)
        if by_disk is not None:
            found.add(by_disk)
    return found


def companion_candidates(companion: Companion) -> set[DateCandidate]:
    """What another file of the same photograph says of this one.

    A sidecar (`sidecar:takeout`, `sidecar:XMP:DateTimeOriginal`) keeps its rank, though not above a
    capture time without a zone: the picture's own goes first. When it was changed, or its picture,
    is left out. Of a sibling (`sibling:raw`) only the best is told, with the rank of a full name:
    it fills what is empty, and takes nothing over from what the content says itself.
    """
    if companion.file_type == "sidecar":
        return {
            replace(
                candidate, source=_named(candidate.source), rank=max(candidate.rank, Rank.LOCAL)
            )
            for candidate in companion.candidates
            if candidate.rank < Rank.MODIFIED
        }
    # Candidates are stored best first.
    sound = (c for c in companion.candidates if c.rejected is None and "T" in c.value)
    best = next((c for c in sound if c.rank <= Rank.CONTAINER), None)
    if best is None:
        return set()
    return {DateCandidate(f"sibling:{companion.file_type}", best.value, Rank.FULL_NAME)}


def _named(source: str) -> str:
    return "sidecar:takeout" if source == _TAKEOUT else f"sidecar:{source}"
