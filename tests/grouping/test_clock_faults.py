"""Faults of camera clocks in made-up series: what is one, what is none, and what puts it right."""

import random
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping.clock_faults import (
    ClockFault,
    FaultKind,
    Frame,
    Witness,
    find_clock_faults,
)

START = datetime(2019, 5, 1, 10, 0, 0)  # noqa: DTZ001 - a camera's clock has no zone
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def shot(number: int, clock: datetime, **more: object) -> Frame:
    known: dict[str, object] = {"series": "/a/IMG_", "counter": number} | more
    return Frame(f"/a/IMG_{number:04d}.JPG", clock, **known)  # type: ignore[arg-type]  # test


def series(first: int, count: int, at: datetime, step: timedelta = HOUR) -> list[Frame]:
    return [shot(first + n, at + n * step) for n in range(count)]


def faults(*frames: Frame, is_one_body: bool = True) -> tuple[ClockFault, ...]:
    return find_clock_faults("CAM", frames, is_one_body=is_one_body)


def numbers(fault: ClockFault) -> list[int]:
    return [int(key[-8:-4]) for key in fault.keys]


def test_a_healthy_series_has_no_fault() -> None:
    assert faults(*series(1, 50, START, DAY)) == ()


def test_a_battery_that_was_pulled_is_a_clock_never_set() -> None:
    reset = datetime(2000, 1, 1)  # noqa: DTZ001 - as above
    wrong = [shot(n, reset + (n - 6) * HOUR, is_unset=n == 6) for n in range(6, 9)]

    (found,) = faults(*series(1, 5, START), *wrong, *series(9, 5, START + 10 * HOUR))

    assert (found.kind, numbers(found)) == (FaultKind.NEVER_SET, [6, 7, 8])
    # What lies before and after leaves less than a day.
    assert found.proposed_offset_seconds == (START + 4 * HOUR - reset) // timedelta(seconds=1)


def test_a_clock_that_was_never_set_again_is_told_without_a_correction() -> None:
    reset = datetime(2000, 1, 1)  # noqa: DTZ001 - as above
    wrong = [shot(n, reset + (n - 6) * HOUR, is_unset=n == 6) for n in range(6, 9)]

    (found,) = faults(*series(1, 5, START), *wrong, is_one_body=False)

    assert (found.kind, numbers(found)) == (FaultKind.NEVER_SET, [6, 7, 8])
    assert found.proposed_offset_seconds is None


def test_unset_dates_without_counters_are_told_with_what_ticked_on() -> None:
    reset = datetime(1980, 1, 1)  # noqa: DTZ001 - as above
    frames = [Frame(name, reset + n * HOUR, n == 0) for n, name in enumerate("abc")]

    (found,) = faults(*frames, is_one_body=False)

    assert (found.kind, found.keys) == (FaultKind.NEVER_SET, ("a", "b", "c"))


def test_a_satellite_puts_an_unset_clock_right_but_for_the_zone() -> None:
    reset = datetime(1980, 1, 1)  # noqa: DTZ001 - as above
    said = (Witness("name", START + HOUR, is_utc=False),)
    frames = [Frame("a", reset, is_unset=True), Frame("b", reset + HOUR, witnesses=said)]

    (found,) = faults(*frames)

    assert found.proposed_offset_seconds == (START - reset) // timedelta(seconds=1)


def test_a_wrong_year_between_right_ones_is_put_right() -> None:
    wrong = series(11, 4, START.replace(year=2009) + 12 * HOUR)

    (found,) = faults(*series(1, 10, START), *wrong, *series(15, 4, START + 5 * DAY))

    assert (found.kind, numbers(found)) == (FaultKind.JUMPED, [11, 12, 13, 14])
    moved = timedelta(seconds=found.proposed_offset_seconds or 0)
    assert wrong[0].clock + moved == START + 12 * HOUR


