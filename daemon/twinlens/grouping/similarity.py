"""The similarity index: the keys of all miniatures in memory, searched whole, exactly.

A plain pass over packed 64-bit integers beats trees and hash tables at the size of a private
collection, forgets nothing and needs no tuning. A picture is near another where its key in one of
the eight orientations is near, or where the key of a window of one is near the key of the whole of
the other (model/miniature.py); that is the same from either side. It holds 128 bytes a picture. It
is not locked: one thread owns it.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from twinlens.model.miniature import KEYS

_SMALLEST = 1024
_CHUNK = 1 << 15  # 256 KiB of keys: the passes stay inside the cache of a small processor

Keys = npt.NDArray[np.uint64]


class SimilarityIndex:
    """A set of (original id, keys), searched by Hamming distance."""

    def __init__(self) -> None:
        self._ids: npt.NDArray[np.int64] = np.empty(_SMALLEST, dtype=np.int64)
        self._keys: Keys = np.empty((KEYS, _SMALLEST), dtype=np.uint64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids[: self._count].tolist())

    def __contains__(self, original_id: int) -> bool:
        return self._position(original_id) is not None

    def load(self, parts: Iterable[tuple[Sequence[int], bytes]]) -> None:
        """Fill the index anew from some ids and their packed keys at a time (see
        model/miniature.py); an id named twice raises `ValueError`."""
        self._count = 0
        for original_ids, packed in parts:
            start, stop = self._count, self._count + len(original_ids)
            if stop > len(self._ids):
                self._resize(max(stop, self._count + self._count // 2))
            self._ids[start:stop] = original_ids
            self._keys[:, start:stop] = np.frombuffer(packed, dtype=">u8").reshape(-1, KEYS).T
            self._count = stop
        if len(np.unique(self._ids[: self._count])) != self._count:
            raise ValueError("an original is named twice")

    def add(self, original_id: int, keys: Sequence[int]) -> None:
        """Add an original, or give it other keys. Costs one pass over the ids."""
        position = self._position(original_id)
        if position is None:
            self._append(original_id, keys)
        else:
            self._keys[:, position] = np.array(keys, dtype=np.uint64)

    def remove(self, original_id: int) -> None:
        """Forget an original; one that is not there is no error. Costs one pass over the ids."""
        position = self._position(original_id)
        if position is None:
            return
        self._count -= 1
        self._ids[position] = self._ids[self._count]
        self._keys[:, position] = self._keys[:, self._count]
        if self._count < len(self._ids) // 4 and len(self._ids) > _SMALLEST:
            self._resize(max(_SMALLEST, self._count * 2))

    def within(self, keys: Sequence[int], turned: Sequence[int], limit: int) -> list[int]:
        """The ids of every picture within `limit` bits, ascending.

        `keys` are those of the picture sought, `turned` its first key in every orientation.
        """
        found: list[npt.NDArray[np.int64]] = []
        wholes = np.array([*turned, *keys[1:]], dtype=np.uint64)
        whole = np.uint64(keys[0])
        for start in range(0, self._count, _CHUNK):
            stop = min(start + _CHUNK, self._count)
            is_near = np.zeros(stop - start, dtype=np.bool_)
            stored = self._keys[0, start:stop]
            for key in wholes:
                is_near |= np.bitwise_count(stored ^ key) <= limit
            for row in range(1, KEYS):
                is_near |= np.bitwise_count(self._keys[row, start:stop] ^ whole) <= limit
            if is_near.any():
                found.append(self._ids[start:stop][is_near])
        return sorted(np.concatenate(found).tolist()) if found else []

    def _append(self, original_id: int, keys: Sequence[int]) -> None:
        if self._count == len(self._ids):
            self._resize(self._count + self._count // 2)
        self._ids[self._count] = original_id
        self._keys[:, self._count] = np.array(keys, dtype=np.uint64)
        self._count += 1

    def _position(self, original_id: int) -> int | None:
        hits = np.flatnonzero(self._ids[: self._count] == original_id)
        return int(hits[0]) if len(hits) else None

    def _resize(self, capacity: int) -> None:
        ids = np.empty(capacity, dtype=np.int64)
        keys = np.empty((KEYS, capacity), dtype=np.uint64)
        ids[: self._count] = self._ids[: self._count]
        keys[:, : self._count] = self._keys[:, : self._count]
        self._ids, self._keys = ids, keys


def distance(a: int, b: int) -> int:
    """The number of bits in which two keys differ."""
    return (a ^ b).bit_count()
