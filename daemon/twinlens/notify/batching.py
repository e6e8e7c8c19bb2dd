"""Batching: many events become one message. A holiday import is one piece of news.

Pure bookkeeping with the time handed in. A window opens with its first event and closes a fixed
time later; what needs a hand now closes it at once, but not more often than every few seconds, so
that a storm of errors is a message and not a storm of messages.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from twinlens.model.events import Event, EventName, Severity

URGENT_GAP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one message tells: all events by count, the first in full, urgent ones before others.

    `left_out` are counted events that are not among `events`.
    """

    counts: Mapping[EventName, int]
    events: tuple[Event, ...]
    left_out: int


def is_urgent(event: Event) -> bool:
    """Whether the owner should hear of it before the window closes."""
    return event.severity is Severity.ERROR or event.name is EventName.ROOT_UNREACHABLE


class Batcher:
    """Collects the events of one receiver. Memory is bounded by `max_events`, whatever comes in."""

    def __init__(self, batch_seconds: float, max_events: int) -> None:
        self._batch_seconds = batch_seconds
        self._max_events = max_events
        self._counts: Counter[EventName] = Counter()
        self._urgent: list[Event] = []
        self._ordinary: list[Event] = []
        self._opened_at: float | None = None
        self._urgent_since: float | None = None
        self._last_urgent_flush: float | None = None

    def add(self, event: Event, now: float) -> None:
        """Take one event; only its count is kept where there are enough already."""
        self.count(event.name, 1, now)
        kept = self._urgent if is_urgent(event) else self._ordinary
        if len(kept) < self._max_events:
            kept.append(event)
        if is_urgent(event) and self._urgent_since is None:
            self._urgent_since = now

    def count(self, name: EventName, number: int, now: float) -> None:
        """Take events of which nothing but the number is left."""
        self._counts[name] += number
        if self._opened_at is None:
            self._opened_at = now

    @property
    def due_at(self) -> float | None:
        """When the window closes; None while there is nothing to tell."""
        if self._opened_at is None:
            return None
        closes = self._opened_at + self._batch_seconds
        if self._urgent_since is None:
            return closes
        if self._last_urgent_flush is None:
            return min(closes, self._urgent_since)
        quiet_until = self._last_urgent_flush + URGENT_GAP_SECONDS
        return min(closes, max(self._urgent_since, quiet_until))

    def take(self, now: float, *, at_once: bool = False) -> Batch | None:
        """The batch, if its time has come or `at_once`; the next event opens a new window.

        A clock that was set back by more than a window closes it too, or it would stay open for
        ever.
        """
        due_at, opened_at = self.due_at, self._opened_at
        if due_at is None or opened_at is None:
            return None
        if not at_once and now < due_at and now >= opened_at - self._batch_seconds:
            return None
        events = tuple((self._urgent + self._ordinary)[: self._max_events])
        batch = Batch(dict(self._counts), events, self._counts.total() - len(events))
        if self._urgent:
            self._last_urgent_flush = now
        self._counts = Counter()
        self._urgent, self._ordinary = [], []
        self._opened_at = self._urgent_since = None
        return batch
