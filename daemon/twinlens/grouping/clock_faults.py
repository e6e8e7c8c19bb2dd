"""Finds where the clock of one camera body was wrong, from the times and counters of its pictures.

Three faults are told (field rules, section 7): a clock that was never set, a clock that jumped
against the frame counter, and a series that is off by a constant from satellites, names or
sidecars. Each names its pictures, the evidence, and the seconds to add to them where those can be
known. Nothing is changed here, and what a counter that starts over or a time zone explains is no
fault.

A file counter ends at 9999, so a single fall of the time proves little: it counts only between
numbers that are neighbours, and not where the run before it may have ended the counter. A body that
is known by its model alone may be two: there a run of one picture proves nothing. A shutter count
never starts over and needs no such care. All limits below are set by judgement and were checked on
real cameras' series; no false fault is worth a found one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
_NEIGHBOURS = 5
"""Numbers so close that the pictures between them were deleted, not taken years apart."""
_FULL, _NEW = 9990, 10
"""Where a file counter is about to start over, or just has."""
_FEWEST_WITNESSED = 3
_STEADY_UTC = timedelta(minutes=2)
_STEADY_LOCAL = timedelta(seconds=5)
_MINUTE = timedelta(minutes=1)
_QUARTER_HOUR = timedelta(minutes=15)
_WEST_END, _EAST_END = timedelta(hours=-12), timedelta(hours=14)
_MOST_DRIFT = timedelta(minutes=7)
"""More beside a zone cannot be told from another zone."""
_FIRST_CAMERAS = 1995
"""Before, the start of a year is what somebody wrote on a scan."""


class FaultKind(StrEnum):
    """What was wrong with the clock."""

    NEVER_SET = "never_set"
    JUMPED = "jumped"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True)
class Witness:
    """Another statement about the same shot: who made it, naive time, and whether it is in UTC."""

    source: str
    at: datetime
    is_utc: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a body: `key` names it, `clock` is what its camera says (naive local time).

    `is_unset` says that only a clock that was never set tells this time. `counter` is the number
    in the name and `series` what it is comparable with (the folder and the letters before it);
    `shutter` a count that never starts over.
    """

    key: str
    clock: datetime
    is_unset: bool = False
    series: str = ""
    counter: int | None = None
    shutter: int | None = None
    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockFault:
    """One fault: the pictures, why it is one, and the seconds to add to their times (or None)."""

    camera: str
    kind: FaultKind
    keys: tuple[str, ...]
    evidence: tuple[str, ...]
    proposed_offset_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """Pictures in a row, with the right ones before and after them, if any."""

    frames: tuple[Frame, ...]
    before: Frame | None
    after: Frame | None


def find_clock_faults(
    camera: str, frames: Iterable[Frame], *, is_one_body: bool
) -> tuple[ClockFault, ...]:
    """The faults of one camera's clock, in any order of the frames the same.

    `is_one_body` is true where a serial number tells the body.
    """
    every = sorted(set(frames), key=lambda f: (f.clock, f.key))
    faults = []
    blamed: set[str] = set()
    for run, counted in _wrong_runs(every, is_one_body=is_one_body):
        fresh = tuple(frame for frame in run.frames if frame.key not in blamed)
        if fresh:
            blamed.update(frame.key for frame in fresh)
            faults.append(_of_run(camera, _Run(fresh, run.before, run.after), counted))
    left = [frame for frame in every if frame.key not in blamed]
    for day in sorted({frame.clock.date() for frame in left if _looks_unset(frame)}):
        # An unset clock ticks on: what else it says on that day is as wrong.
        found = [frame for frame in left if frame.clock.date() == day]
        blamed.update(frame.key for frame in found)
        faults.append(_of_run(camera, _Run(tuple(found), None, None), ""))
    faults.extend(_offsets(camera, [frame for frame in every if frame.key not in blamed]))
    return tuple(sorted(faults, key=lambda f: (f.kind, f.keys)))


def _looks_unset(frame: Frame) -> bool:
    """True for what only unset clocks say, and for midnight on 1 January, to the second."""
    clock = frame.clock
    start = datetime(clock.year, 1, 1)  # noqa: DTZ001 - a camera's clock has no zone
    return frame.is_unset or (clock.year >= _FIRST_CAMERAS and clock == start)


