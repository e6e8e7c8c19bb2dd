"""The part of `why` about the capture time: each candidate, what it means for the winner, and why
the confidence is what it is."""

from typing import Any

from twinlens.analysis.datetext import NO_DAY
from twinlens.analysis.moments import gap, parse_iso
from twinlens.analysis.ranks import Rank
from twinlens.analysis.timestamps import CLOCK, conflicts
from twinlens.model.picture import Confidence, DateCandidate, TakenAt
from twinlens.model.views import FileView

RANKS = {
    Rank.USER: "the owner's word",
    Rank.ZONE_IN_EXIF: "camera's time with its zone",
    Rank.ZONE_FROM_GPS: "camera's time, zone told by the satellites",
    Rank.ZONE_IN_CONTAINER: "creation date with its zone",
    Rank.LOCAL: "capture time, zone not the camera's",
    Rank.TAKEOUT: "time of a takeout export",
    Rank.DIGITIZED: "digitized, or the satellites' time",
    Rank.CONTAINER: "a container's creation time",
    Rank.FULL_NAME: "full time in the name, or a sibling's time",
    Rank.DATE_IN_NAME: "date in the name",
    Rank.FOLDER: "date in the folders",
    Rank.MODIFIED: "time of the last change",
}
"""What each row of the table of date sources is, in a few words (field rules, section 7)."""

_SECOND = 1.0
_DAY = 86_400.0


def taken_at(view: FileView) -> dict[str, Any] | None:
    """The capture time with all that was weighed; None where there is no content."""
    if view.original is None:
        return None
    taken = view.original.taken
    against = conflicts(taken)
    winner = _winner(taken)
    weighed = sorted(taken.candidates, key=lambda candidate: candidate.rank)
    candidates = [_candidate(c, taken, winner, c in against) for c in weighed]
    return {
        "value": taken.value,
        "source": taken.source,
        "confidence": taken.confidence.value,
        "zone": _zone(taken.value),
        "because": _because(taken, winner, candidates),
        "from_content_alone": view.original.captured_at,
        "candidates": candidates,
    }


def _winner(taken: TakenAt) -> DateCandidate | None:
    """The candidate that was taken; its zone may have been told by others only later."""
    named = [c for c in taken.candidates if c.source == taken.source and c.rejected is None]
    same = [c for c in named if c.value == taken.value]
    return next(iter(same or named), None)


def _candidate(
    candidate: DateCandidate, taken: TakenAt, winner: DateCandidate | None, is_against: bool
) -> dict[str, Any]:
    return {
        "source": candidate.source,
        "value": candidate.value,
        "rank": candidate.rank,
        "rank_means": _source_means(candidate),
        "zone": _zone(candidate.value) if candidate.rejected is None else None,
        "rejected": candidate.rejected,
        "means": _means(candidate, taken, winner, is_against),
    }


def _source_means(candidate: DateCandidate) -> str:
    if candidate.source.startswith(CLOCK):
        return "what a wrong clock told"
    return RANKS.get(Rank(candidate.rank), "")


def _means(
    candidate: DateCandidate, taken: TakenAt, winner: DateCandidate | None, is_against: bool
) -> str:
    """What a candidate means for the winner, in a few words."""
    if candidate.rejected is not None:
        if is_against and candidate.rejected == NO_DAY:
            return f"contradicts it, though it is no full date: {candidate.value}"
        return f"{'contradicts it' if is_against else 'not believed'}: {candidate.rejected}"
    if candidate == winner:
        return "taken" if candidate.value == taken.value else f"taken, told as {taken.value}"
    mine, theirs = parse_iso(taken.value or ""), parse_iso(candidate.value)
    if mine is None or theirs is None:
        return ""
    apart = gap(mine, theirs).total_seconds()
    words = "contradicts it: " if is_against else ""
    if abs(apart) <= _SECOND and not is_against:
        is_exact = mine.has_time and theirs.has_time
        return "says the same" if is_exact else "fits it"
    return f"{words}{_span(abs(apart))} {'later' if apart > 0 else 'earlier'}"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{seconds / 60:.3g} min"
    if seconds < 2 * _DAY:
        return f"{seconds / 3600:.3g} h"
    if seconds < 730 * _DAY:
        return f"{seconds / _DAY:.0f} days"
    return f"{seconds / (365.25 * _DAY):.0f} years"


def _zone(value: str | None) -> str | None:
    """The zone that a time states: `+02:00`, or None where there is none."""
    moment = parse_iso(value or "")
    if moment is None or moment.offset is None:
        return None
    return moment.iso()[-6:]


def _because(
    taken: TakenAt, winner: DateCandidate | None, candidates: list[dict[str, Any]]
) -> list[str]:
    """Why this one was taken, and why it is believed so far."""
    if winner is None or taken.value is None:
        found = len(candidates)
        return [f"none of the {found} dates found can be believed" if found else "no date is known"]
    said = [f"rank {winner.rank} of 12 ({RANKS[Rank(winner.rank)]}) is the best that was found"]
    better = [c for c in candidates if c["rank"] < winner.rank and c["rejected"] is None]
    if better:
        span = "year" if len(better[0]["value"]) == len("2019") else "day"
        said = [f"a time in the {span} that the better source {better[0]['source']} names"]
    agree = [c["source"] for c in candidates if c["means"] == "says the same"]
    against = [c["source"] for c in candidates if c["means"].startswith("contradicts")]
    if winner.rank == Rank.USER:
        said.append("nothing contradicts the owner")
    elif agree:
        said.append(f"the same is said by {_some(agree)}")
    if against:
        said.append(f"it is contradicted by {_some(against)}")
    if winner.rank != Rank.USER:
        said.append(_level(taken, winner, is_contradicted=bool(against), has_echo=bool(agree)))
    return said


def _level(taken: TakenAt, winner: DateCandidate, *, is_contradicted: bool, has_echo: bool) -> str:
    """Why it is believed so far, by the levels of field rules, section 7."""
    if taken.confidence is Confidence.HIGH:
        if winner.rank <= Rank.ZONE_IN_CONTAINER:
            return "high, because a reliable source knows its zone"
        return "high, because a second statement confirms it"
    if taken.confidence is Confidence.MEDIUM:
        if is_contradicted:
            return "medium, because of what contradicts it"
        if has_echo:
            return "medium: what says the same comes from the same clock or is easily changed"
        return "medium: one reliable source, and nothing that confirms it"
    return "low: not sure; you can say it: twinlens decide date PATH --value TIME"


def _some(sources: list[str]) -> str:
    shown = ", ".join(dict.fromkeys(sources[:3]))
    return shown if len(sources) <= 3 else f"{shown} and {len(sources) - 3} more"
