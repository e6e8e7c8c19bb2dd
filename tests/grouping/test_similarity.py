"""The index answers as a plain loop would."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping.key_buckets import WIDEST, KeyBuckets
from twinlens.grouping.miniatures import turned_keys
from twinlens.grouping.similarity import SimilarityIndex, distance
from twinlens.grouping.verdicts import PRESETS
from twinlens.model.miniature import KEYS

_FAR = [0xFFFF0000FFFF0000] * (KEYS - 1)
_keys = st.lists(st.integers(0, 2**64 - 1), min_size=KEYS, max_size=KEYS)
_LIMITS = [*sorted({limits.max_distance for limits in PRESETS.values()}), 0, 15, 40]


def _packed(pictures: list[tuple[int, list[int]]]) -> tuple[list[int], bytes]:
    keys = np.array([keys for _, keys in pictures], dtype=">u8")
    return [original_id for original_id, _ in pictures], keys.tobytes()


def _within(index: SimilarityIndex, keys: list[int], limit: int) -> list[int]:
    return index.within(keys, turned_keys(keys[0]), limit)


def _nearest(query: list[int], stored: list[int]) -> int:
    return min(
        *(distance(key, stored[0]) for key in turned_keys(query[0])),
        *(distance(key, stored[0]) for key in query[1:]),
        *(distance(key, query[0]) for key in stored[1:]),
    )


def test_the_limit_is_included_and_the_ids_come_in_order() -> None:
    index = SimilarityIndex()
    for original_id, key in ((7, 0b1), (3, 0b1), (5, 0b111), (9, 0), (1, 0b1111)):
        index.add(original_id, [key, *_FAR])

    assert _within(index, [0, *_FAR], 3) == [3, 5, 7, 9]


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 20), _keys)),
    _keys,
    st.integers(0, 64),
)
def test_any_history_of_adds_and_removes_answers_as_a_plain_loop(
    history: list[tuple[str, int, list[int]]], query: list[int], limit: int
) -> None:
    index, plain = SimilarityIndex(), dict[int, list[int]]()
    for verb, original_id, keys in history:
        if verb == "add":
            index.add(original_id, keys)
            plain[original_id] = keys
        else:
            index.remove(original_id)
            plain.pop(original_id, None)

    expected = sorted(one for one, keys in plain.items() if _nearest(query, keys) <= limit)
    assert _within(index, query, limit) == expected
    assert len(index) == len(plain)
    assert all(one in index for one in plain)


def _some_bits(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Few bits set in some numbers and many in others, so that every distance is met."""
    bits = draw.random((*shape, 64)) < draw.uniform(0, 0.6, (*shape, 1))
    return np.packbits(bits, axis=-1).view(">u8")[..., 0].astype(np.uint64)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(_LIMITS), st.integers(0, 400), st.integers(0, 60))
def test_a_loaded_and_changed_index_finds_all_that_a_plain_pass_finds(
    seed: int, limit: int, loaded: int, changes: int
) -> None:
    draw = np.random.default_rng(seed)
    index = SimilarityIndex(plain=16, single=0)
    keys = _some_bits(draw, (loaded, KEYS))
    index.load([_packed(list(enumerate(keys.tolist())))] if loaded else [])
    plain = dict(enumerate(keys.tolist()))
    for number in range(changes):
        original_id = int(draw.integers(0, loaded + 20))
        if draw.random() < 0.4:
            index.remove(original_id)
            plain.pop(original_id, None)
        else:
            plain[original_id] = _some_bits(draw, (KEYS,)).tolist()
            index.add(original_id, plain[original_id])
        if draw.random() < 0.1:
            _within(index, _some_bits(draw, (KEYS,)).tolist(), limit)
        if draw.random() < 0.02:
            index.rest()
        if number % 10 == 0:
            assert sorted(index) == sorted(plain)

    for query in [_some_bits(draw, (KEYS,)).tolist(), *list(plain.values())[:2]]:
        expected = sorted(one for one, keys in plain.items() if _nearest(query, keys) <= limit)
        assert _within(index, query, limit) == expected


@pytest.mark.parametrize("limit", range(WIDEST + 1))
def test_keys_at_the_very_limit_are_found_however_their_bits_lie(limit: int) -> None:
    draw = np.random.default_rng(limit)
    sought = draw.integers(0, 2**64, 3, dtype=np.uint64)
    apart = [draw.permutation(64)[:limit] for _ in range(3000)]
    # Evenly over the four parts, too, which is the hardest to find by one of them.
    apart += [np.arange(limit) * 16 % 64 + np.arange(limit) // 4 for _ in range(3)]
    flips = np.array([sum(1 << int(bit) for bit in bits) for bits in apart], dtype=np.uint64)
    keys = sought[np.arange(len(flips)) % 3] ^ flips

    found = KeyBuckets(keys).near(sought, limit)

    assert set(found.tolist()) == set(range(len(keys)))
    if limit:
        assert len(KeyBuckets(keys).near(sought, limit - 1)) == 0


def test_a_second_thread_finds_what_one_finds() -> None:
    draw = np.random.default_rng(8)
    count = 140_000
    keys = draw.integers(0, 2**64, (count, KEYS), dtype=np.uint64)
    query = keys[7].tolist()
    for place in (9, 70_000, 139_999):
        keys[place, 5] = query[0] ^ 0b1011
    keys[100_000, 0] = query[3] ^ 0b1
    index = SimilarityIndex()

    index.load([(range(count), keys.astype(">u8").tobytes())])

    # In plain passes, and with buckets after some.
    for _ in range(12):
        assert _within(index, query, 6) == [7, 9, 70_000, 100_000, 139_999]


@given(_keys, _keys)
def test_two_pictures_are_as_far_apart_from_either_side(a: list[int], b: list[int]) -> None:
    assert _nearest(a, b) == _nearest(b, a)


def test_it_grows_and_shrinks_past_its_first_size() -> None:
    index = SimilarityIndex()
    for original_id in range(5000):
        index.add(original_id, [original_id, *_FAR])
    for original_id in range(4990):
        index.remove(original_id)

    assert _within(index, [0, *_FAR], 64) == list(range(4990, 5000))


def test_loading_replaces_and_refuses_a_picture_named_twice() -> None:
    index = SimilarityIndex()
    index.add(1, [1, *_FAR])

    index.load([_packed([(2, [2**64 - 1, *_FAR])]), _packed([(3, [0, *_FAR])])])

    assert _within(index, [0, *_FAR], 64) == [2, 3]
    with pytest.raises(ValueError, match="twice"):
        index.load([_packed([(1, [1, *_FAR]), (1, [2, *_FAR])])])


def test_an_index_loaded_with_nothing_can_be_added_to() -> None:
    index = SimilarityIndex()
    index.load([])

    index.add(1, [5, *_FAR])

    assert _within(index, [5, *_FAR], 0) == [1]


def test_a_hundred_thousand_pictures_are_searched_in_milliseconds() -> None:
    count = 100_000
    keys = np.random.default_rng(1).integers(0, 2**63, (count, KEYS), dtype=np.uint64)
    index = SimilarityIndex()
    index.load([(range(count), keys.astype(">u8").tobytes())])

    seconds = []
    for query in keys[:9].tolist():
        started = time.perf_counter()
        assert _within(index, query, 8)
        seconds.append(time.perf_counter() - started)

    assert sorted(seconds)[4] < 0.05  # about 4 ms on a quiet desktop; more under load
