"""Third parties: what the other pictures around say about the verdict on two.

Two pictures that are barely too far apart, and both re-encodings of a third, are re-encodings of
each other: copies of one original err in opposite directions. A picture without a capture time that
passes for a re-encoding of two different shots is a copy of one of them, and nothing tells of
which: all that is said of it then is that it is similar.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from twinlens.grouping.verdicts import Picture, are_different_shots
from twinlens.model.groups import DuplicateClass
from twinlens.model.verdicts import Verdict

Verdicts = Mapping[tuple[int, int], Verdict]
"""Verdicts by the positions (lower, higher) of the two pictures."""

_CERTAIN = 100.0


def settled(verdicts: Verdicts, members: Sequence[Picture]) -> dict[tuple[int, int], Verdict]:
    """The verdicts, after the third parties have spoken. Equal coded pixels are beyond doubt."""
    partners: dict[int, set[int]] = {}
    for (first, second), verdict in verdicts.items():
        if _is_doubtful(verdict):
            partners.setdefault(first, set()).add(second)
            partners.setdefault(second, set()).add(first)
    torn = {
        position
        for position, others in partners.items()
        if _are_torn(members[other] for other in others)
    }
    result = dict(verdicts)
    for (first, second), verdict in verdicts.items():
        if _is_doubtful(verdict) and torn & {first, second}:
            result[first, second] = _demoted(verdict)
        elif verdict.needs_witness and not torn & {first, second}:
            shared = (partners.get(first, set()) & partners.get(second, set())) - torn
            least = max(_shortest(members[first]), _shortest(members[second]))
            telling = [one for one in shared if _shortest(members[one]) >= least]
            if telling:
                result[first, second] = _promoted(verdict, members[min(telling)])
    return result


def _is_doubtful(verdict: Verdict) -> bool:
    return verdict.duplicate_class is DuplicateClass.RE_ENCODED and verdict.confidence < _CERTAIN


def _are_torn(pictures: Iterable[Picture]) -> bool:
    """Whether two of these are different shots; asked once for each capture time."""
    times = {(picture.captured_at, picture.has_subseconds): picture for picture in pictures}
    return any(are_different_shots(a, b) for a, b in combinations(times.values(), 2))


def _shortest(picture: Picture) -> int:
    """The shorter side: a small copy is near to edits, too, and may not speak for them."""
    return min(picture.shape or (0, 0))


def _promoted(verdict: Verdict, witness: Picture) -> Verdict:
    return replace(
        verdict,
        duplicate_class=DuplicateClass.RE_ENCODED,
        rule=verdict.rule.replace("similar:", "re-encoded:", 1)
        + f"; but both are re-encodings of {witness.sha256[:12]}",
        confidence=85.0,
        needs_witness=False,
    )


def _demoted(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        duplicate_class=DuplicateClass.SIMILAR,
        rule=verdict.rule.replace("re-encoded:", "similar:", 1)
        + "; but it looks as much like another shot",
        confidence=min(verdict.confidence, 70.0),
    )
