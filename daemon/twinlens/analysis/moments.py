"""A moment as a picture states it: local time, the zone where it is known, and how exact it is.

The ISO text of `DateCandidate.value` and `TakenAt.value` is read and written here, and here two of
them are compared. It refuses to guess: what has no zone is compared as local time, what has no
time of day as a day.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import lru_cache

_FIRST_YEAR = 2
_LAST_YEAR = 9998  # a zone applied to it must not leave what datetime can hold
_DEFAULTS = (1, 1, 1, 0, 0, 0)
_BURST_SPAN = timedelta(seconds=2)
_MINUTE = timedelta(minutes=1)
_QUARTER_HOUR = timedelta(minutes=15)
_WEST_END = timedelta(hours=-12)
_EAST_END = timedelta(hours=14)
# Zones that are no whole hour, in use today or within the life of digital cameras.
_ODD_ZONES = tuple(
    timedelta(minutes=minutes)
    for minutes in (
        -570,
        -270,
        -210,
        -150,
        210,
        270,
        330,
        345,
        390,
        510,
        525,
        570,
        630,
        690,
        765,
        825,
    )
)

_ISO = re.compile(
    r"([0-9]{4})"
    r"(?:-([0-9]{2})"
    r"(?:-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_ZONE = re.compile(r"([+-])([0-9]{1,2})(?::?([0-9]{2}))?")


class Precision(IntEnum):
    """How exact a moment is; a greater value is more exact."""

    YEAR = 0
    MONTH = 1
    DAY = 2
    MINUTE = 3
    SECOND = 4
    FRACTION = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: naive local time, the zone's offset or None, and the fraction's digits as found.

    Fields below `precision` are zero (1 for a month or day that is not known) and mean nothing.
    """

    local: datetime
    precision: Precision
    offset: timedelta | None = None
    fraction: str = ""

    @property
    def has_time(self) -> bool:
        """True where a time of day is known."""
        return self.precision >= Precision.MINUTE

    @property
    def utc(self) -> datetime | None:
        """The same moment in UTC, naive; None where the zone is not known."""
        return None if self.offset is None else self.local - self.offset

    def iso(self) -> str:
        """ISO 8601, as exact as it is: `2019`, `2019-05`, `2019-05-01`,
        `2019-05-01T10:20:30.18+02:00`."""
        if self.precision is Precision.YEAR:
            return f"{self.local.year:04d}"
        if self.precision is Precision.MONTH:
            return self.local.strftime("%Y-%m")
        if self.precision is Precision.DAY:
            return self.local.date().isoformat()
        unit = "minutes" if self.precision is Precision.MINUTE else "seconds"
        text = self.local.isoformat(timespec=unit)
        if self.precision is Precision.FRACTION:
            text += f".{self.fraction}"
        return text + ("" if self.offset is None else zone_text(self.offset))


def moment_of(
    fields: tuple[int, ...], offset: timedelta | None = None, fraction: str = ""
) -> Moment | None:
    """Build a moment from year, month and as many further fields as are known.

    None where the calendar or the clock has no such moment. A fraction counts only after seconds.
    """
    if not _FIRST_YEAR <= fields[0] <= _LAST_YEAR:
        return None
    digits = fraction[:9] if len(fields) == 6 else ""
    year, month, day, hour, minute, second = fields + _DEFAULTS[len(fields) :]
    micro = int(digits[:6].ljust(6, "0")) if digits else 0
    try:
        local = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001 - local time is the point
    except ValueError:
        return None
    precision = {1: Precision.YEAR, 2: Precision.MONTH, 3: Precision.DAY, 5: Precision.MINUTE}.get(
        len(fields), Precision.FRACTION if digits else Precision.SECOND
    )
    return Moment(local, precision, offset if precision >= Precision.MINUTE else None, digits)


