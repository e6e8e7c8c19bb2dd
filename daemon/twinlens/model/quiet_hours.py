"""Spans of the day in which long passes wait.

They are read off the clock on the wall: when it is put forward or back, a span is an hour shorter
or longer, and it still ends when the clock says so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

_DAY = 24 * 60
_SPAN = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Spans as (first minute, minute after the last) of the day; one whose end is not after its
    start goes over midnight."""

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "QuietHours":
        """From texts like "08:00-22:30"; ValueError where one is none, or no minute is left."""
        quiet = cls(tuple(span_of(text) for text in texts))
        if not quiet.minutes_left():
            raise ValueError("no minute of the day is left: long passes would never run")
        return quiet

    def minutes_left(self) -> int:
        """The minutes of the day that no span holds."""
        return sum(self._end(minute) is None for minute in range(_DAY))

    def until(self, now: datetime) -> datetime | None:
        """When the quiet that holds at `now`, a time of the local clock, will end; None where none
        does. Spans that touch are one."""
        minute = now.hour * 60 + now.minute
        last = minute
        while (end := self._end(last % _DAY)) is not None:
            last += (end - last) % _DAY or _DAY
        if last == minute:
            return None
        return datetime.combine(now.date(), time(), now.tzinfo) + timedelta(minutes=last)

    def _end(self, minute: int) -> int | None:
        """The end of a span that a minute of the day lies in."""
        for start, end in self.spans:
            is_in = start <= minute < end if start < end else minute >= start or minute < end
            if is_in:
                return end
        return None


def span_of(text: str) -> tuple[int, int]:
    """A span from a text like "08:00-22:30"; ValueError where it is none."""
    match = _SPAN.fullmatch(text.strip())
    hours = [int(match[1]), int(match[3])] if match else [99]
    if match is None or hours[0] > 23 or hours[1] * 60 + int(match[4]) > _DAY:
        raise ValueError('a span of the day is written "08:00-22:30"')
    start, end = hours[0] * 60 + int(match[2]), hours[1] * 60 + int(match[4])
    if end - start == _DAY:
        raise ValueError("a span of the whole day: long passes would never run")
    if start == end % _DAY:
        raise ValueError("a span that ends when it begins")
    return start, end
