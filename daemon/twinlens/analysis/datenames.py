"""Finds dates in the names of files and folders.

Guards: a real calendar date from 1990 on, not preceded by a digit, not inside a longer serial. A
folder speaks from the first photograph on, and of a year alone, too: people sort their scans so;
other digits or a unit beside the year make it none. The future is left to `choose`, which knows the
time. It refuses day-first and month-first dates
(`12-05-1987` may be either), except Telegram's, which always writes `@DD-MM-YYYY_HH-MM-SS`.

| name                                                    | zone  |
|---------------------------------------------------------|-------|
| `PXL_20190501_082030123`, `20190501_082030000_iOS`      | UTC   |
| `1556698830123` (milliseconds since 1970)               | UTC   |
| `IMG_`, `VID_`, `Screenshot_`... `20190501_102030[123]` | local |
| `WP_20190501_10_20_30_Pro`                              | local |
| `IMG20190501102030`, `..._BURST20190501102030123`       | local |
| `2019-05-01 10.20.30`, ` at 10.20.30 AM`, `-10-20-30`   | local |
| `2019-05-01 um 10.20.30`, ` à `, ` alle `, ` a las `    | local |
| `signal-2019-05-01-102030`, `..-10-20-30-123`           | local |
"""

import os
import re
import unicodedata
from datetime import timedelta

from twinlens.analysis.datetext import as_evidence, from_epoch, judge
from twinlens.analysis.moments import Moment, moment_of
from twinlens.analysis.ranks import Rank
from twinlens.model.picture import DateCandidate

_FIRST_YEAR, _LAST_YEAR = 1990, 2099
_FIRST_PHOTOGRAPH_YEAR = 1826

_YMD = r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
_HMS = r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})"
_DASHED = r"(?P<year>[0-9]{4})(?P<sep>[-_.])(?P<month>[0-9]{2})(?P=sep)(?P<day>[0-9]{2})"
_CLOCK = r"(?P<hour>[0-9]{1,2})(?P<gap>[-_.:\s]?)(?P<minute>[0-9]{2})(?P=gap)(?P<second>[0-9]{2})"
# Between date and time in the names of screenshots, by the language of the system.
_AT = "at|um|à|às|alle|a\\slas|om|kl\\.?|o|в"