def _wrong_runs(every: Sequence[Frame], *, is_one_body: bool) -> list[tuple[_Run, str]]:
    """Runs whose time contradicts the shutter count, then those that contradict the file counter;
    with the words for what was counted."""
    found: list[tuple[_Run, str]] = []
    counted = [frame for frame in every if frame.shutter is not None]
    if is_one_body and _is_unambiguous([(f.shutter or 0, f.clock) for f in counted]):
        in_order = sorted(counted, key=lambda f: (f.shutter or 0, f.key))
        found += [(run, "shutter count") for run in _falls(in_order)]
    series: dict[str, list[Frame]] = defaultdict(list)
    for frame in every:
        if frame.counter is not None:
            series[frame.series].append(frame)
    for name in sorted(series):
        members = series[name]
        if not _is_unambiguous([(f.counter or 0, f.clock) for f in members]):
            continue
        in_order = sorted(members, key=lambda f: (f.counter or 0, f.key))
        rolls_over = (in_order[-1].counter or 0) >= _FULL and (in_order[0].counter or 0) <= _NEW
        for run in _falls(in_order):
            if _is_proven(run, is_one_body=is_one_body, rolls_over=rolls_over):
                found.append((run, "file counter"))
    return found


def _is_unambiguous(counted: Sequence[tuple[int, datetime]]) -> bool:
    """False where one number stands for shots of different days: the counter started over."""
    days: dict[int, datetime] = {}
    return all(abs(days.setdefault(number, at) - at) <= _DAY for number, at in counted)


def _falls(in_order: Sequence[Frame]) -> list[_Run]:
    """Each run that lies more than a day before, or after, both neighbours by count.

    Where the time falls, either what follows is too early or what came before is too late: the
    side that comes to an end is the wrong one, the shorter of two.
    """
    runs = []
    at = 0
    while at + 1 < len(in_order):
        here, following = in_order[at], in_order[at + 1]
        if following.clock >= here.clock - _DAY:
            at += 1
            continue
        end = at + 1
        while end < len(in_order) and in_order[end].clock < here.clock - _DAY:
            end += 1
        start = at
        while start >= 0 and in_order[start].clock > following.clock + _DAY:
            start -= 1
        is_late_bounded, is_early_bounded = start >= 0, end < len(in_order)
        late, early = in_order[start + 1 : at + 1], in_order[at + 1 : end]
        is_early = is_early_bounded and (not is_late_bounded or len(early) <= len(late))
        if is_early or (not is_late_bounded and any(map(_looks_unset, early))):
            after = in_order[end] if is_early_bounded else None
            runs.append(_Run(tuple(early), here, after))
        elif is_late_bounded:
            runs.append(_Run(tuple(late), in_order[start], following))
        else:
            # Neither ends: the clock was set back, and nobody knows when it was right.
            runs.append(_Run(tuple(early), here, None))
        at = end if is_early else at + 1
    return runs


def _is_proven(run: _Run, *, is_one_body: bool, rolls_over: bool) -> bool:
    """True where neither a counter that started over nor a second body explains the run."""
    if any(map(_looks_unset, run.frames)):
        return True
    if len({frame.counter for frame in run.frames}) < 2 and not is_one_body:
        return False
    if rolls_over and (run.before is None or run.after is None):
        return False
    first, last = run.frames[0].counter or 0, run.frames[-1].counter or 0
    is_near = run.before is None or first - (run.before.counter or 0) <= _NEIGHBOURS
    return is_near and (run.after is None or (run.after.counter or 0) - last <= _NEIGHBOURS)


def _of_run(camera: str, run: _Run, counted: str) -> ClockFault:
    first, last = run.frames[0], run.frames[-1]
    is_unset = any(map(_looks_unset, run.frames))
    evidence = []
    if is_unset:
        evidence.append(f"{first.clock.isoformat()} is what clocks say that were never set")
    if run.before is not None:
        evidence.append(f"by {counted} after {run.before.key} of {run.before.clock.isoformat()}")
    if run.after is not None:
        evidence.append(f"by {counted} before {run.after.key} of {run.after.clock.isoformat()}")
    if not is_unset and (run.before is None or run.after is None):
        evidence.append("the time falls once and does not return: either side may be the wrong one")
    offset = None
    for is_utc in (False, True):
        said = [(f, w) for f in run.frames for w in f.witnesses if w.is_utc == is_utc]
        if said and offset is None and (found := _constant(said, is_utc=is_utc)) is not None:
            offset = found
            evidence.append(f"{said[0][1].source} says {said[0][1].at.isoformat()} of it")
    if offset is None and run.before is not None and run.after is not None:
        low, high = run.before.clock - first.clock, run.after.clock - last.clock
        offset = _within(first.clock, low, high)
    kind = FaultKind.NEVER_SET if is_unset else FaultKind.JUMPED
    keys = tuple(sorted(frame.key for frame in run.frames))
    return ClockFault(camera, kind, keys, tuple(evidence), _seconds(offset))


