"""Decides when a picture was taken: weighs every statement and says how far the winner is believed.

Levels (field rules, section 7): **high** is several sources that agree, or one with a known zone;
**medium** one reliable source; **low** a name alone, or sources in conflict; **none** nothing.
Nothing here is called high while another statement contradicts it.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from twinlens.analysis.containerdates import with_told_zone
from twinlens.analysis.datenames import name_candidates
from twinlens.analysis.datetags import belief, content_candidates
from twinlens.analysis.datetext import (
    NO_DAY,
    as_evidence,
    from_epoch,
    incomplete_moment,
    judge,
)
from twinlens.analysis.moments import (
    Moment,
    Precision,
    gap,
    nearest_zone,
    parse_iso,
    same_moment,
    wall_clock,
)
from twinlens.analysis.ranks import Rank
from twinlens.model.clocks import ClockDoubt
from twinlens.model.picture import Confidence, DateCandidate, TakenAt

# The other rooms come for dates here; the parts are other modules of this room.
__all__ = [
    "CLOCK",
    "FUTURE",
    "choose",
    "clock_candidate",
    "conflicts",
    "content_candidates",
    "file_system_candidate",
    "name_candidates",
    "same_moment",
    "wall_clock",
]

FUTURE = "future"
"""The reason against a statement that lies over a day ahead; the only one that passes with time."""

_DAY = timedelta(days=1)
_YEAR = timedelta(days=366)
_DAY_NS = 86_400 * 1_000_000_000
_SAME = timedelta(seconds=2)
_RECORDING = timedelta(minutes=10)
"""How long a recording may be whose container tells its end and whose name its start."""
_FIX_AGE = timedelta(minutes=2)
_DRIFT = timedelta(hours=1)
_LEVELS = (Confidence.NONE, Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
_FIRST_CAMERA_YEAR = 1990
"""Before, no camera stamped its files: somebody wrote the date, or a clock was at fault."""
_MODIFIED_ON_DISK = "mtime"
_SIBLING = "sibling:"
CLOCK = "clock:"
"""How the sources begin that tell of a fault of the camera's clock."""

_FAULTS = {
    "never_set": "the camera's clock was not set",
    "jumped": "the camera's clock jumped",
    "offset": "the camera's clock was off",
}


class _Relation(Enum):
    """What another statement means for the winner."""

    SILENT = auto()
    AGREES = auto()
    DISAGREES = auto()
    """Something is odd, but it can be explained: never high."""
    CONFLICTS = auto()
    """One of the two is wrong: a level less."""


def choose(candidates: Iterable[DateCandidate], *, now: datetime) -> TakenAt:
    """Pick the capture time by rank and say how far it is believed. The order does not matter.

    A date alone gives way to the best statement of a time on that very day, the year of a folder to
    a change in it. `now` (naive means UTC)
    only rejects what lies over a day in the future; that, too, is kept as evidence.
    """
    weighed = _weighed(candidates, now)
    found = _winner(weighed)
    if found is None:
        return TakenAt(None, None, Confidence.NONE, tuple(weighed))
    winner, moment = found
    others = [(c, m) for c in weighed if c != winner and (m := _stated(c))]
    doubts = [relation for c in weighed if (relation := _doubt(winner, moment, c)) is not None]
    confidence = _confidence(winner, moment, others, doubts)
    return TakenAt(winner.value, winner.source, confidence, tuple(weighed))


def chosen_value(candidates: Iterable[DateCandidate], *, now: datetime) -> str | None:
    """The capture time that `choose` picks, without how far it is believed."""
    found = _winner(_weighed(candidates, now))
    return None if found is None else found[0].value


def _weighed(candidates: Iterable[DateCandidate], now: datetime) -> list[DateCandidate]:
    """Each candidate once, rejected where it cannot be; the most believed first."""
    judged = {_judged(candidate, now) for candidate in candidates}
    return sorted({_told(candidate, judged) for candidate in judged}, key=_by_belief)


def _winner(weighed: Iterable[DateCandidate]) -> tuple[DateCandidate, Moment] | None:
    believed = [(c, m) for c in weighed if c.rejected is None and (m := parse_iso(c.value))]
    return _sharpened(believed) if believed else None


def conflicts(taken: TakenAt) -> tuple[DateCandidate, ...]:
    """The statements that contradict the winner: the flag behind a lowered level.

    Nothing contradicts the user.
    """
    moment = parse_iso(taken.value or "")
    if moment is None:
        return ()
    winner = next((c for c in taken.candidates if _is_stated_by(taken, moment, c)), None)
    if winner is None or winner.rank == Rank.USER:
        return ()
    return tuple(
        other
        for other in taken.candidates
        if _doubt(winner, moment, other) is not None
        or (
            other != winner
            and (stated := _stated(other)) is not None
            and _relation(winner, moment, other, stated) is _Relation.CONFLICTS
        )
    )


