"""Pictures of equal coded pixels, which differ in their metadata only.

What they are to each other stands in the digest of their pixels, so it is no row of the store and
is never asked pair by pair: there may be thousands of one picture. Only who may not be compared has
to be kept apart.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from twinlens.grouping.verdicts import Picture, may_be_compared
from twinlens.model.picture import Kind

_Burst = tuple[Kind, int]


@dataclass(slots=True)
class _Family:
    """Pictures of equal pixels each of which may be compared with each other; what all its members
    say is kept together, so that a further one is not asked of each."""

    positions: list[int] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    numbers: dict[_Burst, int] = field(default_factory=dict)
    of_kind: dict[Kind, list[Picture]] = field(default_factory=dict)

    def takes(self, picture: Picture) -> bool:
        if picture.sha256 in self.rejected or not self.digests.isdisjoint(picture.rejected_with):
            return False
        if any(self.numbers.get(burst, number) != number for burst, number in _shots(picture)):
            return False
        return all(
            may_be_compared(picture, other)
            for kind, others in self.of_kind.items()
            if kind is not picture.kind
            for other in others
        )

    def add(self, position: int, picture: Picture) -> None:
        self.positions.append(position)
        self.digests.add(picture.sha256)
        self.rejected |= picture.rejected_with
        self.numbers.update(_shots(picture))
        self.of_kind.setdefault(picture.kind, []).append(picture)


def _shots(picture: Picture) -> list[tuple[_Burst, int]]:
    """A picture's bursts with its number in each; RAW files are parted by those of RAW files."""
    return [((picture.kind, burst), number) for burst, number in picture.shots]


def are_twins(a: Picture, b: Picture) -> bool:
    """Whether two pictures are of equal coded pixels, and may be compared."""
    has_equal_pixels = a.image_digest is not None and a.image_digest == b.image_digest
    return has_equal_pixels and may_be_compared(a, b)


def alike(members: Sequence[Picture]) -> list[list[int]]:
    """The positions of all that share a digest of their pixels with others, digest by digest."""
    positions: dict[str, list[int]] = {}
    for position, picture in enumerate(members):
        if picture.image_digest is not None and picture.kind in (Kind.IMAGE, Kind.RAW):
            positions.setdefault(picture.image_digest, []).append(position)
    return [together for together in positions.values() if len(together) > 1]


def families(members: Sequence[Picture], together: Sequence[int]) -> Iterator[list[int]]:
    """Part pictures of equal pixels, by their positions, into families of twins: each goes, in
    order, to the first family in which it may be compared with all."""
    found: list[_Family] = []
    # How many families from the first on hold each burst, and those that hold one of its shots.
    crowded: dict[_Burst, int] = {}
    holding: dict[tuple[_Burst, int], list[int]] = {}
    for position in together:
        picture = members[position]
        places: list[int] = []
        start = 0
        shots = _shots(picture)
        if len(shots) == 1:
            # The shots of one burst stand in a family each: no need to ask all of those again.
            (shot,) = shots
            start = crowded.get(shot[0], 0)
            places += (place for place in holding.get(shot, ()) if place < start)
        places += range(start, len(found))
        home = next((place for place in places if found[place].takes(picture)), len(found))
        if home == len(found):
            found.append(_Family())
        found[home].add(position, picture)
        for shot in shots:
            if home not in holding.setdefault(shot, []):
                insort(holding[shot], home)
            burst, number = shot[0], crowded.get(shot[0], 0)
            while number < len(found) and burst in found[number].numbers:
                number += 1
            crowded[burst] = number
    return (family.positions for family in found)
