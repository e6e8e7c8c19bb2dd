"""The capture time of a content: its own dates, and what its names, its companions, its camera's
clock and the owner say.

The same content under several names has one capture time, whatever order they arrived in. A
companion is another file of the same photograph: a sidecar speaks for the picture, a RAW for its
JPEG. `captured_at`, by which files are grouped, is of the content alone: groups never decide
about themselves.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from twinlens.analysis.ranks import Rank
from twinlens.analysis.timestamps import (
    FUTURE,
    choose,
    chosen_value,
    clock_candidate,
    file_system_candidate,
    name_candidates,
)
from twinlens.model.clocks import ClockDoubt
from twinlens.model.files import FileRecord
from twinlens.model.originals import Dated
from twinlens.model.picture import DateCandidate, TakenAt
from twinlens.store import clock_doubts, date_evidence, file_groups, revisions
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store.date_evidence import Companion

PATHS_ASKED = 16
"""Names of one content that are asked for a date: bounded, for a file that is copied everywhere."""

_AT_A_TIME = 256
"""Contents whose witnesses are held in memory together."""

_TAKEOUT = "JSON:PhotoTakenTimeTimestamp"


def settle_capture_times(
    original_ids: Iterable[int],
    now: Callable[[], datetime],
    *,
    fresh: Collection[int] = (),
) -> None:
    """Choose the capture times of contents anew and record them; those that were forgotten are
    passed over. Inside a transaction of the writer.

    A change is noted in the story of the content, but for one that this very transaction recorded
    first (`fresh`).

    To be called again when a content's names, its groups, its companions or what the owner said of
    it have changed.
    """
    wanted = sorted(set(original_ids))
    for start in range(0, len(wanted), _AT_A_TIME):
        originals = originals_store.dated(wanted[start : start + _AT_A_TIME])
        witnesses = _Witnesses.of(originals)
        at = now()
        for original in originals:
            _settle(original, witnesses.of_content(original), at, is_fresh=original.id in fresh)


def _settle(
    original: Dated, found: tuple[DateCandidate, ...], now: datetime, *, is_fresh: bool
) -> None:
    own = _undated(original.own)
    captured = chosen_value(own, now=now)
    others = _undated(found)
    taken = choose((*own, *others), now=now)
    own, others = _with_future(own, taken), _with_future(others, taken)
    captured_at = captured if captured and "T" in captured else None
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
        original.id, captured_at=captured_at, taken=taken, content=own, path=others
    )
    if taken.value != original.taken.value and not is_fresh:
        at = now.isoformat(timespec="seconds")
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
    if not rejected:
        return candidates
    marked = ((c, replace(c, rejected=FUTURE)) for c in candidates)
    return tuple(future if future in rejected else c for c, future in marked)


@dataclass(frozen=True, slots=True)
class _Witnesses:
    """Who may say something of some contents from outside of them, read for all at once."""

    files: dict[int, list[FileRecord]]
    said: dict[str, str]
    doubts: dict[int, ClockDoubt]
    grouped: Collection[int]

    @classmethod
    def of(cls, originals: Sequence[Dated]) -> "_Witnesses":
        ids = [original.id for original in originals]
        return cls(
            files_store.of_originals(ids),
            date_evidence.owner_dates(original.sha256 for original in originals),
            clock_doubts.of_contents(ids),
            file_groups.group_ids_of_originals(ids).keys(),
        )

    def of_content(self, original: Dated) -> tuple[DateCandidate, ...]:
        """What is said of one of them; best rank first."""
        found = _of_paths(self.files.get(original.id, ()))
        if original.sha256 in self.said:
            found.add(DateCandidate("owner", self.said[original.sha256], Rank.USER))
        if original.id in self.grouped:
            for companion in date_evidence.companions(original.id):
                found.update(companion_candidates(companion))
        if original.id in self.doubts:
            found.add(clock_candidate(self.doubts[original.id]))
        return tuple(sorted(found, key=lambda c: (c.rank, c.source, c.value, c.rejected or "")))


def _of_paths(files: Sequence[FileRecord]) -> set[DateCandidate]:
    found: set[DateCandidate] = set()
    for record in files[:PATHS_ASKED]:
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
