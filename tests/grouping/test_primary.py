"""Who stands for a group, and by which rule."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.grouping.primary import Contender, choose

_PLAIN = Contender(1, b"b.jpg", quality_score=50.0, pixels=100, size=1000)

_contenders = st.lists(
    st.builds(
        Contender,
        member_id=st.integers(1, 10_000),
        name=st.binary(min_size=1, max_size=3),
        is_cover=st.booleans(),
        is_rendered=st.booleans(),
        is_marked_copy=st.booleans(),
        quality_score=st.none() | st.sampled_from([0.0, 50.0]),
        pixels=st.none() | st.integers(0, 2),
        size=st.integers(0, 2),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.member_id,
)


@pytest.mark.parametrize(
    ("better", "rule"),
    [
        (replace(_PLAIN, is_cover=True, is_rendered=False), "cover of its sequence"),
        (replace(_PLAIN, twins=1, pixels=99, size=1), "most members are re-encodings of it"),
        (replace(_PLAIN, quality_score=51.0, size=1), "highest quality score"),
        (replace(_PLAIN, pixels=101, size=1), "most pixels"),
        (replace(_PLAIN, size=1001), "most bytes"),
        (replace(_PLAIN, name=b"a.jpg"), "shortest, then first name"),
        (replace(_PLAIN, name=b"z"), "shortest, then first name"),
    ],
)
def test_the_first_rule_that_tells_them_apart_decides(better: Contender, rule: str) -> None:
    choice = choose([_PLAIN, replace(better, member_id=2)])

    assert (choice.member_id, choice.rule) == (2, rule)


def test_a_rendered_picture_stands_before_its_raw_and_a_plain_name_before_a_marked_copy() -> None:
    raw = replace(_PLAIN, is_rendered=False, quality_score=99.0)
    copy = replace(_PLAIN, member_id=2, is_marked_copy=True, quality_score=99.0)
    plain = replace(_PLAIN, member_id=3)

    assert choose([raw, copy, plain]).member_id == 3


def test_nobody_to_choose_from_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no primary"):
        choose([])


@given(_contenders, st.randoms())
def test_the_order_in_does_not_matter(contenders: list[Contender], random: Random) -> None:
    shuffled = contenders[:]
    random.shuffle(shuffled)

    assert choose(shuffled) == choose(contenders)
