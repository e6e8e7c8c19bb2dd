"""When two capture times are one press of the shutter."""

import pytest

from twinlens.grouping.moments import Agreement, Moment, is_corrected_clock, same_moment


def _moment(text: str | None, *, subseconds: bool = False) -> Moment | None:
    return Moment.read(text, has_subseconds=subseconds)


def test_equal_seconds_agree_and_a_second_apart_differs_without_fractions() -> None:
    first, second = _moment("2020-01-02T03:04:05"), _moment("2020-01-02T03:04:06")

    assert same_moment(first, first, tolerance_seconds=2) is Agreement.AGREE
    assert same_moment(first, second, tolerance_seconds=2) is Agreement.DIFFER


def test_times_with_fractions_may_be_two_seconds_apart_and_no_more() -> None:
    raw = _moment("2020-01-02T03:04:05.10", subseconds=True)

    for text, expected in (
        ("2020-01-02T03:04:07.10", Agreement.AGREE),
        ("2020-01-02T03:04:07.20", Agreement.DIFFER),
    ):
        assert same_moment(raw, _moment(text, subseconds=True), tolerance_seconds=2) is expected


def test_a_fraction_on_one_side_only_is_compared_by_the_second() -> None:
    fine = _moment("2020-01-02T03:04:05.9", subseconds=True)

    assert same_moment(fine, _moment("2020-01-02T03:04:05"), tolerance_seconds=0) is Agreement.AGREE


def test_minutes_without_seconds_are_compared_by_the_minute() -> None:
    coarse = _moment("2020-01-02T03:04-04:00")

    assert (
        same_moment(coarse, _moment("2020-01-02T03:04:59"), tolerance_seconds=0) is Agreement.AGREE
    )


@pytest.mark.parametrize(
    "other",
    [
        "2020-01-02T12:00:00",  # no zone: the clock's face counts
        "2020-01-02T10:00:00+00:00",  # another zone, one instant
        "2020-01-02T12:00:00+09:00",  # a zone filled in wrongly, one clock face
    ],
)
def test_zones_do_not_part_what_is_one_moment(other: str) -> None:
    zoned = _moment("2020-01-02T12:00:00+02:00")

    assert same_moment(zoned, _moment(other), tolerance_seconds=0) is Agreement.AGREE


def test_a_day_can_contradict_but_never_confirm() -> None:
    exact = _moment("2020-01-02T12:00:00")

    assert same_moment(exact, _moment("2020-01-02"), tolerance_seconds=0) is Agreement.UNKNOWN
    assert same_moment(exact, _moment("2019-01-02"), tolerance_seconds=0) is Agreement.DIFFER


@pytest.mark.parametrize("text", [None, "", "not a date", "2020-13-45T99:00:00"])
def test_what_is_no_time_is_unknown(text: str | None) -> None:
    known = _moment("2020-01-02T12:00:00")

    assert same_moment(known, _moment(text), tolerance_seconds=2) is Agreement.UNKNOWN


def test_a_clock_set_right_by_whole_hours_keeps_its_fraction() -> None:
    wrong = _moment("2021-03-31T11:31:56.18", subseconds=True)
    right = _moment("2022-03-31T11:31:56.18", subseconds=True)
    other = _moment("2022-03-31T11:31:56.19", subseconds=True)

    assert is_corrected_clock(wrong, right)
    assert not is_corrected_clock(wrong, other)


def test_a_series_every_hour_without_fractions_is_no_corrected_clock() -> None:
    assert not is_corrected_clock(_moment("2022-03-31T11:00:00"), _moment("2022-03-31T12:00:00"))
