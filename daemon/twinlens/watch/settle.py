"""Waiting until a file is still, so that nothing is taken half-written.

It knows no clock and no disk: the time and the look are handed in. What is *done* with a file
that came to rest is decided elsewhere.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

Sample = tuple[int, int]
"""(size, mtime_ns)"""


@dataclass(slots=True)
class _Waiting:
    due_at: float
    sample: Sample | None = None
    since: float = 0.0
    closed_at: float | None = None


class SettleTracker:
    """Paths that were hinted at, each with its last sample; all times are monotonic seconds.

    A path is due when two equal (size, mtime_ns) samples lie `quiet_seconds` apart. A hint that
    the file was closed lets the first sample count from then. A flood of hints on one path costs
    one entry. Not thread-safe: one thread owns it.
    """

    def __init__(self, quiet_seconds: float) -> None:
        self._quiet = quiet_seconds
        self._waiting: dict[bytes, _Waiting] = {}
        # An entry is stale where its time is no longer the path's own; it is dropped when met.
        self._order: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def touch(self, path: bytes, now: float, *, is_closed: bool = False) -> None:
        """Note that something happened to a path."""
        waiting = self._waiting.get(path)
        if waiting is None:
            waiting = self._waiting[path] = _Waiting(due_at=now)
            heapq.heappush(self._order, (now, path))
        if is_closed:
            waiting.closed_at = now
            if waiting.due_at > now:
                self._plan(path, waiting, now)

    def forget(self, path: bytes) -> None:
        """Stop waiting for a path."""
        self._waiting.pop(path, None)

    def due(self, now: float, look: Callable[[bytes], Sample | None]) -> list[bytes]:
        """Look at the paths whose time has come; give and forget those that are still, or gone.

        `look` returns None for a path that is gone: it is due at once, and the queue will see that
        it went. Where `look` raises OSError the path goes on waiting.
        """
        settled = []
        for path in self._take_due(now):
            waiting = self._waiting[path]
            try:
                sample = look(path)
            except OSError:
                waiting.sample = None
                self._plan(path, waiting, now + self._quiet)
                continue
            if sample is None or self._is_still(waiting, sample, now):
                del self._waiting[path]
                settled.append(path)
            else:
                self._plan(path, waiting, waiting.since + self._quiet)
        return settled

    def next_due(self) -> float | None:
        """The earliest time at which `due` may have something to do; None where nothing waits."""
        while self._order:
            at, path = self._order[0]
            waiting = self._waiting.get(path)
            if waiting is not None and waiting.due_at == at:
                return at
            heapq.heappop(self._order)
        return None

    def _is_still(self, waiting: _Waiting, sample: Sample, now: float) -> bool:
        if sample == waiting.sample:
            return now >= waiting.since + self._quiet
        closed_at = waiting.closed_at
        # A look that comes late saw nothing of the time before it.
        is_fresh_close = closed_at is not None and now - closed_at < self._quiet
        waiting.sample = sample
        waiting.since = closed_at if is_fresh_close and closed_at is not None else now
        waiting.closed_at = None
        return False

    def _plan(self, path: bytes, waiting: _Waiting, at: float) -> None:
        waiting.due_at = at
        heapq.heappush(self._order, (at, path))

    def _take_due(self, now: float) -> list[bytes]:
        taken = []
        while (at := self.next_due()) is not None and at <= now:
            _, path = heapq.heappop(self._order)
            # Marked as taken, so that an equal entry for it further down is stale.
            self._waiting[path].due_at = float("-inf")
            taken.append(path)
        return taken
