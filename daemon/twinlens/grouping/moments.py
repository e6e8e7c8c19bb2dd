"""Capture times as they compare: at the coarser precision, by wall clock where no zone is known.

A time read from a photograph is ISO 8601 with or without a zone, with or without a fraction, at
times a date alone. This module says whether two of them can be one moment; it reads no tags and
guesses no zone.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

QUARTER_HOUR_SECONDS = 900
_CLOCK = re.compile(r"[T ]\d\d:?\d\d(?P<seconds>:?\d\d)?")
_NOTHING = timedelta(0)


class Precision(IntEnum):
    """How finely a time was written down."""

    DAY = 0
    MINUTE = 1
    SECOND = 2
    SUBSECOND = 3


class Agreement(Enum):
    """What two statements of one fact say; UNKNOWN where one of them is silent or too coarse."""

    AGREE = "agree"
    UNKNOWN = "unknown"
    DIFFER = "differ"


@dataclass(frozen=True, slots=True)
class Moment:
    """A capture time: `wall` is the clock's face, `offset` that of its zone, where it is known."""

    wall: datetime
    offset: timedelta | None
    precision: Precision

    @classmethod
    def read(cls, text: str | None, *, has_subseconds: bool) -> "Moment | None":
        """Take an ISO 8601 text apart; None for no text and for one that is no time.

        `has_subseconds` is what the tags said: a fraction of `.000` can be a real one.
        """
        if not text:
            return None
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            return None
        clock = _CLOCK.search(text)
        if clock is None:
            precision = Precision.DAY
        elif clock["seconds"] is None:
            precision = Precision.MINUTE
        elif has_subseconds:
            precision = Precision.SUBSECOND
        else:
            precision = Precision.SECOND
        return cls(stamp.replace(tzinfo=None), stamp.utcoffset(), precision)

    def gap(self, other: "Moment") -> timedelta:
        """The distance, never negative, by wall clock or by instant, whichever is smaller.

        A copy whose zone was filled in from another source shows the same clock face at another
        instant; that is a question of the zone, not of the moment.
        """
        by_wall = abs(self.wall - other.wall)
        if self.offset is None or other.offset is None:
            return by_wall
        by_instant = abs((self.wall - self.offset) - (other.wall - other.offset))
        return min(by_wall, by_instant)

    def cut_to_seconds(self) -> "Moment":
        """The same time without its fraction."""
        return _cut(self, Precision.SECOND)


def same_moment(a: Moment | None, b: Moment | None, *, tolerance_seconds: float) -> Agreement:
    """Whether two times can be the same press of the shutter (field rules 5.2).

    Compared at the coarser precision; `tolerance_seconds` counts only where both have sub-seconds,
    because RAW and JPEG of one shot are stamped up to two seconds apart. A day alone can contradict
    but never confirm.
    """
    if a is None or b is None:
        return Agreement.UNKNOWN
    precision = min(a.precision, b.precision)
    if precision is Precision.DAY:
        apart = abs(a.wall.date() - b.wall.date()) > timedelta(days=1)
        return Agreement.DIFFER if apart else Agreement.UNKNOWN
    if precision is Precision.SUBSECOND:
        is_same = a.gap(b) <= timedelta(seconds=tolerance_seconds)
    else:
        is_same = _cut(a, precision).gap(_cut(b, precision)) == _NOTHING
    return Agreement.AGREE if is_same else Agreement.DIFFER


def is_corrected_clock(a: Moment | None, b: Moment | None) -> bool:
    """True where only the clock's setting differs: below the quarter hour all digits are equal.

    Asked only of times with sub-seconds: two shots fall on the same one with a chance below 1 in
    90,000, while a series taken every hour on the hour has no sub-seconds to agree on.
    """
    if a is None or b is None or min(a.precision, b.precision) is not Precision.SUBSECOND:
        return False
    gap = a.gap(b)
    return gap % timedelta(seconds=QUARTER_HOUR_SECONDS) == _NOTHING and a.wall.microsecond != 0


def _cut(moment: Moment, precision: Precision) -> Moment:
    wall = moment.wall.replace(microsecond=0)
    if precision is Precision.MINUTE:
        wall = wall.replace(second=0)
    return Moment(wall, moment.offset, precision)
