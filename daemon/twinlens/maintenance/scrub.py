"""The verification: each file is read again now and then, slice by slice, and held against what was
recorded when its content was first known.

A slice is a pass of its own with a bounded time, so that no scan waits long behind it; the files
that were not read for longest come first, so the next slice goes on where this one ended, after a
restart too. Nothing here changes a file: a damage is recorded, told, and shown with what could mend
it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinlens.maintenance.outcomes import Outcome
from twinlens.maintenance.verdicts import judge
from twinlens.model.paths import to_bytes
from twinlens.model.roots import RootState
from twinlens.model.verification import Candidate, Damage, Reading, Reread, Verdict
from twinlens.store import roots as roots_store
from twinlens.store import verifications
from twinlens.store.database import Database

Item = list[Any]
"""[the file's id, the seconds of its slice or None]: what the job remembers."""

NAME = "verify"
AT_ONCE = 5000
"""Files that one slice with a time limit looks at, at the most."""


@dataclass(frozen=True, slots=True)
class ScrubParts:
    """What the verification works with.

    `absolute(root id, path)` gives a path, None where the root is not watched; `is_trusted` asks
    the disk about a root; `look_again` puts a path into the work queue, in the current transaction;
    `announce` hears of new damages once they are committed; `is_elsewhere_wanted` tells that other
    passes wait; `on_finished` hears of each slice.
    """

    database: Database
    clock: Callable[[], str]
    monotonic: Callable[[], float]
    absolute: Callable[[int, bytes], bytes | None]
    is_trusted: Callable[[int], bool]
    look_again: Callable[[int, bytes], None]
    announce: Callable[[Sequence[Damage]], None]
    is_elsewhere_wanted: Callable[[], bool]
    is_stopped: Callable[[], bool]
    on_finished: Callable[[dict[str, object]], None]


@dataclass(slots=True)
class _Slice:
    """One slice under way. `seconds` is None where it may take as long as it takes."""

    started: float
    seconds: float | None = None
    files: int = 0
    bytes_read: int = 0
    left: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    wanted: dict[int, Candidate] = field(default_factory=dict)


class Scrub:
    """The state of one running slice, behind its job definition."""

    def __init__(self, parts: ScrubParts) -> None:
        self._parts = parts
        self._slice = _Slice(parts.monotonic())

    def discover(self, argument: dict[str, object]) -> Iterator[Item]:
        """The files to read: those not read since `before` (ISO 8601 in UTC), of all or
        at and below `paths` (absolute, as text). `seconds` bounds the slice."""
        self._begin(argument)
        paths = argument.get("paths")
        limit = None if self._slice.seconds is None else AT_ONCE
        with self._parts.database.reading():
            among = self._below(paths) if isinstance(paths, list) else None
            found = verifications.due(
                str(argument["before"]), self._parts.clock(), limit, among=among
            )
        if limit is not None and len(found) >= limit:
            self._slice.left += 1
        for file_id in found:
            yield [file_id, self._slice.seconds]

    def prepare(self, item: Any) -> Reading | None:
        """What a worker is asked; None where the time is up, or the file cannot be asked now."""
        file_id, seconds = item
        if self._is_over(seconds):
            self._slice.left += 1
            return None
        with self._parts.database.reading():
            wanted = verifications.candidate(file_id)
        if wanted is None:
            return None
        path = self._parts.absolute(wanted.root_id, wanted.path)
        if path is None:
            return None
        self._slice.files += 1
        self._slice.wanted[wanted.file_id] = wanted
        return Reading(path, wanted.expected, wanted.stat.size)

    def review(self, outcomes: Sequence[Outcome]) -> list[tuple[Candidate, Reread]]:
        """What was read, without that of roots which went away meanwhile: an absence there proves
        nothing."""
        is_trusted: dict[int, bool] = {}
        kept = []
        for outcome in outcomes:
            wanted = self._slice.wanted.pop(outcome.item[0], None)
            if wanted is None or (outcome.error is not None and self._parts.is_stopped()):
                continue
            read = outcome.result
            if outcome.error is not None:
                # A worker that died over a file: nothing is known of its bytes.
                read = Reread(None, problem=outcome.error, is_transient=True)
            if not isinstance(read, Reread):
                continue
            root = wanted.root_id
            if read.stat is None or not read.digests:
                if root not in is_trusted:
                    is_trusted[root] = self._parts.is_trusted(root)
                if not is_trusted[root]:
                    continue
            kept.append((wanted, read))
        return kept

    def absorb(self, kept: Sequence[tuple[Candidate, Reread]]) -> list[int]:
        """Record verdicts, in the current transaction; returns the files newly found damaged."""
        news = []
        at = self._parts.clock()
        for wanted, read in kept:
            if not self._is_as_planned(wanted):
                continue
            verdict, error = judge(wanted, read)
            self._slice.verdicts[verdict] += 1
            self._slice.bytes_read += read.bytes_read
            is_new = verifications.record(
                wanted,
                verdict,
                at,
                found_sha256=read.digests[0] if verdict is Verdict.ROTTEN else None,
                error=error,
            )
            if is_new:
                news.append(wanted.file_id)
            if verdict is Verdict.CHANGED:
                self._parts.look_again(wanted.root_id, wanted.path)
        return news

    def absorbed(self, news: Sequence[int]) -> None:
        """Tell of damages that are committed now."""
        if not news:
            return
        with self._parts.database.reading():
            found = [damage for damage in verifications.damages() if damage.file_id in news]
        self._parts.announce(found)

    def finalize(self) -> dict[str, object]:
        """What the slice did; `left` is 0 where nothing was left for another one."""
        now = self._slice
        result: dict[str, object] = {
            "files": sum(now.verdicts.values()),
            "bytes_read": now.bytes_read,
            **{verdict.value: count for verdict, count in now.verdicts.items()},
            "left": now.left,
            "seconds": round(self._parts.monotonic() - now.started, 3),
        }
        self._parts.on_finished(result)
        self._slice = _Slice(self._parts.monotonic())
        return result

    def _begin(self, argument: dict[str, object]) -> None:
        seconds = argument.get("seconds")
        limit = float(seconds) if isinstance(seconds, int | float) else None
        self._slice = _Slice(self._parts.monotonic(), limit)

    def _is_over(self, seconds: float | None) -> bool:
        now = self._slice
        if now.files == 0:
            # The first file is always read, so that many short slices come to an end. A slice that
            # goes on after a restart has its time from here on.
            now.started = self._parts.monotonic()
            return False
        if seconds is None:
            return False
        is_late = self._parts.monotonic() - now.started > seconds
        return is_late or self._parts.is_elsewhere_wanted()

    @staticmethod
    def _is_as_planned(wanted: Candidate) -> bool:
        """Whether the file is still recorded as it was when it was read."""
        now = verifications.candidate(wanted.file_id)
        return now is not None and (now.stat, now.expected) == (wanted.stat, wanted.expected)

    @staticmethod
    def _below(paths: Sequence[object]) -> list[int]:
        found: list[int] = []
        for text in paths:
            path = to_bytes(str(text))
            for root in roots_store.active():
                prefix = root.path.rstrip(b"/")
                if path == prefix or path.startswith(prefix + b"/"):
                    if root.state is RootState.ONLINE:
                        found += verifications.ids_below(root.id, path[len(prefix) + 1 :])
                    break
        return list(dict.fromkeys(found))
