"""Third parties: what the other pictures around say about the verdict on two.

A pair is judged by itself first. Then a picture that looks like two different shots makes both
verdicts doubtful, and an original with metadata confirms two stripped copies of it as copies of
each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from twinlens.grouping.verdicts import (
    Picture,
    SimilarityLimits,
    Verdict,
    are_different_shots,
    judge,
)
from twinlens.model.groups import DuplicateClass

Verdicts = Mapping[tuple[int, int], Verdict]
"""The verdicts that are not None, by the positions (lower, higher) of the two pictures."""


def judge_all(
    members: Sequence[Picture], limits: SimilarityLimits
) -> dict[tuple[int, int], Verdict]:
    """Judge every pair, then let the third parties speak: contradictions first, then witnesses."""
    verdicts: dict[tuple[int, int], Verdict] = {}
    for first, a in enumerate(members):
        for second in range(first + 1, len(members)):
            verdict = judge(a, members[second], limits)
            if verdict is not None:
                verdicts[first, second] = verdict
    _demote_torn(verdicts, members)
    _promote_witnessed(verdicts, members)
    return verdicts


def _demote_torn(verdicts: dict[tuple[int, int], Verdict], members: Sequence[Picture]) -> None:
    """A picture that could come from two shots is torn between them: nothing confident is said of
    it.
    """
    partners = _partners(verdicts)
    torn = {
        position
        for position, others in partners.items()
        if any(are_different_shots(members[a], members[b]) for a in others for b in others if a < b)
    }
    for pair, verdict in verdicts.items():
        if verdict.duplicate_class is DuplicateClass.RE_ENCODED and torn.intersection(pair):
            verdicts[pair] = replace(
                verdict,
                duplicate_class=DuplicateClass.SIMILAR,
                rule=verdict.rule.replace("re-encoded:", "similar:", 1)
                + "; but it looks as much like another shot",
                confidence=min(verdict.confidence, 70.0),
            )


def _promote_witnessed(
    verdicts: dict[tuple[int, int], Verdict], members: Sequence[Picture]
) -> None:
    """Two re-encodings of one picture that has facts are re-encodings of each other."""
    partners = _partners(verdicts)
    for (first, second), verdict in verdicts.items():
        if not verdict.needs_witness:
            continue
        shared = partners.get(first, set()) & partners.get(second, set())
        witnesses = sorted(members[one].sha256 for one in shared if members[one].has_facts)
        if witnesses:
            verdicts[first, second] = replace(
                verdict,
                duplicate_class=DuplicateClass.RE_ENCODED,
                rule=verdict.rule.replace("similar:", "re-encoded:", 1)
                + f"; but both are re-encodings of {witnesses[0][:12]}",
                confidence=90.0 - verdict.bits,
                needs_witness=False,
            )


def _partners(verdicts: Verdicts) -> dict[int, set[int]]:
    partners: dict[int, set[int]] = {}
    for (first, second), verdict in verdicts.items():
        if verdict.duplicate_class is DuplicateClass.RE_ENCODED:
            partners.setdefault(first, set()).add(second)
            partners.setdefault(second, set()).add(first)
    return partners
