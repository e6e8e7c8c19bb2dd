"""Which files of one content are copies of each other, and what one of them would free.

Names of one inode are one copy. Files of one photograph belong together even where two of them are
equal byte for byte, as the film of a live photo and that of its edit are: none of them stands in
for the other. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Inode = tuple[int, int]
"""(device, inode) of a file."""


@dataclass(frozen=True, slots=True)
class SeparateCopies:
    """The copies of one content, each as the inodes that belong together; in their order."""

    copies: tuple[frozenset[Inode], ...]

    @property
    def spare(self) -> int:
        """How many inodes are more than the largest of the copies needs."""
        sizes = [len(inodes) for inodes in self.copies]
        return sum(sizes) - max(sizes, default=0)


def separate_copies(files: Iterable[tuple[Inode, int | None]]) -> SeparateCopies:
    """Put the files of one content together, from the inode of each and the photograph (a number)
    that it is of, if any. Any order in, the same copies out."""
    parent: dict[Inode | int, Inode | int] = {}

    def first(one: Inode | int) -> Inode | int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    inodes = set()
    for inode, photograph in files:
        inodes.add(inode)
        parent.setdefault(inode, inode)
        if photograph is not None:
            parent[first(inode)] = first(parent.setdefault(photograph, photograph))
    together: dict[Inode | int, set[Inode]] = {}
    for inode in inodes:
        together.setdefault(first(inode), set()).add(inode)
    return SeparateCopies(tuple(sorted(map(frozenset, together.values()), key=min)))
