"""Reads the text of one date tag, as hostile as it comes, into a moment or a reason against it.

| text                                              | reading                                   |
|---------------------------------------------------|-------------------------------------------|
| `2019:05:01 10:20:30`, with `-`, `/`, `.` or `T`  | as it stands: the year comes first        |
| `2019:5:1  9: 3: 1`, `20190501 102030`            | as it stands: padding and compact forms   |
| `...30.18`, `...30,18`                            | the fraction is kept as found             |
| `...30Z`, `+02:00`, `+0200`, `+02:00 DST`         | the zone is kept; an impossible one is not |
| `10:20:30 PM`                                     | 22:20:30; `15:20:30 PM` stays 15:20:30    |
| `2019:05:01`, `2019:05:01   :  :  `               | a date alone                              |
| `2019:05:01 10:20`                                | to the minute                             |
| blanks, NULs, `    :  :     :  :  `, zeros        | rejected: never set                       |
| month 13, 30 February, hour 24 or 25, second 60   | rejected: `24:00` may be either midnight  |
| `05/01/2019`, `19:05:01`                          | rejected: ambiguous                       |
| `2019`, `2019:05`                                 | rejected: incomplete, but it may contradict |
| a clock that was never set (see `unset_clock`)    | rejected: evidence of a clock fault       |
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from twinlens.analysis.moments import Moment, Precision, moment_of, parse_zone

EVIDENCE_LENGTH = 64
NO_DAY = "no day"
"""The reason against a year or a month alone: it can contradict, but is no date."""

_FIRST_PHOTOGRAPH_YEAR = 1826
_TOO_OLD = "before photography"
_EPOCH_DAYS = {(1904, 1, 1), (1970, 1, 1), (1980, 1, 1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_BLANK = re.compile(r"[\s:/.\-]*")
_ZEROS = re.compile(r"[\s:/.\-T0Z+]*")
_DATE = r"([0-9]{4})([:/.\-])\s?([0-9]{1,2})\2\s?([0-9]{1,2})"
_TIME = r"([0-9]{1,2}):\s?([0-9]{1,2})(?::\s?([0-9]{1,2})(?:[.,]([0-9]+))?)?"
_TAIL = r"\s*(?:([AaPp])\.?[Mm]\.?)?\s*(Z|z|UTC|GMT|[+-][0-9]{1,2}(?::?[0-9]{2})?)?(?: DST)?"
_FULL = re.compile(rf"{_DATE}(?:[T ]\s*{_TIME}{_TAIL})?[\s:\-]*")
_COMPACT = re.compile(
    r"([0-9]{4})()([0-9]{2})([0-9]{2})"
    rf"(?:[T ]?([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})(?:[.,]([0-9]+))?{_TAIL})?"
)
_INCOMPLETE = re.compile(r"([0-9]{4})(?:[:/.\-]([0-9]{1,2}))?")
_AMBIGUOUS = re.compile(r"[0-9]{1,2}([:/.\-])[0-9]{1,2}\1[0-9]{2,4}(?:[^0-9].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: a moment, or the reason why it is not believed (never both)."""

    moment: Moment | None
    rejected: str | None = None


def read_text(text: str) -> Reading:
    """Read the text of a date tag by the table above. Never raises."""
    text = text.partition("\0")[0].strip()
    if _BLANK.fullmatch(text):
        return Reading(None, "blank")
    if _ZEROS.fullmatch(text):
        return Reading(None, "zeros")
    match = _FULL.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        return Reading(None, _why_unreadable(text))
    is_old = int(match[1]) < _FIRST_PHOTOGRAPH_YEAR
    return judge(_from_match(match), _TOO_OLD if is_old else "no such day or time")


def stated_moment(text: str) -> Moment | None:
    """The moment that a text states, believed or not: what an unset clock says is evidence."""
    text = text.partition("\0")[0].strip()
    match = _FULL.fullmatch(text) or _COMPACT.fullmatch(text)
    return None if match is None else _from_match(match)


def incomplete_moment(text: str) -> Moment | None:
    """The year or the month that a text states alone; None where it says less, or more."""
    match = _INCOMPLETE.fullmatch(text.strip())
    if match is None or int(match[1]) < _FIRST_PHOTOGRAPH_YEAR:
        return None
    return moment_of(tuple(int(part) for part in match.groups() if part is not None))


def read_epoch(text: str) -> Reading:
    """Read whole seconds since 1970 in UTC; before that they are negative."""
    text = text.strip()
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        return Reading(None, "not a date")
    return judge(from_epoch(int(text) * 1000, with_fraction=False), "no such day or time")


def from_epoch(milliseconds: int, *, with_fraction: bool) -> Moment | None:
    """The moment in UTC, so many milliseconds after 1970; None beyond the calendar."""
    try:
        when = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    fields = (when.year, when.month, when.day, when.hour, when.minute, when.second)
    return moment_of(fields, timedelta(), f"{milliseconds % 1000:03d}" if with_fraction else "")


def judge(moment: Moment | None, if_none: str) -> Reading:
    """Reject what is no moment (`if_none` says why) and what only a clock at fault can say."""
    if moment is None:
        return Reading(None, if_none)
    if moment.local.year < _FIRST_PHOTOGRAPH_YEAR:
        return Reading(None, _TOO_OLD)
    if unset_clock(moment):
        return Reading(None, "clock never set")
    return Reading(moment)


def unset_clock(moment: Moment) -> bool:
    """True for what clocks say before they are set (field rules, section 7).

    The epochs of Macintosh (1904), Unix (1970, and its eve in the Americas) and DOS (1980); the
    first minute of 2000; 2002-12-08 12:00:00, an Android bug.
    """
    if moment.precision < Precision.DAY:
        return False
    local = moment.local
    day = (local.year, local.month, local.day)
    if day in _EPOCH_DAYS:
        return True
    if not moment.has_time:
        return False
    if day == (1969, 12, 31):
        return 14 <= local.hour <= 21 and (local.minute, local.second) == (0, 0)
    if day == (2000, 1, 1):
        return (local.hour, local.minute) == (0, 0)
    return (*day, local.hour, local.minute, local.second) == (2002, 12, 8, 12, 0, 0)


def as_evidence(text: str) -> str:
    """The text as found, cut, with what a database or a terminal cannot hold made visible."""
    visible = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:EVIDENCE_LENGTH])
    return visible[:EVIDENCE_LENGTH]


def _from_match(match: re.Match[str]) -> Moment | None:
    year, _, month, day, hour, minute, second, fraction, half, zone = match.groups()
    date = (int(year), int(month), int(day))
    if hour is None:
        return moment_of(date)
    clock = (_hour(int(hour), half), int(minute), *((int(second),) if second else ()))
    return moment_of((*date, *clock), parse_zone(zone or ""), fraction or "")


def _hour(hour: int, half: str | None) -> int:
    if half is None or not 1 <= hour <= 12:
        return hour
    return hour % 12 + (12 if half in "Pp" else 0)


def _why_unreadable(text: str) -> str:
    if _INCOMPLETE.fullmatch(text):
        return NO_DAY
    if _AMBIGUOUS.fullmatch(text):
        return "ambiguous"
    return "not a date"
