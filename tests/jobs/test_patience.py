"""Claims about when to try again."""

from hypothesis import given
from hypothesis import strategies as st

from twinlens.jobs.patience import is_quarantined, retry_pause

attempts = st.integers(min_value=1, max_value=10_000)
seconds = st.floats(min_value=0.01, max_value=1000.0)


@given(attempts, seconds)
def test_pauses_never_shrink_and_are_bounded(attempt: int, first: float) -> None:
    assert first <= retry_pause(attempt, first) <= retry_pause(attempt + 1, first) <= 3600.0


@given(st.integers(min_value=1, max_value=11), seconds)
def test_each_pause_is_twice_the_one_before_until_the_bound(attempt: int, first: float) -> None:
    assert retry_pause(attempt, first, 1e9) == first * 2 ** (attempt - 1)


@given(st.integers(min_value=0, max_value=100))
def test_quarantine_comes_after_the_first_try_and_all_retries(retries: int) -> None:
    tries = next(n for n in range(1, 1000) if is_quarantined(n, retries))

    assert tries == retries + 1
