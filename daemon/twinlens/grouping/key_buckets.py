"""Keys by the values of their parts: a search looks at a fiftieth of them and misses none.

A key has four parts of 16 bits. Where two keys are at most 12 bits apart, at least one part of the
first is at most 3 bits from the same part of the second, or another one at most 2: otherwise all
parts together were 4 + 3 + 3 + 3 bits apart, which is 13 (multi-index hashing: Norouzi, Punjani and
Fleet 2012). So it is enough to look at the keys that share a part with one of the few hundred
values around each part of the key sought. It holds 49 bytes a key: the keys lie in the order of
each part, so that those that are looked at lie side by side; picking them takes twice as long.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int32]

_PARTS: Final = 4
_VALUES: Final = 1 << 16

WIDEST: Final = 15
"""Bits. Beyond it so many values are around a part that a plain pass over all keys is as fast."""


class KeyBuckets:
    """Keys in the order of each of their parts, as they were when this was made."""

    def __init__(self, keys: Keys) -> None:
        self._order = np.empty((_PARTS, len(keys)), dtype=np.int32)
        self._keys = np.empty((_PARTS, len(keys)), dtype=np.uint64)
        self._starts = np.zeros((_PARTS, _VALUES + 1), dtype=np.int32)
        for number, part in enumerate(_parts(keys)):
            self._order[number] = np.argsort(part, kind="stable")
            self._keys[number] = keys[self._order[number]]
            np.cumsum(np.bincount(part, minlength=_VALUES), out=self._starts[number, 1:])

    def __len__(self) -> int:
        return self._order.shape[1]

    def near(self, sought: Keys, limit: int) -> Positions:
        """Where a key within `limit` bits of one that is sought lies, some places twice."""
        found = [np.empty(0, dtype=np.int32)]
        for number, part in enumerate(_parts(sought)):
            # The radii and one more of each add up to one more than the limit.
            radius = (limit + _PARTS - number) // _PARTS - 1
            if radius < 0:
                continue
            values = (part[:, None] ^ _around(radius)).ravel()
            starts = self._starts[number].take(values)
            counts = self._starts[number, 1:].take(values) - starts
            before = np.cumsum(counts) - counts
            places = np.arange(int(counts.sum())) - np.repeat(before - starts, counts)
            # No place lies outside: "clip" only saves numpy to look.
            apart = self._keys[number].take(places, mode="clip")
            apart ^= np.repeat(sought, counts.reshape(len(sought), -1).sum(axis=1))
            found.append(self._order[number, places[np.bitwise_count(apart) <= limit]])
        return np.concatenate(found)


def _parts(keys: Keys) -> Iterator[npt.NDArray[np.uint16]]:
    parts = np.ascontiguousarray(keys).view(np.uint16).reshape(-1, _PARTS)
    for number in range(_PARTS):
        yield np.ascontiguousarray(parts[:, number])


@cache
def _around(radius: int) -> npt.NDArray[np.uint16]:
    """What a part is combined with to give each value within so many bits."""
    every = np.arange(_VALUES, dtype=np.uint16)
    return every[np.bitwise_count(every) <= radius]