@lru_cache(maxsize=1024)  # one stamp is read fifteen times while its file is recorded
def parse_iso(value: str) -> Moment | None:
    """Read what `Moment.iso` writes and the forms of ISO 8601 close to it, else None."""
    match = _ISO.fullmatch(value)
    if match is None:
        return None
    fields = tuple(int(group) for group in match.groups()[:6] if group is not None)
    return moment_of(fields, parse_zone(match[8] or ""), match[7] or "")


def parse_zone(text: str) -> timedelta | None:
    """Read `Z`, `+02:00`, `+0200` or `+2`; None for blanks and for what no place on earth uses."""
    text = text.strip()
    if text in {"Z", "z", "UTC", "GMT"}:
        return timedelta()
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    offset = -size if match[1] == "-" else size
    fits = _WEST_END <= offset <= _EAST_END and not offset % _QUARTER_HOUR
    return offset if fits else None


def zone_text(offset: timedelta) -> str:
    """Write an offset as `+02:00`; UTC is `+00:00`."""
    minutes = offset // _MINUTE
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def nearest_zone(difference: timedelta, tolerance: timedelta) -> timedelta | None:
    """The zone in use on earth that explains local minus UTC, or None.

    `tolerance` is how far the two clocks may be off beside the zone.
    """
    hours = timedelta(hours=round(difference / timedelta(hours=1)))
    zone = min((hours, *_ODD_ZONES), key=lambda z: abs(difference - z))
    if _WEST_END <= zone <= _EAST_END and abs(difference - zone) <= tolerance:
        return zone
    return None


def gap(a: Moment, b: Moment) -> timedelta:
    """How far `b` lies after `a` (negative: before), zero where their spans touch.

    Instants where both zones are known, else local times. A day, a month or a year is the span it
    covers.
    """
    if a.utc is not None and b.utc is not None:
        return b.utc - a.utc
    a_end, b_end = _end(a), _end(b)
    if b.local >= a_end:
        return b.local - a_end
    if a.local >= b_end:
        return b_end - a.local
    return timedelta()


def _end(moment: Moment) -> datetime:
    if moment.precision is Precision.DAY:
        return moment.local + timedelta(days=1)
    if moment.precision is Precision.MONTH:
        return (moment.local + timedelta(days=31)).replace(day=1)
    if moment.precision is Precision.YEAR:
        return moment.local.replace(year=moment.local.year + 1)
    return moment.local


def wall_clock(value: str) -> datetime | None:
    """The naive local time of an ISO text, its zone left off; None where it is none.

    A date alone gives its midnight, a month or a year its first: ask `precision_of` before using
    the time.
    """
    moment = parse_iso(value)
    return None if moment is None else moment.local


def precision_of(value: str) -> Precision | None:
    """How exact an ISO text is; None where it is none."""
    moment = parse_iso(value)
    return None if moment is None else moment.precision


def same_moment(a: str, b: str, *, subseconds: bool) -> bool:
    """True where two ISO texts may be the same press of the shutter (field rules, section 5).

    Compared as instants where both zones are known, else as local times, at the coarser precision
    of the two. `subseconds` says that both files have sub-seconds of their own: then up to 2 s
    apart is the same (a RAW and its JPEG are written one after the other).
    """
    first, second = parse_iso(a), parse_iso(b)
    if first is None or second is None:
        return False
    coarser = min(first.precision, second.precision)
    left, right = first.local, second.local
    if first.utc is not None and second.utc is not None:
        left, right = first.utc, second.utc
    if subseconds and coarser is Precision.FRACTION:
        return abs(left - right) <= _BURST_SPAN
    if coarser is Precision.YEAR:
        return first.local.year == second.local.year
    if coarser is Precision.MONTH:
        return (first.local.year, first.local.month) == (second.local.year, second.local.month)
    if coarser is Precision.DAY:
        return first.local.date() == second.local.date()
    if coarser is Precision.MINUTE:
        left, right = left.replace(second=0), right.replace(second=0)
    return left.replace(microsecond=0) == right.replace(microsecond=0)
