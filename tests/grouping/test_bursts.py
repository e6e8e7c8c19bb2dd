"""Claims about bursts: what is one, what is none, and what is said of it."""

from random import Random
from typing import Any

import pytest

from twinlens.grouping.bursts import BurstLimits, find_bursts
from twinlens.grouping.shots import Shot
from twinlens.model.groups import FileGroup

USUAL = BurstLimits()


def shot(number: int, at: str | None, *, name: str = "IMG_{:04}", **facts: Any) -> Shot:
    """One shot of one camera; its look is that of the others but for two bits."""
    radical = name.format(number)
    usual: dict[str, Any] = {
        "make": "Canon",
        "model": "Canon EOS R",
        "phash": 0,
        "ahash": 0,
        "quality_score": 50.0,
        "files": ((number, "image"),),
    }
    return Shot(
        file_id=number,
        original_id=number,
        sha256=f"{number:064}",
        directory=b"d",
        name=f"{radical}.jpg".encode(),
        radical=radical.lower(),
        captured_at=at,
        has_subseconds="." in (at or ""),
        **usual | facts,
    )


def shots(*seconds: float, form: str = ".3f", **facts: Any) -> list[Shot]:
    """Shots so many seconds after a full minute."""
    return [
        shot(
            n,
            f"2020-01-01T10:{int(at) // 60:02}:{at % 60:0{6 if form == '.3f' else 2}{form}}",
            **facts,
        )
        for n, at in enumerate(seconds, start=1)
    ]


def numbers(groups: list[FileGroup]) -> list[list[int]]:
    return [[member.file_id for member in group.members] for group in groups]


def test_gaps_of_a_second_to_the_fraction_make_a_burst() -> None:
    (burst,) = find_bursts(shots(1, 1.4, 2.3), USUAL)

    assert [member.sequence for member in burst.members] == [1, 2, 3]
    assert burst.burst is not None
    assert (burst.burst.seconds, burst.burst.camera) == (1.3, "Canon EOS R")
    assert burst.members[1].evidence.startswith("shot 2 of 3, taken 2020-01-01T10:00:01.400, 0.4 s")


@pytest.mark.parametrize(
    "taken",
    [
        shots(1, 1.5),
        shots(1, 1.1, 1.2),
        shots(1, 1.12, 1.24, 1.36),
        shots(1, 2.5, 4),
        shots(1, 2, 3, form=".0f", name="IMG_{:04}x"),
        shots(1, 2, 3, form=".0f", phash=None),
        [shot(n, "2020-01-01T10:00") for n in range(1, 6)],
        [shot(n, f"2020-01-01T10:00:0{n}.100", model=f"EOS {n % 2}") for n in range(1, 6)],
        [shot(n, f"2020-01-01T10:00:0{n}.100", serial=f"{n % 2}") for n in range(1, 6)],
        [shot(n, f"2020-01-01T10:00:0{n}.100", model=None, make=None) for n in range(1, 6)],
        [shot(n, "2020-01-01T10:00:00.100") for n in range(1, 6)],
    ],
    ids=[
        "two",
        "two tenths",
        "four within half a second",
        "gaps of 1.5 s",
        "no counters",
        "no looks",
        "no seconds",
        "two models in turn",
        "two bodies in turn",
        "no camera",
        "five versions of one shot",
    ],
)
def test_no_burst(taken: list[Shot]) -> None:
    assert find_bursts(taken, USUAL) == []


def test_whole_seconds_need_counters_and_looks() -> None:
    assert numbers(find_bursts(shots(1, 1, 2, form=".0f"), USUAL)) == [[1, 2, 3]]
    assert (
        find_bursts(
            [shot(n, "2020-01-01T10:00:01", phash=(2**30 - 1) << n) for n in (1, 20, 40)], USUAL
        )
        == []
    )


def test_the_counter_rolls_over_inside_a_burst() -> None:
    taken = [
        shot(9998, "2020-01-01T10:00:01"),
        shot(9999, "2020-01-01T10:00:01"),
        shot(1, "2020-01-01T10:00:02"),
    ]

    assert len(find_bursts(taken, USUAL)) == 1