_FULL = (
    re.compile(rf"(?<![0-9]){_YMD}[_\-T\s]{_HMS}(?P<milli>[0-9]{{3}})?(?![0-9])"),
    re.compile(
        rf"(?<![0-9]){_YMD}_"
        r"(?P<hour>[0-9]{2})_(?P<minute>[0-9]{2})_(?P<second>[0-9]{2})(?![0-9])"
    ),
    re.compile(rf"(?<![0-9]){_YMD}{_HMS}(?P<milli>[0-9]{{3}})?(?![0-9])"),
    re.compile(
        rf"(?<![0-9]){_DASHED}(?:\s(?:{_AT})\s|,\s|[\s_T-]){_CLOCK}"
        r"(?:[-.](?P<milli>[0-9]{3}))?(?![0-9])(?:\s?(?P<half>[AaPp])[Mm]\b)?"
    ),
    re.compile(
        r"@(?P<day>[0-9]{2})-(?P<month>[0-9]{2})-(?P<year>[0-9]{4})_"
        r"(?P<hour>[0-9]{2})-(?P<minute>[0-9]{2})-(?P<second>[0-9]{2})(?![0-9])"
    ),
)
# `received_` is followed by a number of the sender's service, which may look like a time.
_EPOCH = re.compile(r"(?:(?<![^\W_])(?<!received_)|(?<=mmexport))(?P<epoch>1[0-9]{12})(?![^\W_])")
_DATE = (
    re.compile(rf"(?<![^\W_])(?<![0-9]{{7}}[-_]){_YMD}(?![^\W_]|[-_][0-9]{{7}})"),
    re.compile(rf"(?<![^\W_])(?<![0-9][-_.]){_DASHED}(?![^\W_]|[-_.][0-9]{{7}})"),
)
_UTC_NAME = re.compile(r"PXL_|.*_iOS(?![a-z])", re.IGNORECASE)
_DAY_FOLDER = re.compile(
    r"(?P<year>[0-9]{4})([-_.]?)(?P<month>[0-9]{2})\2(?P<day>[0-9]{2})(?![0-9])"
)
_MONTH_FOLDER = re.compile(r"(?P<year>[0-9]{4})[-_. ](?P<month>[0-9]{2})(?![0-9])[^0-9]*")
# A year alone or among words; what it stands beside must not make it a size or a number of things.
_YEAR_FOLDER = re.compile(
    r"(?:[^0-9]*[-_.,\s(])?(?<!iso )(?P<year>[0-9]{4})"
    r"(?!\s*(?:px|pixels?|dpi|ppi|iso|mm|cm|x|k|[km]b|p)(?![^\W_]))(?:[-_.,\s)][^0-9]*)?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"[0-9]{4}")
_MONTH_OR_DAY = re.compile(r"[0-9]{2}")


def name_candidates(path: bytes) -> tuple[DateCandidate, ...]:
    """What the name of a file and its folders say of the date; best rank first. Never raises.

    The name gives a full time (rank 9) or else a date alone (10); the deepest folder that is a
    date (`2019/05`, `2019/05/01`, `2019-05-01 Rome`, `Summer 1995`) gives 11, for a month as
    `2019-05`, for a year as `1995`. A name
    that says what only an unset clock says is kept as rejected.
    """
    *folders, name = (
        unicodedata.normalize("NFC", part.decode("utf-8", "surrogateescape"))
        for part in path.split(b"/")
    )
    stem = os.path.splitext(name)[0]
    found = []
    full = _full_time(stem)
    if full is not None:
        found.append(_candidate("name", full, Rank.FULL_NAME))
    elif (day := _first(_DATE, stem)) is not None:
        found.append(_candidate("name_date", day, Rank.DATE_IN_NAME))
    if (folder := _folder_date(folders)) is not None:
        found.append(_candidate("folder", folder, Rank.FOLDER))
    return tuple(found)


def _candidate(source: str, moment: Moment, rank: Rank) -> DateCandidate:
    reason = judge(moment, "").rejected
    return DateCandidate(source, as_evidence(moment.iso()), rank, reason)


def _full_time(stem: str) -> Moment | None:
    moment = _first(_FULL, stem)
    if moment is not None:
        return moment
    match = _EPOCH.search(stem)
    return from_epoch(int(match["epoch"]), with_fraction=True) if match else None


def _first(patterns: tuple[re.Pattern[str], ...], stem: str) -> Moment | None:
    """The first moment that passes the guards, by pattern, then from the left."""
    offset = timedelta() if _UTC_NAME.match(stem) else None
    for pattern in patterns:
        for match in pattern.finditer(stem):
            moment = _moment(match.groupdict(), offset)
            if moment is not None:
                return moment
    return None


def _moment(parts: dict[str, str | None], offset: timedelta | None) -> Moment | None:
    year, month, day = (int(parts[name] or 0) for name in ("year", "month", "day"))
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    if parts.get("hour") is None:
        return moment_of((year, month, day))
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    half = parts.get("half")
    if half is not None and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    fields = (year, month, day, hour, minute, second)
    return moment_of(fields, offset, parts.get("milli") or "")


def _folder_date(folders: list[str]) -> Moment | None:
    """The deepest folder that is a date, alone or together with its parents."""
    for depth in range(len(folders) - 1, -1, -1):
        name = folders[depth]
        moment = _day_of_folder(name) or _nested(folders, depth) or _span_of_folder(name)
        if moment is not None:
            return moment
    return None


def _day_of_folder(name: str) -> Moment | None:
    match = _DAY_FOLDER.match(name)
    if match is None:
        return None
    # Eight digits in a row are a serial number as easily as a day of old.
    first = _FIRST_PHOTOGRAPH_YEAR if match[2] else _FIRST_YEAR
    year, month, day = (int(match[part]) for part in ("year", "month", "day"))
    return moment_of((year, month, day)) if first <= year <= _LAST_YEAR else None


def _span_of_folder(name: str) -> Moment | None:
    """The month or the year that a folder names."""
    for pattern in (_MONTH_FOLDER, _YEAR_FOLDER):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        fields = tuple(int(part) for part in match.groups())
        moment = moment_of(fields) if _FIRST_PHOTOGRAPH_YEAR <= fields[0] <= _LAST_YEAR else None
        if moment is not None:
            return moment
    return None


def _nested(folders: list[str], depth: int) -> Moment | None:
    """`YYYY/MM/DD` or `YYYY/MM` that ends at `depth`."""
    for length in (3, 2):
        parts = folders[depth - length + 1 : depth + 1] if depth >= length - 1 else []
        if not parts or not _YEAR.fullmatch(parts[0]):
            continue
        if not all(_MONTH_OR_DAY.fullmatch(part) for part in parts[1:]):
            continue
        fields = tuple(int(part) for part in parts)
        if _FIRST_PHOTOGRAPH_YEAR <= fields[0] <= _LAST_YEAR:
            return moment_of(fields)
    return None
