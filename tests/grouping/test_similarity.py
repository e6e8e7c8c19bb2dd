"""The index answers as a plain loop would."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping.similarity import SimilarityIndex, distance

_hashes = st.integers(0, 2**64 - 1)


def test_the_limit_is_included_and_the_nearest_come_first_then_the_lower_id() -> None:
    index = SimilarityIndex()
    for original_id, phash in ((7, 0b1), (3, 0b1), (5, 0b111), (9, 0), (1, 0b1111)):
        index.add(original_id, phash)

    assert index.within(0, 3) == [(9, 0), (3, 1), (7, 1), (5, 3)]


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 20), _hashes)),
    _hashes,
    st.integers(0, 64),
)
def test_any_history_of_adds_and_removes_answers_as_a_plain_loop(
    history: list[tuple[str, int, int]], query: int, limit: int
) -> None:
    index, plain = SimilarityIndex(), dict[int, int]()
    for verb, original_id, phash in history:
        if verb == "add":
            index.add(original_id, phash)
            plain[original_id] = phash
        else:
            index.remove(original_id)
            plain.pop(original_id, None)

    expected = sorted(
        ((one, distance(phash, query)) for one, phash in plain.items()),
        key=lambda pair: (pair[1], pair[0]),
    )
    assert index.within(query, limit) == [pair for pair in expected if pair[1] <= limit]
    assert len(index) == len(plain)
    assert all(one in index for one in plain)


def test_it_grows_and_shrinks_past_its_first_size() -> None:
    index = SimilarityIndex()
    for original_id in range(5000):
        index.add(original_id, original_id)
    for original_id in range(4990):
        index.remove(original_id)

    assert sorted(one for one, _ in index.within(0, 64)) == list(range(4990, 5000))


def test_loading_replaces_and_refuses_what_does_not_fit_together() -> None:
    index = SimilarityIndex()
    index.add(1, 1)

    index.load([2, 3], [2**64 - 1, 0])

    assert index.within(0, 64) == [(3, 0), (2, 64)]
    with pytest.raises(ValueError, match="1 ids for 2"):
        index.load([1], [1, 2])
    with pytest.raises(ValueError, match="twice"):
        index.load([1, 1], [1, 2])


def test_an_index_loaded_with_nothing_can_be_added_to() -> None:
    index = SimilarityIndex()
    index.load([], [])

    index.add(1, 5)

    assert index.within(5, 0) == [(1, 0)]


def test_a_million_hashes_are_searched_in_milliseconds_and_held_in_16_bytes_each() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**63, 1_000_000, dtype=np.uint64)
    index = SimilarityIndex()
    index.load(range(1_000_000), hashes.tolist())

    seconds = []
    for query in hashes[:9].tolist():
        started = time.perf_counter()
        assert index.within(query, 8)[0][1] == 0
        seconds.append(time.perf_counter() - started)

    assert sorted(seconds)[4] < 0.05  # about 3 ms on a quiet desktop; ten times that under load
    assert index._ids.nbytes + index._hashes.nbytes == 16_000_000