def test_identifiers_and_names_go_before_the_time() -> None:
    by_id = [shot(n, None, burst_id="B") for n in (1, 2, 3)]
    by_name = [shot(n, None, name="x_BURST{}", burst_key="x") for n in (2, 10, 9)]

    assert numbers(find_bursts(by_id, USUAL)) == [[1, 2, 3]]
    assert numbers(find_bursts(by_name, USUAL)) == [[2, 9, 10]]


def test_names_of_one_burst_hours_apart_are_a_time_lapse_and_none() -> None:
    taken = [shot(n, f"2020-01-01T1{n}:00:00", burst_key="g001") for n in (1, 2, 3, 4)]

    assert find_bursts(taken, USUAL) == []


def test_an_even_series_of_one_picture_is_a_burst_and_a_walk_is_none() -> None:
    stack = shots(2, 7, 13, 19, 24, form=".0f")
    uneven = shots(2, 3, 12, 13, 22, form=".0f")
    slow = shots(0, 20, 40, 59, form=".0f")

    assert numbers(find_bursts(stack, USUAL)) == [[1, 2, 3, 4, 5]]
    assert find_bursts(stack[:3], USUAL) == []
    assert find_bursts(uneven, USUAL) == []
    assert find_bursts(slow, USUAL) == []


@pytest.mark.parametrize(("method", "primary"), [("quality", 4), ("first", 1), ("middle", 3)])
def test_the_primary_is_chosen_by_the_method(method: str, primary: int) -> None:
    taken = [
        shot(n, f"2020-01-01T10:00:0{n}.000", quality_score=90.0 if n == 4 else 50.0)
        for n in range(1, 6)
    ]
    (burst,) = find_bursts(taken, BurstLimits(primary=method))

    assert [m.file_id for m in burst.members if m.is_primary] == [primary]
    assert burst.burst is not None
    assert burst.burst.best_original_id == 4


def test_the_owner_goes_before_the_cover_and_the_cover_before_the_method() -> None:
    taken = shots(1, 1.5, 2, 2.5)
    covered = [*taken[:2], shot(3, taken[2].captured_at, is_cover=True), taken[3]]
    told = [*covered[:3], shot(4, taken[3].captured_at, is_chosen=True)]

    def primary(group: FileGroup) -> list[int]:
        return [member.file_id for member in group.members if member.is_primary]

    limits = BurstLimits(primary="first")
    assert primary(find_bursts(covered, limits)[0]) == [3]
    assert primary(find_bursts(told, limits)[0]) == [4]


def test_a_burst_of_pairs_has_all_files_of_each_shot() -> None:
    taken = [
        shot(n, f"2020-01-01T10:00:0{n}.000", files=((n, "image"), (n + 10, "raw")))
        for n in (1, 2, 3)
    ]
    (burst,) = find_bursts(taken, USUAL)

    assert [(m.file_id, m.file_type, m.sequence) for m in burst.members] == [
        (1, "image", 1),
        (11, "raw", 1),
        (2, "image", 2),
        (12, "raw", 2),
        (3, "image", 3),
        (13, "raw", 3),
    ]


def test_any_order_in_gives_the_same_bursts() -> None:
    taken = [*shots(1, 1.4, 2.3, 8, 13, 18, 23), shot(90, None, burst_id="B")]
    wanted = find_bursts(taken, USUAL)

    for seed in range(20):
        Random(seed).shuffle(taken)
        assert find_bursts(taken, USUAL) == wanted


def test_two_phones_of_one_model_are_told_apart_by_their_counters() -> None:
    mine = [shot(1001 + n, f"2020-01-01T10:00:0{n}.100") for n in range(3)]
    theirs = [shot(7001 + n, f"2020-01-01T10:00:0{n}.600") for n in range(2)]

    assert numbers(find_bursts(mine + theirs, USUAL)) == [[1001, 1002, 1003]]