def test_a_jump_forward_blames_the_pictures_in_the_future_of_the_others() -> None:
    wrong = series(11, 2, START.replace(year=2024))

    (found,) = faults(*series(1, 10, START), *wrong, *series(13, 9, START + 2 * DAY))

    assert (found.kind, numbers(found)) == (FaultKind.JUMPED, [11, 12])


def test_a_counter_that_starts_over_is_no_fault() -> None:
    first = series(9990, 10, START)
    second = series(1, 10, START + 20 * HOUR)

    assert faults(*first, *second) == ()
    assert faults(*first, *second, is_one_body=False) == ()


def test_numbers_far_apart_prove_nothing() -> None:
    assert faults(*series(600, 20, START), *series(100, 20, START + 900 * DAY)) == ()


def test_a_number_used_twice_years_apart_proves_nothing() -> None:
    again = [Frame(f"/b{n}", START + 900 * DAY + n * HOUR, False, "/a/IMG_", n) for n in range(5)]

    assert faults(*series(1, 20, START), *again) == ()


def test_a_single_odd_picture_of_a_model_may_be_anothers() -> None:
    odd = shot(11, START - 900 * DAY)
    frames = [*series(1, 10, START), odd, *series(12, 9, START + DAY)]

    assert faults(*frames, is_one_body=False) == ()
    assert [numbers(found) for found in faults(*frames)] == [[11]]


def test_a_shutter_count_never_starts_over() -> None:
    frames = [
        Frame(f"/a/{n}", START + n * HOUR - (900 * DAY if 40 < n < 60 else 0 * DAY), shutter=n * 7)
        for n in range(100)
    ]

    (found,) = faults(*frames)

    assert (found.kind, len(found.keys)) == (FaultKind.JUMPED, 19)
    assert faults(*frames, is_one_body=False) == ()


def _witnessed(offset: timedelta, *, is_utc: bool, count: int = 5) -> list[Frame]:
    return [
        Frame(
            f"/a/{n}",
            START + n * HOUR,
            witnesses=(Witness("other", START + n * HOUR + offset, is_utc),),
        )
        for n in range(count)
    ]


def test_a_zone_is_no_fault_and_a_constant_beside_it_is() -> None:
    minutes = timedelta(minutes=1)

    assert faults(*_witnessed(-2 * HOUR, is_utc=True)) == ()
    assert faults(*_witnessed(-2 * HOUR + minutes, is_utc=True)) == ()
    assert faults(*_witnessed(2 * HOUR, is_utc=False)) == ()
    (drift,) = faults(*_witnessed(-2 * HOUR + 5 * minutes, is_utc=True))
    (days,) = faults(*_witnessed(3 * DAY - 2 * HOUR, is_utc=True))
    (name,) = faults(*_witnessed(-400 * DAY - 17 * minutes, is_utc=False))

    assert (drift.kind, drift.proposed_offset_seconds) == (FaultKind.OFFSET, 300)
    assert days.proposed_offset_seconds == 3 * 86_400
    assert name.proposed_offset_seconds == -(400 * 86_400 + 17 * 60)


def test_two_witnesses_and_one_old_fix_are_no_series() -> None:
    fix = Witness("satellites", START - 3 * DAY, is_utc=True)
    stale = [Frame(f"/a/{n}", START + n * timedelta(seconds=1), witnesses=(fix,)) for n in range(9)]

    assert faults(*stale) == ()
    assert faults(*_witnessed(-400 * DAY, is_utc=False, count=2)) == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            shot,
            st.integers(1, 9999),
            st.integers(0, 3000).map(lambda days: START + days * DAY),
            is_unset=st.booleans(),
            shutter=st.none() | st.integers(1, 50),
        ),
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_decides_nothing_and_no_picture_is_blamed_twice_for_a_jump(
    frames: list[Frame], chance: random.Random
) -> None:
    shuffled = list(frames)
    chance.shuffle(shuffled)

    found = faults(*frames)

    assert faults(*shuffled) == found
    assert all(fault.keys for fault in found)