def _within(first: datetime, low: timedelta, high: timedelta) -> timedelta | None:
    """The one correction between the bounds: a wrong year put right, else the pictures in between
    where they leave less than a day."""
    if high < low:
        return None
    years = [
        shifted - first
        for year in range((first + low).year, (first + high).year + 1)
        if (shifted := _in_year(first, year)) is not None and low <= shifted - first <= high
    ]
    if len(years) == 1 and not (first.month == 1 and first.day == 1):
        return years[0]
    return low if high - low <= _DAY else None


def _in_year(moment: datetime, year: int) -> datetime | None:
    try:
        return moment.replace(year=year)
    except ValueError:
        return None


def _offsets(camera: str, frames: Sequence[Frame]) -> list[ClockFault]:
    """A series that lies a constant away from what satellites, names or sidecars say."""
    faults = []
    said: dict[tuple[str, bool], list[tuple[Frame, Witness]]] = defaultdict(list)
    for frame in frames:
        for witness in frame.witnesses:
            said[(witness.source, witness.is_utc)].append((frame, witness))
    blamed: set[str] = set()
    for (source, is_utc), pairs in sorted(said.items()):
        for series in _steady(pairs, _STEADY_UTC if is_utc else _STEADY_LOCAL):
            times = {witness.at for _, witness in series}
            fresh = {frame.key for frame, _ in series} - blamed
            apart = series[0][1].at - series[0][0].clock
            if len(times) < _FEWEST_WITNESSED or not fresh or _is_explained(apart, is_utc=is_utc):
                continue
            blamed |= fresh
            # They come in the order of their differences.
            clock, witness = series[len(series) // 2]
            zone = " (UTC)" if is_utc else ""
            middle = _words(witness.at - clock.clock)
            words = f"{source}{zone} lies {middle} from the camera in {len(series)} pictures"
            offset = _seconds(_constant(series, is_utc=is_utc))
            keys = tuple(sorted(fresh))
            faults.append(ClockFault(camera, FaultKind.OFFSET, keys, (words,), offset))
    return faults


def _steady(
    pairs: Sequence[tuple[Frame, Witness]], tolerance: timedelta
) -> list[list[tuple[Frame, Witness]]]:
    """The pairs in sets of one difference, each within the tolerance from its smallest."""
    in_order = sorted(pairs, key=lambda p: (p[1].at - p[0].clock, p[0].key))
    sets: list[list[tuple[Frame, Witness]]] = []
    for frame, witness in in_order:
        apart = witness.at - frame.clock
        if sets and apart - (sets[-1][0][1].at - sets[-1][0][0].clock) <= tolerance:
            sets[-1].append((frame, witness))
        else:
            sets.append([(frame, witness)])
    return sets


def _is_explained(apart: timedelta, *, is_utc: bool) -> bool:
    """True where a zone, or the seconds that every clock is off, explain the difference."""
    if abs(apart) <= _STEADY_UTC:
        return True
    left = _beside_zone(apart)
    within = _STEADY_UTC if is_utc else _MINUTE
    return _WEST_END - within <= -apart <= _EAST_END + within and abs(left) <= within


def _beside_zone(apart: timedelta) -> timedelta:
    """What is left of a difference when the nearest quarter of an hour is taken off."""
    return apart - _QUARTER_HOUR * round(apart / _QUARTER_HOUR)


def _constant(pairs: Sequence[tuple[Frame, Witness]], *, is_utc: bool) -> timedelta | None:
    """The correction that the witnesses agree on: the middle one of their differences.

    Of UTC the zone is not known. Within a zone's reach a drift of minutes is told; beyond it the
    zone that makes it whole days, as a wrong day is set with the right time.
    """
    differences = sorted(witness.at - frame.clock for frame, witness in pairs)
    if differences[-1] - differences[0] > _STEADY_UTC:
        return None
    middle = differences[len(differences) // 2]
    if not is_utc:
        return middle
    if _WEST_END <= -middle <= _EAST_END:
        left = _beside_zone(middle)
        return left if abs(left) <= _MOST_DRIFT else None
    days = round(middle / _DAY)
    left = _beside_zone(middle)
    zone = _DAY * days + left - middle
    fits = abs(left) <= _MOST_DRIFT and _WEST_END <= zone <= _EAST_END
    return _DAY * days + left if fits else None


def _seconds(offset: timedelta | None) -> int | None:
    return None if offset is None else round(offset / timedelta(seconds=1))


def _words(apart: timedelta) -> str:
    sign = "-" if apart < timedelta() else ""
    return f"{sign}{timedelta(seconds=round(abs(apart) / timedelta(seconds=1)))}"
