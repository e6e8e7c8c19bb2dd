"""The sieve lets nobody fall through who would get a verdict by a second look."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping.moments import Moment
from twinlens.grouping.sieve import Sieve
from twinlens.grouping.verdicts import Picture, are_different_shots, may_be_compared
from twinlens.model.picture import Kind

_START = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - the clock's face


@st.composite
def _times(draw: st.DrawFn) -> tuple[str | None, bool]:
    wall = _START + timedelta(
        seconds=draw(st.sampled_from([0, 1, 2, 60, 899, 900, 901, 3600, 7200, 86_400])),
        microseconds=draw(st.sampled_from([0, 2000, 5000, 100_000, 999_000])),
    )
    zone = draw(st.sampled_from(["", "", "+01:00", "+02:00", "-03:30"]))
    text = draw(
        st.sampled_from(
            [
                wall.isoformat(timespec="milliseconds") + zone,
                wall.isoformat(timespec="seconds") + zone,
                wall.isoformat(timespec="minutes") + zone,
                wall.date().isoformat(),
                None,
                "no time",
            ]
        )
    )
    return text, "." in (text or "")


@st.composite
def _pictures(draw: st.DrawFn) -> list[Picture]:
    shots = [frozenset(), frozenset({(1, 1)}), frozenset({(1, 2)}), frozenset({(1, 1), (2, 2)})]
    return [
        Picture(
            *(number, f"{number:064d}", Kind.IMAGE, None, 400, 300, 1, 1000),
            *draw(_times()),
            image_digest=draw(st.sampled_from([None, "x", "y"])),
            shots=draw(st.sampled_from(shots)),
        )
        for number in range(1, draw(st.integers(3, 12)))
    ]


def _filled(pictures: list[Picture]) -> Sieve:
    sieve = Sieve()
    for one in pictures:
        sieve.put(one.original_id, one.moment, one.image_digest, one.shots)
    return sieve


@settings(max_examples=500, deadline=None)
@given(_pictures())
def test_whoever_is_dismissed_would_have_got_no_verdict_by_looks(pictures: list[Picture]) -> None:
    sieve = _filled(pictures)
    for one in pictures:
        others = [other for other in pictures if other is not one]

        left = set(sieve.left(one.original_id, [other.original_id for other in others]))

        for other in others:
            if other.original_id not in left:
                is_equal = one.image_digest is not None and one.image_digest == other.image_digest
                is_apart = not may_be_compared(one, other) or are_different_shots(one, other)
                assert is_equal or is_apart


def test_of_a_long_series_only_what_may_be_one_shot_is_left() -> None:
    sieve = Sieve()
    for number in range(2000):
        at = _START + timedelta(seconds=10 * number)
        sieve.put(number, Moment.read(at.isoformat(), has_subseconds=False), None, ())
    sieve.put(5000, Moment.read(_START.isoformat(), has_subseconds=False), None, ())
    sieve.put(5001, None, None, ())

    every = [*range(2000), 5000, 5001]
    assert sieve.left(7, [one for one in every if one != 7]) == [5001]
    assert sieve.left(5000, every[:-2]) == [0]
    assert sieve.left(5001, every[:-1]) == every[:-1]


def test_facts_that_changed_are_asked_for_again() -> None:
    sieve = Sieve()
    sieve.put(1, None, "x", ())
    sieve.put(2, None, "x", ())
    assert sieve.left(1, [2]) == []

    sieve.forget([2, 3])

    assert sieve.unknown([1, 2, 3]) == [2, 3]
    sieve.put(2, None, "y", ())
    assert sieve.unknown([1, 2]) == []
    assert sieve.left(1, [2]) == [2]
