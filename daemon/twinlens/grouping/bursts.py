"""Bursts: shots that one camera took one right after the other (field rules 5.7).

What the camera or phone itself says goes first: an identifier, then a name. Else the time tells:
gaps of at most a second, with fractions of a second, or with consecutive counters and looks alike;
never times without seconds. Last come slow series, as for focus stacking: on a tripod or at a
machine, frame after counted frame, evenly spaced, each the same picture but for a few bits.

Only shots of one folder are held together. Each rule looks at all that the one before left over,
in one order, so the order of arrival plays no part. Nothing reaches farther than `REACH_SECONDS`
from one shot to the next (or the configured gap), but for identifiers and names.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from twinlens.grouping.candidates import in_bits
from twinlens.grouping.moments import Moment, Precision
from twinlens.grouping.primary import choose
from twinlens.grouping.shots import Shot, are_consecutive, are_one_body, looks_apart
from twinlens.model.groups import BurstSpan, FileGroup, FileMember, GroupType

REACH_SECONDS = 10.0
"""The longest pause inside a slow series."""
LEAST_OF_SERIES = 4
"""Three alike are what one takes to be sure; four, evenly spaced, are made on purpose."""
ALIKE_BITS = 18
"""Neighbours in a burst that only counters tell of: pHash; chance lies around 32."""
IDENTICAL_BITS = 8
"""Neighbours in a series, by pHash and by aHash. Calibrated on a focus stack of a circuit board (up
to 6 bits) against a walk's pictures of one scene (24 and more)."""
DRIFT_BITS = 14
"""Any frame of a series against its first: focus and light drift (10 bits in that stack); unrelated
pictures begin here."""

MOST_COUNTED_APART = 100
"""Between neighbours in time, of a burst that was thinned out: no camera counts on faster."""
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class BurstLimits:
    """What makes a burst; `primary` is quality, first or middle."""

    gap_seconds: float = 1.0
    least_pictures: int = 3
    least_seconds: float = 0.5
    primary: str = "quality"


@dataclass(frozen=True, slots=True)
class _Run:
    shots: tuple[Shot, ...]
    rule: str


def find_bursts(shots: Iterable[Shot], limits: BurstLimits) -> list[FileGroup]:
    """The bursts among these shots; any order in, same groups out."""
    by_folder: dict[bytes, list[Shot]] = {}
    for shot in sorted(shots, key=lambda one: one.order):
        by_folder.setdefault(shot.directory, []).append(shot)
    found: list[_Run] = []
    for folder in sorted(by_folder):
        left = _without_copies(by_folder[folder])
        for rule in (_by_identifier, _by_name, _by_time, _series):
            runs = rule(left, limits)
            found.extend(runs)
            taken = {shot.file_id for run in runs for shot in run.shots}
            left = [shot for shot in left if shot.file_id not in taken]
    return [_group(run, limits) for run in found]


def _without_copies(shots: Iterable[Shot]) -> list[Shot]:
    kept: dict[str, Shot] = {}
    for shot in shots:
        kept.setdefault(shot.sha256, shot)
    return list(kept.values())


def _by_identifier(shots: Sequence[Shot], limits: BurstLimits) -> list[_Run]:
    together: dict[str, list[Shot]] = {}
    for shot in shots:
        if shot.burst_id:
            together.setdefault(shot.burst_id, []).append(shot)
    return [
        _Run(_in_sequence(found), "same burst identifier")
        for found in together.values()
        if len(found) >= limits.least_pictures
    ]


def _by_name(shots: Sequence[Shot], limits: BurstLimits) -> list[_Run]:
    """Names tell, and a look at the time: GoPro calls its time lapses like its bursts."""
    together: dict[str, list[Shot]] = {}
    for shot in shots:
        if shot.burst_key:
            together.setdefault(shot.burst_key, []).append(shot)
    runs = []
    for found in together.values():
        for part in _split(_in_sequence(found), lambda a, b: _may_follow(a, b, limits)):
            if len(part) >= limits.least_pictures:
                runs.append(_Run(part, "names of one burst"))
    return runs


def _may_follow(a: Shot, b: Shot, limits: BurstLimits) -> bool:
    seconds = _gap(a, b)
    return seconds is None or seconds <= max(limits.gap_seconds, 1.0) + _doubt(a, b)


