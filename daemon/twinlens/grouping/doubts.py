"""Why two pictures are not called duplicates: the rules of `verdicts`, asked for their reason.

The order of the questions is that of the verdict. It decides nothing, it only explains.
"""

from typing import Final

from twinlens.grouping.cameras import same_camera
from twinlens.grouping.candidates import in_bits
from twinlens.grouping.moments import Agreement, same_moment
from twinlens.grouping.second_look import look
from twinlens.grouping.verdicts import Picture, SimilarityLimits, are_different_shots

_ANY_DISTANCE: Final = 64
"""All bits of a key: the second look is taken however far apart the keys are."""


def why_not(a: Picture, b: Picture, limits: SimilarityLimits) -> str:
    """The first reason against a pair on which there is no verdict, in words with the values.

    Symmetric in `a` and `b`; about 1 ms where a second look is needed.
    """
    if a.sha256 > b.sha256:
        a, b = b, a
    return _by_facts(a, b) or _by_looks(a, b, limits)


def _by_facts(a: Picture, b: Picture) -> str | None:
    if a.sha256 in b.rejected_with or b.sha256 in a.rejected_with:
        return "you said that they are no duplicates"
    if a.kind is not b.kind and _is_one_photograph(a, b):
        return "one is the RAW of the other: one photograph, and both are wanted"
    numbers = dict(a.shots)
    if any(numbers.get(burst, number) != number for burst, number in b.shots):
        return "they are two shots of one burst"
    if are_different_shots(a, b):
        return f"taken at other times: {a.captured_at} and {b.captured_at}"
    if same_camera(a.make, a.model, b.make, b.model) is Agreement.DIFFER:
        return f"taken by other cameras: {a.make} {a.model} and {b.make} {b.model}"
    return None


def _is_one_photograph(a: Picture, b: Picture) -> bool:
    is_one_moment = same_moment(a.moment, b.moment, tolerance_seconds=2.0) is Agreement.AGREE
    return is_one_moment or bool(a.photograph_ids & b.photograph_ids)


def _by_looks(a: Picture, b: Picture, limits: SimilarityLimits) -> str:
    if a.miniature is None or b.miniature is None:
        return "one of them shows too little to compare: only equal pixels would count"
    seen = look(a.miniature, b.miniature, _ANY_DISTANCE)
    if seen is None:
        return "they look entirely different"
    figures = (
        f"correlation {seen.correlation:.3f}, contrast {seen.gain:.2f}, {100 * seen.shared:.0f} % "
        f"shared, keys {in_bits(seen.distance)} apart"
    )
    if seen.distance > limits.max_distance:
        return f"they look too different: more than {in_bits(limits.max_distance)} apart; {figures}"
    least = limits.least_correlation
    if seen.correlation < least:
        return f"they look too different: a correlation below {least:.3f}; {figures}"
    return f"of another shape, contrast or place, as another shot would be; {figures}"
