"""What is said of two pictures, and how pictures are put into groups."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping.duplicates import (
    LARGEST_COMPONENT,
    PRESETS,
    Picture,
    cliques,
    component,
    exact_group,
    judge,
)
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.model.groups import DuplicateClass, DuplicateGroup, DuplicateType
from twinlens.model.picture import Fingerprint, Kind

_NORMAL = PRESETS["normal"]
_EVEN = 0x0F0F0F0F0F0F0F0F
_LOOKS = Fingerprint(phash=0, dhash=_EVEN, ahash=_EVEN, whash=_EVEN)
_A = Picture(
    original_id=1,
    sha256="a" * 64,
    kind=Kind.IMAGE,
    fingerprint=_LOOKS,
    width=4000,
    height=3000,
    orientation=1,
    quality_score=60.0,
    size=4_000_000,
    captured_at="2022-03-31T11:31:56.18",
    has_subseconds=True,
    camera="Canon EOS R5",
)
_B = replace(_A, original_id=2, sha256="b" * 64, size=1_000_000, quality_score=50.0)
_STRIPPED = {"captured_at": None, "has_subseconds": False, "camera": None}


def _bits(number: int) -> Fingerprint:
    return replace(_LOOKS, phash=(1 << number) - 1)


def _class(a: Picture, b: Picture) -> DuplicateClass | None:
    verdict, mirrored = judge(a, b, _NORMAL), judge(b, a, _NORMAL)
    assert verdict == mirrored
    return verdict and verdict.duplicate_class


def test_a_recompressed_copy_of_the_same_instant_is_re_encoded() -> None:
    verdict = judge(_A, replace(_B, fingerprint=_bits(2), width=2000, height=1500), _NORMAL)

    assert verdict is not None
    assert verdict.duplicate_class is DuplicateClass.RE_ENCODED
    assert (verdict.distance, verdict.similarity) == (2, 98.4)
    assert verdict.rule == (
        "re-encoded: pHash 2, dHash 0, aHash 0, wHash 0 bits; "
        "same capture time to the fraction: 2022-03-31T11:31:56.18"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"captured_at": "2022-03-31T11:31:56.28"},  # the next frame of a burst
        {"captured_at": "2022-03-31T11:34:56.18", "fingerprint": _LOOKS, "has_subseconds": False},
        {"camera": "Canon EOS R6"},
        {"fingerprint": _bits(4)},
        {"fingerprint": replace(_LOOKS, ahash=_EVEN ^ 0b11)},  # an edit moves the brightness
        {"height": 2800},  # a crop
        {"width": None},
    ],
)
def test_any_contradiction_leaves_it_at_similar(change: dict[str, object]) -> None:
    assert _class(_A, replace(_B, **change)) is DuplicateClass.SIMILAR


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": _bits(10)},
        {"fingerprint": replace(_LOOKS, dhash=~_EVEN & (2**64 - 1))},
        {"fingerprint": replace(_LOOKS, whash=~_EVEN & (2**64 - 1))},
        {"fingerprint": replace(_LOOKS, is_degenerate=True)},
        {"fingerprint": replace(_LOOKS, ahash=0xFF)},
        {"width": 8000},
        {"sha256": _A.sha256},
        {"photograph_ids": frozenset({5, 7})},
        {"rejected_with": frozenset({_A.sha256})},
        {"kind": Kind.RAW},
        {"kind": Kind.VIDEO},
    ],
)
def test_what_makes_them_no_duplicates_at_all(change: dict[str, object]) -> None:
    first = replace(_A, photograph_ids=frozenset({7}))

    assert _class(first, replace(_B, **change)) is None


def test_two_plain_pictures_of_equal_hashes_are_no_duplicates() -> None:
    plain = replace(_LOOKS, dhash=0x9060000000000000, ahash=0x00FFFFFFFFFFFFFF)

    assert _class(replace(_A, fingerprint=plain), replace(_B, fingerprint=plain)) is None


def test_two_raws_are_never_more_than_similar() -> None:
    raws = (replace(one, kind=Kind.RAW) for one in (_A, _B))

    assert _class(*raws) is DuplicateClass.SIMILAR


def test_a_copy_that_lost_its_metadata_is_re_encoded() -> None:
    assert _class(_A, replace(_B, **_STRIPPED)) is DuplicateClass.RE_ENCODED


def test_a_clock_set_right_afterwards_is_the_same_shot() -> None:
    shifted = replace(_B, captured_at="2023-03-31T11:31:56.18")

    assert _class(_A, shifted) is DuplicateClass.RE_ENCODED


def test_a_turned_copy_is_compared_upright() -> None:
    turned = replace(_B, width=3000, height=4000, orientation=6)

    assert _class(_A, turned) is DuplicateClass.RE_ENCODED


def test_two_scans_of_one_form_with_equal_hashes_stay_similar() -> None:
    first, second = (replace(one, **_STRIPPED, size=500) for one in (_A, _B))

    assert _class(first, second) is DuplicateClass.SIMILAR


def test_frames_of_one_second_without_fractions_stay_similar() -> None:
    moment = {"captured_at": "2005-03-31T11:31:56", "has_subseconds": False, "size": 2_000_000}
    first = replace(_A, **moment)
    second = replace(_B, **moment, fingerprint=_bits(2))

    assert _class(first, second) is DuplicateClass.SIMILAR
    assert _class(first, replace(second, size=500_000)) is DuplicateClass.RE_ENCODED


def test_a_stripped_picture_that_fits_two_shots_is_given_to_neither() -> None:
    next_frame = replace(_B, captured_at="2022-03-31T11:31:56.28", fingerprint=_bits(2))
    stripped = replace(_A, original_id=3, sha256="c" * 64, width=2000, height=1500, **_STRIPPED)

    groups = cliques([_A, next_frame, stripped], _NORMAL)

    assert {group.duplicate_class for group in groups} == {DuplicateClass.SIMILAR}
    assert [group.duplicate_class for group in cliques([_A, stripped], _NORMAL)] == [
        DuplicateClass.RE_ENCODED
    ]


def test_an_original_with_metadata_confirms_two_stripped_copies_as_copies() -> None:
    first = replace(_B, **_STRIPPED)
    second = replace(first, original_id=3, sha256="c" * 64)

    (with_original,) = cliques([_A, first, second], _NORMAL)
    (without,) = cliques([first, second], _NORMAL)

    assert with_original.duplicate_class is DuplicateClass.RE_ENCODED
    assert len(with_original.members) == 3
    assert without.duplicate_class is DuplicateClass.SIMILAR


def test_a_clock_that_was_set_right_is_no_equal_capture_time() -> None:
    shifted = replace(_B, captured_at="2023-03-31T11:31:56.18")

    verdict = judge(_A, shifted, _NORMAL)

    assert verdict is not None
    assert verdict.duplicate_class is DuplicateClass.RE_ENCODED
    assert "only the clock's setting differs" in verdict.rule
    assert "same capture time" not in verdict.rule
    assert verdict.confidence < 90


def test_a_smaller_copy_that_scores_higher_does_not_stand_for_the_original() -> None:
    shrunk = replace(
        _B, captured_at=None, camera=None, width=640, height=480, quality_score=99.0, size=40_000
    )

    (group,) = cliques([shrunk, _A], _NORMAL)

    assert [one.original_id for one in group.members if one.is_primary] == [_A.original_id]
    assert group.rule.endswith("primary: has kept its capture time and camera")


def test_a_re_encoded_group_stands_among_the_similar_by_its_primary() -> None:
    crop = replace(
        _A, original_id=3, sha256="c" * 64, fingerprint=_bits(6), height=2900, quality_score=1.0
    )

    groups = {group.duplicate_class: group for group in cliques([_B, crop, _A], _NORMAL)}

    sure, similar = groups[DuplicateClass.RE_ENCODED], groups[DuplicateClass.SIMILAR]
    assert [one.original_id for one in sure.members] == [1, 2]
    assert [one.original_id for one in similar.members] == [1, 3]
    assert [one.original_id for one in sure.members if one.is_primary] == [1]
    assert sure.rule.endswith("primary: most bytes")
    assert sure.duplicate_type is DuplicateType.PERCEPTUAL


def test_a_chain_of_near_pictures_is_not_one_group() -> None:
    chain = [
        replace(_A, original_id=n, sha256=f"{n:064x}", fingerprint=_bits(6 * n), **_STRIPPED)
        for n in range(5)
    ]

    groups = cliques(chain, _NORMAL)

    assert all(len(group.members) == 2 for group in groups)


def test_a_series_too_long_to_review_is_cut_to_what_is_nearest() -> None:
    series = [
        replace(
            _A,
            original_id=n,
            sha256=f"{n:064x}",
            fingerprint=replace(_LOOKS, phash=1 << (n % 60)),
            captured_at=f"2022-03-31T{n // 60:02d}:{n % 60:02d}:00",
            has_subseconds=False,
        )
        for n in range(LARGEST_COMPONENT + 44)
    ]

    groups = cliques(series, _NORMAL)

    assert {len(group.members) for group in groups} == {5}
    assert len(groups) == 60


def test_an_exact_group_needs_two_separate_copies_with_bytes_in_them() -> None:
    group = exact_group(1, "a" * 64, 10, [(1, 5), (1, 6), (1, 5)])

    assert group is not None
    assert (group.key, group.duplicate_class) == ("e" + "a" * 16, DuplicateClass.EXACT)
    assert group.rule == "equal SHA-256 in 2 separate copies"
    assert exact_group(1, "a" * 64, 10, [(1, 5), (1, 5)]) is None  # two names of one inode
    assert exact_group(1, "a" * 64, 0, [(1, 5), (1, 6)]) is None  # empty files


def test_a_component_is_all_that_hangs_together_and_nothing_when_it_is_too_much() -> None:
    links = {1: [2], 2: [1, 3], 3: [2], 4: [4]}

    def neighbours(one: int) -> Iterable[int]:
        return links[one]

    assert component(1, neighbours, most=3) == {1, 2, 3}
    assert component(1, neighbours, most=2) == frozenset()
    assert component(4, neighbours, most=1) == {4}


_BASES = (0x00000000FFFFFFFF, 0x0F0F0F0FF0F0F0F0)


def _picture(number: int, base: int, flips: frozenset[int], age: int, width: int) -> Picture:
    hashed = base
    for bit in flips:
        hashed ^= 1 << bit
    return replace(
        _A,
        original_id=number,
        sha256=f"{number * 7919 % 104729:064x}",
        fingerprint=Fingerprint(hashed, _EVEN ^ len(flips), _EVEN, _EVEN),
        width=width,
        height=width * 3 // 4,
        captured_at=None if age == 0 else f"2022-03-31T11:31:56.{age}8",
        has_subseconds=age > 0,
        camera=None if age == 0 else "Canon EOS R5",
        rejected_with=frozenset({f"{7919:064x}"}) if age == 3 else frozenset(),
    )


_pictures = st.lists(
    st.tuples(
        st.sampled_from(_BASES),
        st.frozensets(st.integers(0, 15), max_size=6),
        st.integers(0, 3),
        st.sampled_from([4000, 2000]),
    ),
    max_size=14,
).map(lambda rows: [_picture(number, *row) for number, row in enumerate(rows, start=1)])


@settings(max_examples=150)
@given(_pictures, st.randoms())
def test_the_order_of_arrival_plays_no_part(pictures: list[Picture], random: Random) -> None:
    shuffled = pictures[:]
    random.shuffle(shuffled)

    assert cliques(shuffled, _NORMAL) == cliques(pictures, _NORMAL)


@settings(max_examples=150)
@given(_pictures)
def test_every_member_is_within_the_limit_of_every_other(pictures: list[Picture]) -> None:
    by_id = {picture.original_id: picture for picture in pictures}

    for group in cliques(pictures, _NORMAL):
        members = [member.original_id for member in group.members]
        assert len(members) > 1
        assert sum(member.is_primary for member in group.members) == 1
        for first, second in combinations(members, 2):
            assert judge(by_id[first], by_id[second], _NORMAL) is not None


@settings(max_examples=150)
@given(_pictures)
def test_no_picture_is_in_two_groups_of_one_class(pictures: list[Picture]) -> None:
    for wanted in DuplicateClass:
        members = [
            member.original_id
            for group in cliques(pictures, _NORMAL)
            if group.duplicate_class is wanted
            for member in group.members
        ]
        assert len(members) == len(set(members))


class _LiveGroups:
    """Groups kept up to date the way the daemon does: only the component of a change is redone."""

    def __init__(self) -> None:
        self.pictures: dict[int, Picture] = {}
        self.groups: dict[str, DuplicateGroup] = {}
        self._index = SimilarityIndex()

    def _near(self, original_id: int) -> list[int]:
        phash = self.pictures[original_id].fingerprint.phash
        return [one for one, _ in self._index.within(phash, _NORMAL.max_distance)]

    def _redo(self, touched: frozenset[int], change: Callable[[], object]) -> None:
        self.groups = {
            key: group
            for key, group in self.groups.items()
            if touched.isdisjoint(member.original_id for member in group.members)
        }
        change()
        left = [self.pictures[one] for one in touched if one in self.pictures]
        self.groups.update({group.key: group for group in cliques(left, _NORMAL)})

    def arrive(self, picture: Picture) -> None:
        self.pictures[picture.original_id] = picture
        self._index.add(picture.original_id, picture.fingerprint.phash)
        self._redo(component(picture.original_id, self._near), lambda: None)

    def leave(self, original_id: int) -> None:
        touched = component(original_id, self._near)
        self._index.remove(original_id)
        self._redo(touched, lambda: self.pictures.pop(original_id))


@settings(max_examples=100)
@given(_pictures, st.randoms())
def test_regrouping_only_what_a_change_touches_equals_a_rebuild(
    pictures: list[Picture], random: Random
) -> None:
    live = _LiveGroups()
    random.shuffle(pictures)

    for picture in pictures:
        live.arrive(picture)
        if random.random() < 0.4:
            live.leave(random.choice(sorted(live.pictures)))
        rebuilt = cliques(list(live.pictures.values()), _NORMAL)
        assert sorted(live.groups) == [group.key for group in rebuilt]
        assert set(live.groups.values()) == set(rebuilt)
