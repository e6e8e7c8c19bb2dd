"""Ties: why one file belongs to the photograph of another, and who stands together so far."""

from collections.abc import Iterable
from dataclasses import dataclass

from twinlens.grouping.candidates import PairCandidate
from twinlens.model.groups import GroupType

STRENGTH = (GroupType.RAW_JPEG, GroupType.LIVE_PHOTO, GroupType.EDITED, GroupType.SIDECAR)
"""From the strongest: two pictures of one press of the shutter, then its moving half, then what
was made of it, then what was written about it."""


@dataclass(frozen=True, slots=True)
class Tie:
    """`file` belongs to the photograph of `to`, by this rule and these values, in words."""

    file: PairCandidate
    to: PairCandidate
    group_type: GroupType
    rule: str
    evidence: str
    runner_up: str | None = None


class Units:
    """Which files are one photograph so far. Files are named by their ids."""

    def __init__(self, files: Iterable[int]) -> None:
        self._unit_of = {file_id: {file_id} for file_id in files}

    def join(self, a: int, b: int) -> None:
        """Make two photographs one."""
        together = self._unit_of[a] | self._unit_of[b]
        for file_id in together:
            self._unit_of[file_id] = together

    def are_one(self, a: PairCandidate, b: PairCandidate) -> bool:
        """Whether two files are one photograph."""
        return b.file_id in self._unit_of[a.file_id]

    def of(self, one: PairCandidate) -> frozenset[int]:
        """All files of the photograph that this one belongs to."""
        return frozenset(self._unit_of[one.file_id])

    def first_of_each(self, found: Iterable[PairCandidate]) -> list[PairCandidate]:
        """Of each photograph among these files the one that comes first."""
        seen: set[int] = set()
        firsts = []
        for one in found:
            if one.file_id not in seen:
                seen |= self._unit_of[one.file_id]
                firsts.append(one)
        return firsts

    def all(self) -> list[frozenset[int]]:
        """Every photograph once."""
        return sorted({frozenset(unit) for unit in self._unit_of.values()}, key=min)
