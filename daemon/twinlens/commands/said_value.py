"""The `--value` of a decision: a date or a tag as the owner types it, checked and made uniform."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from twinlens.analysis.moments import Moment, Precision, parse_iso
from twinlens.errors import UsageError

LONGEST_TAG = 100
"""Characters; a tag is a word or two, not a description."""

FIRST_PHOTOGRAPH_YEAR = 1826

_COMPACT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})"
    r"(?:T([0-9]{2})([0-9]{2})(?:([0-9]{2})([.,][0-9]+)?)?(Z|[+-][0-9]{2}:?(?:[0-9]{2})?)?)?"
)
_HOURS_ALONE = re.compile(r"(.*[T ][0-9:.,]+[+-][0-9]{2})")
_FORMS = "write it as 2019-05-01, 2019-05-01T10:20:30 or 2019-05-01T10:20:30+02:00"


def said_date(text: str, now: datetime) -> str:
    """A date or a time in ISO 8601, with or without a zone, as the store keeps it.

    Raises UsageError for what is no date, what the calendar does not have, what no zone on earth
    is, and what lies before photography or over a day in the future (`now` is aware).
    """
    typed = text.strip()
    moment = parse_iso(_extended(typed))
    if moment is None or moment.precision < Precision.DAY or not _has_its_zone(typed, moment):
        raise UsageError(f"{_shown(text)} is no date with a day that the calendar has", _FORMS)
    if moment.local.year < FIRST_PHOTOGRAPH_YEAR:
        raise UsageError(f"{_shown(text)} lies before the first photograph", _FORMS)
    stated = moment.local if moment.utc is None else moment.utc
    if stated - now.astimezone(UTC).replace(tzinfo=None) > timedelta(days=1):
        raise UsageError(f"{_shown(text)} lies in the future", "see the clock of this machine")
    return moment.iso()


def said_tag(text: str) -> str:
    """A tag, without blanks around it and in Unicode's composed form (NFC)."""
    tag = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    if not tag:
        raise UsageError("the tag is empty", "give it a word: --value beach")
    if len(tag) > LONGEST_TAG:
        raise UsageError(
            f"the tag has {len(tag)} characters", f"a tag has {LONGEST_TAG} at most; shorten it"
        )
    if not tag.isprintable():
        raise UsageError(
            f"the tag {_shown(text)} holds characters that cannot be seen", "type it by hand"
        )
    return tag


def _extended(text: str) -> str:
    """The compact form of ISO 8601 in its long form, and a zone of hours alone with its minutes."""
    compact = _COMPACT.fullmatch(text)
    if compact is not None:
        year, month, day, hour, minute, second, fraction, zone = compact.groups()
        text = f"{year}-{month}-{day}"
        if hour is not None:
            text += f"T{hour}:{minute}" + (f":{second}{fraction or ''}" if second else "")
            text += zone or ""
    return f"{text}:00" if _HOURS_ALONE.fullmatch(text) else text


def _has_its_zone(text: str, moment: Moment) -> bool:
    """False where a zone was typed and is none: it must not be dropped in silence."""
    tail = re.split(r"[T ]", text, maxsplit=1)[1:]
    was_typed = bool(tail) and re.search(r"Z|[+-]", tail[0]) is not None
    return moment.offset is not None or not was_typed


def _shown(text: str) -> str:
    cut = text if len(text) <= 64 else f"{text[:64]}…"
    return ascii(cut) if not cut.isprintable() else f"“{cut}”"