def _stated(candidate: DateCandidate) -> Moment | None:
    """What a candidate has to say of the winner: a year or a month alone is no date, but speaks."""
    if candidate.rejected is None:
        return parse_iso(candidate.value)
    return incomplete_moment(candidate.value) if candidate.rejected == NO_DAY else None


def clock_candidate(doubt: ClockDoubt) -> DateCandidate:
    """A fault of the camera's clock as a statement: the time it told is not believed.

    It can be chosen by nobody, and lowers what says the very same: the camera, or whoever copied
    its word.
    """
    reason = f"{_FAULTS[doubt.fault]}: {'; '.join(doubt.evidence)}"
    return DateCandidate(f"{CLOCK}{doubt.fault}", doubt.stated, Rank.LOCAL, reason)


def _doubt(winner: DateCandidate, moment: Moment, other: DateCandidate) -> _Relation | None:
    """What a fault of the clock means for the winner; None for all else, and where the winner says
    another time than that clock did."""
    stated = parse_iso(other.value) if other.source.startswith(CLOCK) else None
    if stated is None or winner.rank == Rank.USER or abs(moment.local - stated.local) > _SAME:
        return None
    # A series that is off is known by how much, and mostly by minutes; a jump by whole days.
    is_off = other.source == f"{CLOCK}offset"
    return _Relation.DISAGREES if is_off else _Relation.CONFLICTS


def _is_stated_by(taken: TakenAt, moment: Moment, candidate: DateCandidate) -> bool:
    """True for the winner's candidate; its zone may have been told by the others only later."""
    if candidate.source != taken.source or candidate.rejected is not None:
        return False
    stated = parse_iso(candidate.value)
    return stated is not None and stated.local == moment.local