def _by_time(shots: Sequence[Shot], limits: BurstLimits) -> list[_Run]:
    runs = []
    for body in _bodies(shots):
        for part in _threads(_in_sequence(_single_instants(body)), limits):
            if len(part) >= limits.least_pictures and _lasts(part, limits):
                has_fractions = all(shot.has_subseconds for shot in part)
                tells = "to the fraction" if has_fractions else "counters and looks"
                runs.append(_Run(part, f"same camera, gaps in time, {tells}"))
    return runs


def _lasts(shots: Sequence[Shot], limits: BurstLimits) -> bool:
    first, last = shots[0], shots[-1]
    return (_gap(first, last) or 0.0) + _doubt(first, last) >= limits.least_seconds


def _threads(shots: Sequence[Shot], limits: BurstLimits) -> list[tuple[Shot, ...]]:
    """Runs of adjoining shots; those of two bodies of one model may lie between each other."""
    runs: list[list[Shot]] = []
    for shot in shots:
        for run in reversed(runs[-_MOST_THREADS:]):
            if _adjoin(run[-1], shot, limits):
                run.append(shot)
                break
        else:
            runs.append([shot])
    return [tuple(run) for run in runs]


def _adjoin(a: Shot, b: Shot, limits: BurstLimits) -> bool:
    seconds = _gap(a, b)
    if seconds is None or seconds > limits.gap_seconds or _are_counted_apart(a, b):
        return False
    if a.has_subseconds and b.has_subseconds:
        return True
    apart = looks_apart(a, b)
    return are_consecutive(a, b) and apart is not None and apart[0] <= ALIKE_BITS


def _are_counted_apart(a: Shot, b: Shot) -> bool:
    """Whether the counters tell of two bodies of one model, as two guests with the same phone."""
    first, second = a.counter, b.counter
    if first is None or second is None or first[:2] != second[:2] or (a.serial and b.serial):
        return False
    apart, after_last = abs(first[2] - second[2]), int(10 ** first[1])
    return min(apart, after_last - apart) > MOST_COUNTED_APART


def _single_instants(shots: Iterable[Shot]) -> list[Shot]:
    """Of several at one fraction of a second the first: they are versions of one shot."""
    kept: dict[tuple[object, ...], Shot] = {}
    for shot in sorted(shots, key=lambda one: one.order):
        key = (shot.captured_at,) if shot.has_subseconds else (shot.captured_at, shot.file_id)
        kept.setdefault(key, shot)
    return list(kept.values())


def _series(shots: Sequence[Shot], limits: BurstLimits) -> list[_Run]:
    runs = []
    for body in _bodies(shots):
        counted = sorted(
            (shot for shot in body if shot.counter is not None),
            key=lambda one: (one.counter, one.order),
        )
        for part in _split(counted, _continues):
            for even in _evenly(part):
                least = max(LEAST_OF_SERIES, limits.least_pictures)
                if len(even) >= least and _lasts(even, limits):
                    runs.append(
                        _Run(even, "series: same camera, counters, even gaps, same picture")
                    )
    return runs


def _continues(a: Shot, b: Shot) -> bool:
    first, second = a.moment, b.moment
    if first is None or second is None or second.wall < first.wall or not are_consecutive(a, b):
        return False
    # Copies with new numbers share one time: a series goes on.
    return 0.0 < (_gap(a, b) or 0.0) <= REACH_SECONDS and _are_identical(a, b, IDENTICAL_BITS)


def _evenly(shots: Sequence[Shot]) -> list[tuple[Shot, ...]]:
    """Cut where the rhythm breaks (a pause of over twice the shortest, to the second) or where the
    picture is no longer the first one's."""
    runs: list[list[Shot]] = [[shots[0]]]
    gaps: list[float] = []
    for a, b in pairwise(shots):
        gap = _gap(a, b) or 0.0
        is_even = not gaps or max(*gaps, gap) <= 2 * min(*gaps, gap) + 1.0
        if is_even and _are_identical(runs[-1][0], b, DRIFT_BITS):
            runs[-1].append(b)
            gaps.append(gap)
        else:
            runs.append([b])
            gaps = []
    return [tuple(run) for run in runs]


def _are_identical(a: Shot, b: Shot, limit: int) -> bool:
    apart = looks_apart(a, b)
    return apart is not None and max(apart) <= limit


