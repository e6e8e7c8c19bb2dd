"""Pictures of equal coded pixels: their groups are what all pairs would give, and cost no pairs."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping import duplicates, twins
from twinlens.grouping.duplicates import groups_of
from twinlens.grouping.twins import families
from twinlens.grouping.verdicts import EQUAL_PIXELS, Picture, judge
from twinlens.model.groups import DuplicateClass
from twinlens.model.picture import Kind
from twinlens.model.verdicts import Lookalike, Verdict

_LIMITS = duplicates.PRESETS["normal"]


def _picture(number: int, pixels: str | None = "x", **facts: object) -> Picture:
    known = {
        "original_id": number,
        "sha256": f"{number:064d}",
        "kind": Kind.IMAGE,
        "miniature": None,
        "width": 400,
        "height": 300,
        "orientation": 1,
        "size": 1000,
        "captured_at": None,
        "has_subseconds": False,
        "image_digest": pixels,
    }
    return Picture(**(known | facts))  # type: ignore[arg-type]


def _by_all_pairs(pictures: list[Picture], found: list[Lookalike]) -> tuple[set[str], set[str]]:
    """The reference: each pair of equal pixels judged, complete linkage over all pairs in their
    order. The members of the re-encoded groups, and the pairs that stand in none of them."""
    told = {(one.first_id, one.second_id): one.verdict for one in found}
    for a, b in combinations(pictures, 2):
        if judge(a, b, _LIMITS) is EQUAL_PIXELS:
            told[a.original_id, b.original_id] = EQUAL_PIXELS
    sure = {pair for pair, v in told.items() if v.duplicate_class is DuplicateClass.RE_ENCODED}
    clusters = {picture.original_id: {picture.original_id} for picture in pictures}
    for first, second in sorted(
        sure, key=lambda p: (told[p] is not EQUAL_PIXELS, -told[p].similarity, p)
    ):
        left, right = clusters[first], clusters[second]
        if left is not right and all((min(a, b), max(a, b)) in sure for a in left for b in right):
            left |= right
            for one in right:
                clusters[one] = left
    groups = {_named(group) for group in clusters.values() if len(group) > 1}
    return groups, {_named(p) for p in told if clusters[p[0]] is not clusters[p[1]]}


def _named(members: object) -> str:
    return " ".join(map(str, sorted(members)))  # type: ignore[call-overload]


@st.composite
def _libraries(draw: st.DrawFn) -> tuple[list[Picture], list[Lookalike]]:
    count = draw(st.integers(2, 9))
    rejected: dict[int, set[str]] = {number: set() for number in range(count)}
    pairs = list(combinations(range(count), 2))
    for a, b in draw(st.lists(st.sampled_from(pairs), max_size=4)):
        rejected[a].add(f"{b:064d}")
        rejected[b].add(f"{a:064d}")
    pictures = [
        _picture(
            number,
            draw(st.sampled_from(["x", "x", "y", None])),
            rejected_with=frozenset(rejected[number]),
            shots=draw(
                st.sampled_from(
                    [frozenset(), frozenset({(1, 1)}), frozenset({(1, 2)}), frozenset({(2, 1)})]
                )
            ),
            kind=draw(st.sampled_from([Kind.IMAGE] * 4 + [Kind.RAW])),
        )
        for number in range(count)
    ]
    found = []
    for a, b in draw(st.lists(st.sampled_from(pairs), unique=True)):
        is_other = pictures[a].image_digest is None or (
            pictures[a].image_digest != pictures[b].image_digest
        )
        if is_other:
            kind = draw(st.sampled_from([DuplicateClass.RE_ENCODED, DuplicateClass.SIMILAR]))
            near = draw(st.integers(95, 100))
            found.append(Lookalike(a, b, Verdict(kind, near, 0, f"{kind.value}: x", 90.0)))
    return pictures, found


@settings(max_examples=400, deadline=None)
@given(_libraries(), st.randoms(use_true_random=False))
def test_groups_are_those_that_verdicts_on_all_pairs_would_give(
    library: tuple[list[Picture], list[Lookalike]], shuffle: Random
) -> None:
    pictures, found = library
    wanted, left = _by_all_pairs(pictures, found)
    shuffle.shuffle(pictures)

    groups = groups_of(pictures, found)

    members = [(g.duplicate_class, [m.original_id for m in g.members]) for g in groups]
    sure = {_named(ids) for kind, ids in members if kind is DuplicateClass.RE_ENCODED}
    covered = {
        _named(pair)
        for kind, ids in members
        if kind is DuplicateClass.SIMILAR
        for pair in combinations(ids, 2)
    }
    assert sure == wanted
    assert left <= covered


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often two pictures are asked of each other from now on, one entry a question."""
    asked: list[int] = []

    def counting(a: Picture, b: Picture) -> bool:
        asked.append(1)
        return a.sha256 not in b.rejected_with

    monkeypatch.setattr(twins, "may_be_compared", counting)
    return asked


def test_thousands_of_equal_pixels_are_grouped_without_a_look_at_their_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = [_picture(number) for number in range(3000)]
    copy = _picture(9000, None)
    near = Verdict(DuplicateClass.RE_ENCODED, 97.0, 2, "re-encoded: x", 93.0)
    found = [Lookalike(number, 9000, near) for number in range(3000)]
    asked = _counted(monkeypatch)

    (group,) = groups_of([*pictures, copy], found)

    assert len(group.members) == 3001
    assert group.duplicate_class is DuplicateClass.RE_ENCODED
    assert group.confidence == 93.0
    assert len(asked) <= 2 * 3000


def test_one_whom_the_owner_parted_from_another_stands_apart_from_all_that_hold_it() -> None:
    first = _picture(1, rejected_with=frozenset({f"{2:064d}"}))
    second = _picture(2, rejected_with=frozenset({f"{1:064d}"}))

    groups = groups_of([first, second, _picture(3)], [])

    assert [
        (group.duplicate_class.value, [m.original_id for m in group.members]) for group in groups
    ] == sorted(
        [("re_encoded", [1, 3]), ("similar", [2, 3])],
        key=lambda one: next(g.key for g in groups if [m.original_id for m in g.members] == one[1]),
    )


def test_the_shots_of_a_dark_series_stand_in_a_family_each_without_asking_all() -> None:
    """5,000 in which nothing is to be seen: each has to pass by those before it at one step."""
    frames = [_picture(number, shots=frozenset({(7, number)})) for number in range(5000)]
    asked = 0

    class Shots(frozenset[tuple[int, int]]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal asked
            asked += 1
            return super().__iter__()

    frames = [_picture(number, shots=Shots({(7, number)})) for number in range(5000)]

    assert [len(one) for one in families(frames, range(5000))] == [1] * 5000
    assert asked <= 10 * 5000
