"""Reference tallies: the live files of each original, counted anew and held against the store.

Pure arithmetic for the reconcile pass. It mends nothing: it says where the stored count has
drifted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drift:
    """One original whose stored reference count is not the number of its live references."""

    original_id: int
    stored: int
    counted: int


def tally(links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Count references per original from (original id, file id) links.

    A link that is named twice counts once, so a join that repeats rows cannot keep an orphan alive.
    """
    counts: dict[int, int] = {}
    for original_id, _file_id in set(links):
        counts[original_id] = counts.get(original_id, 0) + 1
    return counts


def drift(stored: Mapping[int, int], counted: Mapping[int, int]) -> tuple[Drift, ...]:
    """Name every original where the two disagree, by id; one missing from a side counts 0 there."""
    differing = (
        Drift(original_id, stored.get(original_id, 0), counted.get(original_id, 0))
        for original_id in sorted(stored.keys() | counted.keys())
    )
    return tuple(one for one in differing if one.stored != one.counted)