def _bodies(shots: Iterable[Shot]) -> list[list[Shot]]:
    """Shots with a time to the second, by camera; those of an unknown camera are left out."""
    bodies: list[list[Shot]] = []
    # With the serial number first: a shot without one joins the body that has one.
    ordered = sorted(shots, key=lambda one: (not one.serial, one.serial or "", one.order))
    for shot in ordered:
        moment = shot.moment
        if moment is None or moment.precision < Precision.SECOND:
            continue
        for body in bodies:
            if are_one_body(body[0], shot):
                body.append(shot)
                break
        else:
            if shot.model:
                bodies.append([shot])
    return bodies


def _in_sequence(shots: Iterable[Shot]) -> tuple[Shot, ...]:
    """By sub-second, then counter (field rules 5.7); by name where a time is missing."""
    found = list(shots)
    moments = {shot.file_id: shot.moment for shot in found}

    def place(shot: Shot) -> tuple[object, ...]:
        moment = moments[shot.file_id]
        wall = moment.wall if moment is not None and None not in moments.values() else None
        number = shot.sequence_number or shot.image_number or 0
        return (wall.isoformat() if wall else "", number, shot.natural_name, shot.order)

    return tuple(sorted(found, key=place))


def _split(shots: Sequence[Shot], belong: Callable[[Shot, Shot], bool]) -> list[tuple[Shot, ...]]:
    """Cut between neighbours that do not belong together."""
    runs: list[list[Shot]] = []
    for shot in shots:
        if runs and belong(runs[-1][-1], shot):
            runs[-1].append(shot)
        else:
            runs.append([shot])
    return [tuple(run) for run in runs]


def _gap(a: Shot, b: Shot) -> float | None:
    """Seconds between two shots; to the second where either has no fraction."""
    first, second = a.moment, b.moment
    if first is None or second is None:
        return None
    if a.has_subseconds and b.has_subseconds:
        return first.gap(second).total_seconds()
    return first.cut_to_seconds().gap(second.cut_to_seconds()).total_seconds()


def _doubt(a: Shot, b: Shot) -> float:
    """What the difference of two whole seconds may be short of the truth."""
    return 0.0 if a.has_subseconds and b.has_subseconds else 1.0


def _group(run: _Run, limits: BurstLimits) -> FileGroup:
    best = choose(shot.contender for shot in run.shots)
    chosen, why = best.member_id, best.rule
    is_told = why in ("chosen by the owner", "cover of its sequence")
    if limits.primary == "first" and not is_told:
        chosen, why = run.shots[0].file_id, "first of the burst"
    elif limits.primary == "middle" and not is_told:
        chosen, why = run.shots[(len(run.shots) - 1) // 2].file_id, "middle of the burst"
    members: list[FileMember] = []
    for number, shot in enumerate(run.shots, start=1):
        before = run.shots[number - 2] if number > 1 else None
        words = _evidence(shot, before, number, len(run.shots))
        members.extend(
            FileMember(file_id, file_type, file_id == chosen, words, rule=run.rule, sequence=number)
            for file_id, file_type in shot.files
        )
    return FileGroup(
        GroupType.BURST,
        f"{run.rule}; primary: {why}",
        tuple(members),
        (GroupType.BURST,),
        _span(run, best.member_id),
    )


def _evidence(shot: Shot, before: Shot | None, number: int, count: int) -> str:
    words = f"shot {number} of {count}"
    if shot.captured_at is not None:
        words += f", taken {shot.captured_at}"
    if before is None:
        return words
    seconds, apart = _gap(before, shot), looks_apart(before, shot)
    if seconds is not None:
        words += f", {seconds:g} s after {before.label}"
    return words if apart is None else f"{words}, looks {in_bits(apart[0])} apart"


def _span(run: _Run, best: int) -> BurstSpan:
    timed = [(moment.wall, shot) for shot in run.shots if (moment := _exact(shot)) is not None]
    timed.sort(key=lambda one: one[0])
    first = run.shots[0]
    words = [part for part in (first.make, first.model) if part]
    if len(words) == 2 and words[1].casefold().startswith(words[0].casefold().split()[0]):
        words = words[1:]  # the model begins with its maker's name
    return BurstSpan(
        timed[0][1].captured_at if timed else None,
        timed[-1][1].captured_at if timed else None,
        " ".join(words) or None,
        next(shot.original_id for shot in run.shots if shot.file_id == best),
    )


def _exact(shot: Shot) -> Moment | None:
    moment = shot.moment
    return None if moment is None or moment.precision < Precision.SECOND else moment


def reach(limits: BurstLimits) -> timedelta:
    """How far apart two neighbours of one burst may lie, to the whole second."""
    return timedelta(seconds=max(limits.gap_seconds, REACH_SECONDS) + 1.0)
