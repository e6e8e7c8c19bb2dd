"""Reference counts, counted anew."""

from hypothesis import given
from hypothesis import strategies as st

from twinlens.grouping.tallies import Drift, drift, tally


def test_each_file_counts_once_however_often_it_is_named() -> None:
    assert tally([(1, 10), (1, 11), (1, 10), (2, 12)]) == {1: 2, 2: 1}


def test_every_kind_of_drift_is_named_by_id() -> None:
    stored = {1: 2, 2: 5, 3: 1, 5: -1, 6: 0}
    counted = {1: 2, 2: 1, 4: 3}

    assert drift(stored, counted) == (
        Drift(2, stored=5, counted=1),
        Drift(3, stored=1, counted=0),
        Drift(4, stored=0, counted=3),
        Drift(5, stored=-1, counted=0),
    )


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 99))))
def test_what_was_just_counted_has_not_drifted(links: list[tuple[int, int]]) -> None:
    counted = tally(links)

    assert drift(counted, tally(reversed(links))) == ()
    assert sum(counted.values()) == len(set(links))
