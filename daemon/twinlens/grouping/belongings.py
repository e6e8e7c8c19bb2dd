"""Files that must stay together, for anything that is done with them: a unit is never torn.

A unit is all that file groups join, directly or through each other: a RAW and its JPEG, a live
photo and its film, the sidecars of either, the frames of a burst. As a precaution it is also what
lies in one folder under one radical and is of more than one kind, even where no group was
found: where it is not known whether a film belongs to a picture, they are treated as if it did.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from twinlens.model.copies import Copy


@dataclass(frozen=True, slots=True)
class Unit:
    """Files that belong together, in the order of their paths; at least one."""

    copies: tuple[Copy, ...]

    @property
    def contents(self) -> frozenset[str]:
        """The SHA-256 of each file."""
        return frozenset(copy.sha256 for copy in self.copies)

    @property
    def catalog(self) -> str:
        """The library that it is of: roots of two catalogs never share a group."""
        return self.copies[0].catalog

    @property
    def obstacle(self) -> str | None:
        """Why nothing may be done with it: what stands in the way of one file does so of all."""
        found = (copy.obstacle or copy.doubt for copy in self.copies)
        return next((words for words in found if words), None)

    @property
    def doubt(self) -> str | None:
        """Why it cannot be relied on."""
        return next((copy.doubt for copy in self.copies if copy.doubt), None)


def units(copies: Iterable[Copy], groups: Iterable[Iterable[int]]) -> list[Unit]:
    """Put files together; `groups` are sets of file ids. Any order in, the same units out."""
    ordered = sorted(copies, key=lambda copy: (copy.place.root, copy.place.path))
    ties = _Ties(copy.file_id for copy in ordered)
    grouped: set[int] = set()
    for group in groups:
        members = [file_id for file_id in group if file_id in ties]
        grouped.update(members)
        ties.join(members)
    for companions in _companions(ordered, grouped):
        ties.join([copy.file_id for copy in companions])
    together: dict[int, list[Copy]] = {}
    for copy in ordered:
        together.setdefault(ties.first(copy.file_id), []).append(copy)
    return [Unit(tuple(members)) for members in together.values()]


def _companions(copies: Sequence[Copy], grouped: set[int]) -> Iterable[list[Copy]]:
    by_name: dict[Hashable, list[Copy]] = {}
    for copy in copies:
        folder = copy.place.path.rpartition(b"/")[0]
        by_name.setdefault((copy.place.root, folder, copy.radical), []).append(copy)
    for neighbours in by_name.values():
        contents = [copy.sha256 for copy in neighbours]
        # `a.jpg` and `a (1).jpg` of one content are two copies, and neither binds the other.
        bound = [
            copy
            for copy in neighbours
            if copy.file_id in grouped or contents.count(copy.sha256) == 1
        ]
        if len({copy.kind for copy in bound}) > 1:
            yield bound


class _Ties:
    """Joins ids into sets; each set is known by one of its ids."""

    def __init__(self, ids: Iterable[int]) -> None:
        self._parent = {one: one for one in ids}

    def __contains__(self, one: int) -> bool:
        return one in self._parent

    def first(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, ids: Sequence[int]) -> None:
        for one, other in pairwise(ids):
            self._parent[self.first(one)] = self.first(other)
