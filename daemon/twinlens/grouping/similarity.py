"""The similarity index: the keys of all miniatures in memory, searched exactly.

A picture is near another where its key in one of the eight orientations is near, or where the key
of a window of one is near the key of the whole of the other (model/miniature.py); that is the same
from either side. Keys of whole pictures are found by the values of their parts (`KeyBuckets`);
keys of windows, and the wholes that came since, by a plain pass: at a million pictures a table of
windows would take twice their room. It holds 124 bytes a picture, and 49 more from when searches
come in numbers until it rests. It is not locked: one thread owns it, and lends most of a long pass
to another.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from twinlens.grouping.key_buckets import WIDEST, KeyBuckets, Keys
from twinlens.model.miniature import KEYS

_STEP = 1 << 12
"""Room is made for so many pictures more, and half as many again as there are: what nothing was
written to takes no memory."""

_PLAIN = 1 << 15
"""So many wholes are passed over as quickly as they are found by their parts."""

_SINGLE = 8
"""So many searches in plain passes take no longer than to make the buckets."""

_SHARED = 1 << 17
"""From so many pictures on, waking a second thread costs less than it saves."""

_LENT = 5 / 8
"""Of the windows, where the wholes are found by buckets meanwhile; else all of them."""

_CHUNK = 2048
_WHOLES_CHUNK = 8 * _CHUNK
"""Pictures: their windows, or wholes, and what becomes of them, stay inside the cache of a small
processor."""

_Flags = npt.NDArray[np.intp]
_Number = TypeVar("_Number", bound=np.generic)


class SimilarityIndex:
    """A set of (original id, keys), searched by Hamming distance.

    `plain` is the number of wholes that may go without buckets, `single` the number of searches.
    """

    def __init__(self, plain: int = _PLAIN, single: int = _SINGLE) -> None:
        self._plain = plain
        self._single = single
        self._searches = 0
        self._ids = np.empty(0, dtype=np.uint32)
        self._wholes: Keys = np.empty(0, dtype=np.uint64)
        self._windows: Keys = np.empty((0, KEYS - 1), dtype=np.uint64)
        self._count = 0
        self._buckets: KeyBuckets | None = None
        self._changed: set[int] = set()
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="similarity")

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
            self._make_room(stop)
            keys = np.frombuffer(packed, dtype=">u8").reshape(-1, KEYS)
            self._ids[start:stop] = original_ids
            self._wholes[start:stop] = keys[:, 0]
            self._windows[start:stop] = keys[:, 1:]
            self._count = stop
        if len(np.unique(self._ids[: self._count])) != self._count:
            raise ValueError("an original is named twice")
        self.rest()

    def rest(self) -> None:
        """Give back what only many searches are quicker by."""
        self._searches = 0
        self._buckets = None
        self._changed = set()

    def add(self, original_id: int, keys: Sequence[int]) -> None:
        """Add an original, or give it other keys. Costs one pass over the ids."""
        position = self._position(original_id)
        if position is None:
            position = self._count
            self._make_room(position + 1)
            self._ids[position] = original_id
            self._count += 1
        self._put(position, keys[0], np.array(keys[1:], dtype=np.uint64))

    def remove(self, original_id: int) -> None:
        """Forget an original; one that is not there is no error. Costs one pass over the ids."""
        position = self._position(original_id)
        if position is None:
            return
        self._count -= 1
        self._ids[position] = self._ids[self._count]
        self._put(position, self._wholes[self._count], self._windows[self._count])

    def keys_of(self, original_id: int) -> tuple[int, ...] | None:
        """The keys of an original, of the whole first; None where it is not there."""
        position = self._position(original_id)
        if position is None:
            return None
        return int(self._wholes[position]), *self._windows[position].tolist()

    def within(self, keys: Sequence[int], turned: Sequence[int], limit: int) -> list[int]:
        """The ids of every picture within `limit` bits, ascending.

        `keys` are those of the picture sought, `turned` its first key in every orientation.
        """
        self._searches += 1
        if self._buckets is None and self._count > self._plain and self._searches > self._single:
            self._fill_buckets()
        whole = np.uint64(keys[0])
        wholes = np.array([*turned, *keys[1:]], dtype=np.uint64)
        own, lent = self._count, None
        if self._count >= _SHARED:
            is_quick = self._buckets is not None and limit <= WIDEST
            own = int(self._count * (1 - _LENT)) if is_quick else 0
            lent = self._helper.submit(self._with_near_window, own, self._count, whole, limit)
        found = [np.empty(0, dtype=np.intp), *self._with_near_whole(wholes, limit)]
        found += self._with_near_window(0, own, whole, limit)
        found += lent.result() if lent is not None else []
        ids: list[int] = np.unique(self._ids[np.concatenate(found)]).tolist()
        return ids

    def _with_near_whole(self, wholes: Keys, limit: int) -> Iterator[_Flags]:
        """Positions of pictures whose whole is near one of these keys, some of them twice."""
        bucketed = 0
        if self._buckets is not None and limit <= WIDEST:
            bucketed = len(self._buckets)
            changed = np.array(sorted(self._changed), dtype=np.intp)
            near = self._buckets.near(wholes, limit).astype(np.intp)
            yield near[(near < self._count) & ~np.isin(near, changed)]
            # The buckets know nothing of what came to these places later.
            near_ones = np.bitwise_count(self._wholes[changed] ^ wholes[:, None]).min(axis=0)
            yield changed[(near_ones <= limit) & (changed < self._count)]
        apart = np.empty(_WHOLES_CHUNK, dtype=np.uint64)
        bits = np.empty(_WHOLES_CHUNK, dtype=np.uint8)
        for at in range(bucketed, self._count, _WHOLES_CHUNK):
            stored = self._wholes[at : min(at + _WHOLES_CHUNK, self._count)]
            here, those = bits[: len(stored)], apart[: len(stored)]
            for key in wholes:
                np.bitwise_count(np.bitwise_xor(stored, key, out=those), out=here)
                if here.min() <= limit:
                    yield at + np.flatnonzero(here <= limit)

    def _with_near_window(
        self, start: int, stop: int, whole: np.uint64, limit: int
    ) -> list[_Flags]:
        """Positions between these of pictures one of whose windows is near a key."""
        apart = np.empty((_CHUNK, KEYS - 1), dtype=np.uint64)
        bits = np.empty((_CHUNK, KEYS - 1), dtype=np.uint8)
        found = []
        for at in range(start, stop, _CHUNK):
            stored = self._windows[at : min(at + _CHUNK, stop)]
            here = bits[: len(stored)]
            np.bitwise_count(np.bitwise_xor(stored, whole, out=apart[: len(stored)]), out=here)
            if here.min() <= limit:
                found.append(at + np.flatnonzero(here.ravel() <= limit) // (KEYS - 1))
        return found

    def _put(self, position: int, whole: "int | np.uint64", windows: Keys) -> None:
        self._wholes[position] = whole
        self._windows[position] = windows
        if self._buckets is None:
            return
        bucketed = len(self._buckets)
        if position < bucketed:
            self._changed.add(position)
        if self._count - bucketed + len(self._changed) > self._plain + bucketed // 16:
            self._fill_buckets()

    def _fill_buckets(self) -> None:
        self._buckets = KeyBuckets(self._wholes[: self._count])
        self._changed = set()

    def _position(self, original_id: int) -> int | None:
        hits = np.flatnonzero(self._ids[: self._count] == original_id)
        return int(hits[0]) if len(hits) else None

    def _make_room(self, count: int) -> None:
        if count <= len(self._ids):
            return
        capacity = count + count // 2 + _STEP
        self._ids = _with_room(self._ids, capacity)
        self._wholes = _with_room(self._wholes, capacity)
        self._windows = _with_room(self._windows, capacity)


def _with_room(rows: npt.NDArray[_Number], capacity: int) -> npt.NDArray[_Number]:
    """These rows and room for more. A new array, as numpy asks for large pages where it makes one
    and not where one grows: with small ones a pass takes half as long again."""
    larger = np.empty((capacity, *rows.shape[1:]), dtype=rows.dtype)
    larger[: len(rows)] = rows
    return larger


def distance(a: int, b: int) -> int:
    """The number of bits in which two keys differ."""
    return (a ^ b).bit_count()
