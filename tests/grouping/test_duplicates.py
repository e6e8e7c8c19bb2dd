"""How pictures are put into groups by the verdicts on their pairs."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.looks import scene, seen
from twinlens.grouping.duplicates import components, exact_group, groups_of
from twinlens.model.groups import DuplicateClass, DuplicateGroup, DuplicateType
from twinlens.model.verdicts import Lookalike, Verdict

_SCENE = scene(1, (64, 48))
_LETTERS = "abcdefgh"
_PICTURES = [seen(letter, _SCENE, size=n) for n, letter in enumerate(_LETTERS)]


def _verdict(a: str, b: str, *, re_encoded: bool, similarity: float = 99.0) -> Lookalike:
    kind = DuplicateClass.RE_ENCODED if re_encoded else DuplicateClass.SIMILAR
    return Lookalike(ord(a), ord(b), Verdict(kind, similarity, 0, f"{kind.value}: x", 90.0))


def _members(groups: tuple[DuplicateGroup, ...], kind: DuplicateClass) -> set[str]:
    return {
        "".join(sorted(chr(member.original_id) for member in group.members))
        for group in groups
        if group.duplicate_class is kind
    }


def test_a_crop_among_copies_leaves_them_re_encoded_and_is_similar_to_each() -> None:
    found = [_verdict(a, b, re_encoded=True) for a, b in combinations("abc", 2)]
    found += [_verdict(one, "d", re_encoded=False) for one in "abc"]

    groups = groups_of(_PICTURES, found)

    assert _members(groups, DuplicateClass.RE_ENCODED) == {"abc"}
    assert _members(groups, DuplicateClass.SIMILAR) == {"abcd"}


def test_a_frame_around_one_of_many_copies_does_not_stand_for_them() -> None:
    """It has the most pixels and bytes, and is the one that nobody took."""
    found = [_verdict(a, b, re_encoded=True) for a, b in combinations("abc", 2)]
    found += [_verdict(one, "h", re_encoded=False) for one in "abc"]
    framed = seen("h", _SCENE, size=10_000)

    (similar,) = (
        group
        for group in groups_of([*_PICTURES[:3], framed], found)
        if group.duplicate_class is DuplicateClass.SIMILAR
    )

    (primary,) = (member for member in similar.members if member.is_primary)
    assert chr(primary.original_id) == "c"
    assert similar.rule.endswith("primary: most bytes")


def test_nearness_is_not_handed_on() -> None:
    found = [_verdict("a", "b", re_encoded=False), _verdict("b", "c", re_encoded=False)]

    assert _members(groups_of(_PICTURES, found), DuplicateClass.SIMILAR) == {"ab", "bc"}


_verdicts = st.lists(
    st.tuples(
        st.sampled_from(list(combinations(_LETTERS, 2))), st.booleans(), st.integers(80, 100)
    ),
    unique_by=lambda one: one[0],
)


@settings(max_examples=200)
@given(_verdicts, st.randoms(use_true_random=False))
def test_groups_are_cliques_that_lose_no_pair_and_do_not_depend_on_the_order(
    drawn: list[tuple[tuple[str, str], bool, int]], shuffle: Random
) -> None:
    found = [_verdict(*pair, re_encoded=sure, similarity=near) for pair, sure, near in drawn]
    groups = groups_of(_PICTURES, found)
    pairs = {frozenset(map(ord, pair)): sure for pair, sure, _ in drawn}

    together = set()
    for group in groups:
        inside = {
            frozenset(pair) for pair in combinations([m.original_id for m in group.members], 2)
        }
        together |= inside
        assert inside <= pairs.keys()
        if group.duplicate_class is DuplicateClass.RE_ENCODED:
            assert all(pairs[pair] for pair in inside)
        assert sum(member.is_primary for member in group.members) == 1
    assert together == pairs.keys()

    shuffled, others = list(found), list(_PICTURES)
    shuffle.shuffle(shuffled)
    shuffle.shuffle(others)
    assert groups_of(others, shuffled) == groups


@given(_verdicts)
def test_components_hold_whoever_is_linked(
    drawn: list[tuple[tuple[str, str], bool, int]],
) -> None:
    found = [_verdict(*pair, re_encoded=sure) for pair, sure, _ in drawn]

    parts = components(found)

    assert sum(map(len, parts)) == len(
        {end for one in found for end in (one.first_id, one.second_id)}
    )
    assert all(any({one.first_id, one.second_id} <= part for part in parts) for one in found)


def test_a_copy_of_two_different_shots_is_only_similar_to_both() -> None:
    shots = [
        seen("a", _SCENE, captured_at="2022-01-01T10:00:00.10"),
        seen("b", _SCENE, captured_at="2022-01-01T10:00:00.20"),
        seen("c", _SCENE, captured_at=None, has_subseconds=False, make=None, model=None),
    ]
    found = [_verdict("a", "c", re_encoded=True), _verdict("b", "c", re_encoded=True)]

    groups = groups_of(shots, found)

    assert _members(groups, DuplicateClass.RE_ENCODED) == set()
    assert _members(groups, DuplicateClass.SIMILAR) == {"ac", "bc"}
    assert all("another shot" in group.rule for group in groups)


def test_the_primary_has_kept_its_facts_then_most_pixels_then_most_bytes() -> None:
    small = seen("a", _SCENE, width=10, height=10, size=9)
    large = seen("b", _SCENE, size=5)
    stripped = seen("c", _SCENE, captured_at=None, make=None, model=None, width=9000, height=9000)
    found = [_verdict(a, b, re_encoded=True) for a, b in combinations("abc", 2)]

    (group,) = groups_of([small, large, stripped], found)

    assert [chr(m.original_id) for m in group.members if m.is_primary] == ["b"]
    assert group.rule.endswith("primary: most pixels")


@pytest.mark.parametrize(
    ("size", "identities"), [(0, [(1, 1), (1, 2)]), (5, [(1, 1)]), (5, [(1, 1), (1, 1)]), (5, [])]
)
def test_no_exact_group_without_two_separate_copies_of_something(
    size: int, identities: list[tuple[int, int]]
) -> None:
    assert exact_group(1, "a" * 64, size, identities) is None


def test_separate_copies_are_an_exact_group() -> None:
    group = exact_group(1, "a" * 64, 5, [(1, 1), (1, 2), (1, 2)])

    assert group is not None
    assert group.duplicate_type is DuplicateType.EXACT
    assert group.rule == "equal SHA-256 in 2 separate copies"