def file_system_candidate(mtime_ns: int, first_seen_ns: int) -> DateCandidate | None:
    """What the file's own time says; None where it is about the time of arrival or after it.

    "About" is a day: a copy that takes the night is seen in the morning, and then says nothing.
    """
    if mtime_ns > first_seen_ns - _DAY_NS:
        return None
    reading = judge(from_epoch(mtime_ns // 1_000_000, with_fraction=False), "no such day or time")
    if reading.moment is None:
        text = as_evidence(f"{mtime_ns} ns")
        return DateCandidate(_MODIFIED_ON_DISK, text, Rank.MODIFIED, reading.rejected)
    return DateCandidate(_MODIFIED_ON_DISK, reading.moment.iso(), Rank.MODIFIED)


def _told(candidate: DateCandidate, every: Collection[DateCandidate]) -> DateCandidate:
    """A container's time with the zone that names, sidecars and the like tell."""
    moment = parse_iso(candidate.value) if candidate.rejected is None else None
    if moment is None or candidate.rank != Rank.CONTAINER:
        return candidate
    others = (
        stated
        for other in every
        if other.rejected is None
        and other.rank <= Rank.FULL_NAME
        and other.rank != Rank.CONTAINER
        and (stated := parse_iso(other.value)) is not None
    )
    return replace(candidate, value=with_told_zone(moment, others, _RECORDING).iso())


def _judged(candidate: DateCandidate, now: datetime) -> DateCandidate:
    """Reject what cannot be: the future, and values that are no ISO 8601."""
    if candidate.rejected is not None:
        return candidate
    moment = parse_iso(candidate.value)
    if moment is None:
        return replace(candidate, value=as_evidence(candidate.value), rejected="not a date")
    if moment.precision is Precision.YEAR and candidate.rank != Rank.FOLDER:
        return replace(candidate, rejected="not a date")
    present = now if now.tzinfo is None else now.astimezone(UTC).replace(tzinfo=None)
    # A local time may run ahead of UTC by most of a day, so the one limit serves both.
    stated = moment.local if moment.utc is None else moment.utc
    return replace(candidate, rejected=FUTURE) if stated - present > _DAY else candidate


def _by_belief(candidate: DateCandidate) -> tuple[int, int, str, str, str]:
    return (
        candidate.rank,
        belief(candidate.source),
        candidate.source,
        candidate.value,
        candidate.rejected or "",
    )


def _sharpened(believed: list[tuple[DateCandidate, Moment]]) -> tuple[DateCandidate, Moment]:
    """The first, or the best with a time of day where the first is a date alone; where it is a
    folder's year, the best that lies in it."""
    winner, day = believed[0]
    if day.has_time or winner.rank == Rank.USER:
        return winner, day
    for candidate, moment in believed:
        if day.precision is Precision.YEAR and candidate.rank == Rank.MODIFIED:
            if moment.local.year == day.local.year:
                return candidate, moment
            continue
        has_time = candidate.rank <= Rank.FULL_NAME and moment.has_time
        if has_time and moment.local.date() == day.local.date():
            return candidate, moment
    return winner, day


def _confidence(
    winner: DateCandidate,
    moment: Moment,
    others: list[tuple[DateCandidate, Moment]],
    doubts: list[_Relation],
) -> Confidence:
    if winner.rank == Rank.USER:
        return Confidence.HIGH
    level = (
        3 if winner.rank <= Rank.ZONE_IN_CONTAINER else 2 if winner.rank <= Rank.FULL_NAME else 1
    )
    relations = {c: _relation(winner, moment, c, stated) for c, stated in others}
    is_witnessed = any(
        relation is _Relation.AGREES and _is_witness(winner, moment, other)
        for other, relation in relations.items()
    )
    found = {*relations.values(), *doubts}
    if _Relation.CONFLICTS in found:
        level = max(1, level - 1)
    elif _Relation.DISAGREES in found:
        level = min(2, level)
    elif level == 2 and is_witnessed:
        level = 3
    if _is_only_a_year(moment) and not is_witnessed:
        level = 1
    return _LEVELS[level]


def _is_only_a_year(moment: Moment) -> bool:
    """Midnight on 1 January, to the second: what clocks start at and what stands for a year."""
    local = moment.local
    return (
        moment.has_time
        and (local.month, local.day) == (1, 1)
        and not any((local.hour, local.minute, local.second, local.microsecond))
    )


def _relation(
    winner: DateCandidate, moment: Moment, other: DateCandidate, stated: Moment
) -> _Relation:
    """What `other` means for `winner`. Folders and mtime are set by hands and tools: silent, but
    for a folder of years before what may be the time of a scan or an export."""
    apart = gap(moment, stated)
    if other.rank == Rank.FOLDER:
        is_of_old = winner.rank >= Rank.TAKEOUT and apart < -_YEAR
        return _Relation.CONFLICTS if is_of_old else _Relation.SILENT
    if other.source == _MODIFIED_ON_DISK:
        return _Relation.SILENT
    if other.rank in {Rank.DATE_IN_NAME, Rank.MODIFIED}:
        # Sent or changed later is the rule; before it was taken cannot be.
        return _Relation.CONFLICTS if apart < -_DAY else _Relation.SILENT
    if abs(apart) > _DAY:
        return _Relation.DISAGREES if _may_be_later(other, apart) else _Relation.CONFLICTS
    return _within_a_day(moment, other, stated)


def _within_a_day(moment: Moment, other: DateCandidate, stated: Moment) -> _Relation:
    """Up to a day apart: the same time, a question of zones, a clock that drifts, or odd."""
    apart = gap(moment, stated)
    if not (moment.has_time and stated.has_time):
        return _Relation.SILENT
    tolerance = _FIX_AGE if "GPS" in other.source else _SAME
    if abs(apart) <= tolerance:
        return _Relation.AGREES
    if abs(apart) <= _DRIFT or nearest_zone(-apart, tolerance) is not None:
        return _Relation.SILENT
    return _Relation.DISAGREES


def _may_be_later(other: DateCandidate, apart: timedelta) -> bool:
    """Scanned, exported, saved or sent after it was taken: a difference with an explanation."""
    made_later = other.rank in {Rank.DIGITIZED, Rank.FULL_NAME} and "GPS" not in other.source
    return made_later and apart > timedelta()


def _is_witness(winner: DateCandidate, moment: Moment, other: DateCandidate) -> bool:
    """True where agreement means something: another clock or another writer says the same.

    A camera that writes the same time as original and as digitized made the picture itself, so
    that counts; two tags of one editor or one container do not. On 1 January, where clocks start
    after a reset, only another clock counts.
    """
    if other.rank > Rank.FULL_NAME or other.source == winner.source:
        return False
    if other.source.startswith(_SIBLING):
        # Two files of one press of the shutter carry one clock's word twice.
        return False
    clock, other_clock = _clock(winner.source), _clock(other.source)
    if (moment.local.month, moment.local.day) == (1, 1):
        return other_clock not in {clock, "editor"}
    if moment.local.year < _FIRST_CAMERA_YEAR:
        return other_clock != clock
    return other_clock != clock or (clock == "camera" and winner.rank == Rank.LOCAL)


def _clock(source: str) -> str:
    """Who wrote a statement."""
    if "GPS" in source:
        return "satellite"
    if source == "sidecar:takeout":
        return "editor"
    group = source.removeprefix("sidecar:").partition(":")[0]
    if group in {"EXIF", "MakerNotes", "SigmaRaw", "RIFF", "H264", "APP12"}:
        return "camera"
    return "editor" if group in {"XMP", "IPTC", "PNG", "FlashPix"} else group
