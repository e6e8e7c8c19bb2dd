"""The similarity index: all perceptual hashes in memory, searched whole, exactly.

A plain pass over packed 64-bit integers beats trees and hash tables at the size of a private
collection (1,000,000 hashes in a few milliseconds), forgets nothing and needs no tuning. It holds
16 bytes a picture. It is not locked: one thread owns it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_SMALLEST = 1024
_CHUNK = 1 << 16  # 512 KiB of hashes: the pass stays inside the cache of a small processor


class SimilarityIndex:
    """A set of (original id, 64-bit hash), searched by Hamming distance."""

    def __init__(self) -> None:
        self._ids: npt.NDArray[np.int64] = np.empty(_SMALLEST, dtype=np.int64)
        self._hashes: npt.NDArray[np.uint64] = np.empty(_SMALLEST, dtype=np.uint64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, original_id: int) -> bool:
        return self._position(original_id) is not None

    def load(self, ids: Sequence[int], hashes: Sequence[int]) -> None:
        """Fill the index anew; an id named twice or unequal lengths raise `ValueError`."""
        new_ids = np.array(ids, dtype=np.int64)
        new_hashes = np.array(hashes, dtype=np.uint64)
        if len(new_ids) != len(new_hashes):
            raise ValueError(f"{len(new_ids)} ids for {len(new_hashes)} hashes")
        if len(np.unique(new_ids)) != len(new_ids):
            raise ValueError("an original is named twice")
        self._ids, self._hashes, self._count = new_ids, new_hashes, len(new_ids)

    def add(self, original_id: int, phash: int) -> None:
        """Add an original, or give it another hash. Costs one pass over the ids."""
        position = self._position(original_id)
        if position is None:
            if self._count == len(self._ids):
                self._resize(max(_SMALLEST, self._count + self._count // 2))
            position = self._count
            self._count += 1
        self._ids[position] = original_id
        self._hashes[position] = phash

    def remove(self, original_id: int) -> None:
        """Forget an original; one that is not there is no error. Costs one pass over the ids."""
        position = self._position(original_id)
        if position is None:
            return
        self._count -= 1
        self._ids[position] = self._ids[self._count]
        self._hashes[position] = self._hashes[self._count]
        if self._count < len(self._ids) // 4 and len(self._ids) > _SMALLEST:
            self._resize(max(_SMALLEST, self._count * 2))

    def hash_of(self, original_id: int) -> int:
        """The hash of an original; KeyError where it is not in the index."""
        position = self._position(original_id)
        if position is None:
            raise KeyError(original_id)
        return int(self._hashes[position])

    def within(self, phash: int, limit: int) -> list[tuple[int, int]]:
        """Every (original id, distance) within `limit` bits, nearest first, then by id."""
        wanted = np.uint64(phash)
        found: list[tuple[int, int]] = []
        for start in range(0, self._count, _CHUNK):
            stop = min(start + _CHUNK, self._count)
            distances = np.bitwise_count(self._hashes[start:stop] ^ wanted)
            near = np.flatnonzero(distances <= limit)
            found.extend(
                zip(self._ids[start:stop][near].tolist(), distances[near].tolist(), strict=True)
            )
        return sorted(found, key=lambda pair: (pair[1], pair[0]))

    def _position(self, original_id: int) -> int | None:
        hits = np.flatnonzero(self._ids[: self._count] == original_id)
        return int(hits[0]) if len(hits) else None

    def _resize(self, capacity: int) -> None:
        ids = np.empty(capacity, dtype=np.int64)
        hashes = np.empty(capacity, dtype=np.uint64)
        ids[: self._count] = self._ids[: self._count]
        hashes[: self._count] = self._hashes[: self._count]
        self._ids, self._hashes = ids, hashes


def distance(a: int, b: int) -> int:
    """The number of bits in which two hashes differ."""
    return (a ^ b).bit_count()
