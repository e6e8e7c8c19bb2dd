"""Claims about the choice of the copy that is kept: whole units, one copy left, any order in."""

import random
from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.grouping.belongings import units
from twinlens.grouping.keep_rules import DEFAULT_ORDER, make_plan
from twinlens.model.actions import ActionKind, Place, Plan
from twinlens.model.copies import Copy

TRASH = {"family": ActionKind.TRASH}
ROOT = b"/photos"


def copy(path: str, content: str, **facts: object) -> Copy:
    """A file; its inode is made of its path, its kind of its ending."""
    kind = {"nef": "raw", "mov": "video", "xmp": "sidecar"}.get(path.rpartition(".")[2], "image")
    stem = path.rpartition("/")[2].partition(".")[0].partition(" ")[0]
    number = int.from_bytes(sha256(path.encode()).digest()[:5], "big")
    values: dict[str, object] = {
        "file_id": number,
        "catalog": "family",
        "place": Place(ROOT, path.encode()),
        "sha256": content,
        "size": 100,
        "identity": (1, number),
        "mtime_ns": 1000,
        "kind": kind,
        "radical": stem,
    }
    return Copy(**(values | facts))  # type: ignore[arg-type]  # the facts are the fields


def plan(
    copies: Sequence[Copy],
    groups: Sequence[Sequence[Copy]] = (),
    order: Sequence[str] = DEFAULT_ORDER,
) -> Plan:
    ids = [[one.file_id for one in group] for group in groups]
    return make_plan(units(copies, ids), TRASH, order)


def victims(made: Plan) -> list[str]:
    return [step.victim.path.decode() for step in made.steps]


def test_of_two_copies_the_one_with_the_shorter_path_stays() -> None:
    made = plan([copy("a.jpg", "x"), copy("copies/a.jpg", "x")])

    (step,) = made.steps
    assert (step.victim.path, step.keeper.path) == (b"copies/a.jpg", b"a.jpg")
    assert "shortest" in step.rule


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"is_protected": True, "obstacle": "it lies in a protected folder"}, "protected"),
        ({"quality": 80.0}, "quality"),
        ({"pixels": 10}, "pixels"),
        ({"mtime_ns": 10}, "oldest"),
    ],
)
def test_each_rule_goes_before_the_path_and_is_named(facts: dict[str, object], words: str) -> None:
    made = plan([copy("a.jpg", "x"), copy("much/longer/a.jpg", "x", **facts)])

    (step,) = made.steps
    assert step.victim.path == b"a.jpg"
    assert words in step.rule


def test_the_copy_that_you_chose_stays_and_a_marked_name_goes_before_an_older_file() -> None:
    chosen = copy("deep/in/a (1).jpg", "x", is_chosen=True, is_marked_copy=True, mtime_ns=9)
    plain = copy("a.jpg", "x", mtime_ns=5)
    marked = copy("a (2).jpg", "x", is_marked_copy=True, mtime_ns=1)

    assert victims(plan([chosen, plain, marked])) == ["a (2).jpg", "a.jpg"]
    (step,) = plan([plain, marked]).steps
    assert (step.victim.path, step.rule) == (b"a (2).jpg", "its name has no copy mark")


def test_what_you_said_may_go_goes() -> None:
    made = plan([copy("a.jpg", "x", is_discarded=True), copy("longer/a.jpg", "x")])

    assert victims(made) == ["a.jpg"]
    assert "you said" in made.steps[0].rule


def test_the_owner_may_put_the_rules_in_another_order() -> None:
    copies = [copy("a.jpg", "x", mtime_ns=5000), copy("longer/a.jpg", "x", mtime_ns=10)]

    assert victims(plan(copies)) == ["a.jpg"]
    assert victims(plan(copies, order=["path", "oldest"])) == ["a.jpg"]
    assert victims(plan(copies, order=["bytes"])) == ["longer/a.jpg"]


def test_a_rule_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'newest'"):
        plan([], order=["newest"])


def test_a_lone_copy_goes_before_one_that_has_its_raw() -> None:
    raw, jpeg = copy("z/2019/a.nef", "r"), copy("z/2019/a.jpg", "x")

    made = plan([raw, jpeg, copy("a.jpg", "x")], [[raw, jpeg]])

    assert victims(made) == ["a.jpg"]
    assert "complete" in made.steps[0].rule


def test_a_pair_goes_as_a_whole_where_another_whole_pair_stays() -> None:
    here = [copy("a.nef", "r"), copy("a.jpg", "x")]
    there = [copy("copies/a.nef", "r"), copy("copies/a.jpg", "x")]

    made = plan([*here, *there], [here, there])

    assert victims(made) == ["copies/a.jpg", "copies/a.nef"]
    assert {step.unit for step in made.steps} == {1}
    assert {step.keeper.path for step in made.steps} == {b"a.nef", b"a.jpg"}


def test_a_pair_of_which_only_one_half_is_elsewhere_is_spared_with_the_reason() -> None:
    here = [copy("a.nef", "r"), copy("a.jpg", "x"), copy("a.xmp", "s")]
    there = [copy("copies/a.nef", "r"), copy("copies/a.jpg", "x"), copy("copies/a.xmp", "other")]

    made = plan([*here, *there], [here, there])

    assert made.steps == ()
    (spared,) = made.spared
    assert spared.paths[2].endswith(b"copies/a.xmp")
    assert "a.xmp" in spared.reason


def test_halves_that_lie_in_two_places_do_not_replace_a_pair() -> None:
    pair = [copy("far/away/a.nef", "r"), copy("far/away/a.jpg", "x")]

    made = plan([*pair, copy("raws/a.nef", "r"), copy("a.jpg", "x")], [pair])

    assert victims(made) == ["a.jpg", "raws/a.nef"]


def test_a_film_of_the_same_name_is_not_left_behind_even_without_a_group() -> None:
    made = plan([copy("a.jpg", "x"), copy("copies/a.jpg", "x"), copy("copies/a.mov", "m")])

    assert victims(made) == ["a.jpg"]


def test_two_copies_beside_each_other_are_not_bound_by_their_name() -> None:
    pair = [copy("a.nef", "r"), copy("a.jpg", "x")]

    made = plan([*pair, copy("a (1).jpg", "x")], [pair])

    assert victims(made) == ["a (1).jpg"]


def test_equal_sidecars_of_two_photographs_are_no_duplicates() -> None:
    one, other = copy("a.jpg", "x"), copy("b.jpg", "y")
    notes = [copy("a.xmp", "five stars"), copy("b.xmp", "five stars"), copy("c.xmp", "five stars")]

    made = plan([one, other, *notes], [[one, notes[0]], [other, notes[1]]])

    assert made.steps == ()
    assert "goes only with that" in made.spared[-1].reason


def test_hard_links_are_one_copy() -> None:
    made = plan([copy("a.jpg", "x", identity=(1, 7)), copy("b.jpg", "x", identity=(1, 7))])

    assert made.steps == ()
    assert "hard link" in made.spared[0].reason


@pytest.mark.parametrize("facts", [{"doubt": "the file is broken"}, {"obstacle": "it is kept"}])
def test_what_must_not_or_cannot_be_touched_is_spared(facts: dict[str, object]) -> None:
    made = plan([copy("a.jpg", "x"), copy("copies/a.jpg", "x", **facts)])

    assert made.steps == ()
    assert made.spared[0].reason == next(iter(facts.values()))


def test_a_copy_in_doubt_never_stays_in_anothers_stead() -> None:
    made = plan([copy("a.jpg", "x", doubt="its folder is unreachable"), copy("copies/a.jpg", "x")])

    assert made.steps == ()
    assert "unreachable" in made.spared[0].reason


def test_catalogs_are_not_mixed_and_those_that_report_are_left_alone() -> None:
    copies = [
        copy("a.jpg", "x"),
        copy("other/a.jpg", "x", catalog="work"),
        copy("third/a.jpg", "x", catalog="work"),
    ]

    both = TRASH | {"work": ActionKind.TRASH}

    assert plan(copies).steps == ()
    assert victims(make_plan(units(copies, ()), both)) == ["third/a.jpg"]
    assert make_plan(units(copies[:2], ()), both).steps == ()


def test_the_name_of_a_plan_is_made_of_its_steps() -> None:
    copies = [copy("a.jpg", "x"), copy("b/a.jpg", "x")]

    assert plan(copies).id == plan(copies[::-1]).id
    assert plan(copies).id != plan([*copies, copy("c/a.jpg", "x")]).id


_FOLDERS = ("", "b/", "long/", "z/y/")
_FILES = st.tuples(
    st.sampled_from(_FOLDERS),
    st.sampled_from(("a.jpg", "a.nef", "a.xmp", "c.jpg", "a (1).jpg", "c.mov")),
    st.sampled_from("pqrs"),
    st.sampled_from((10, 20)),
    st.sampled_from((None, None, None, "doubt", "obstacle", "linked")),
)


@given(
    files=st.lists(_FILES, min_size=2, max_size=14, unique_by=lambda file: file[:2]),
    ties=st.lists(st.lists(st.integers(0, 13), min_size=2, max_size=3), max_size=4),
    order=st.permutations(DEFAULT_ORDER),
    seed=st.integers(0, 5),
)
def test_one_sound_copy_of_each_content_stays_and_no_unit_is_torn(
    files: list[tuple[str, str, str, int, str | None]],
    ties: list[list[int]],
    order: list[str],
    seed: int,
) -> None:
    copies = []
    for folder, name, content, mtime, oddity in files:
        facts: dict[str, object] = {"mtime_ns": mtime}
        if oddity == "linked":
            facts["identity"] = (1, 1)
        elif oddity is not None:
            facts[oddity] = "because"
        copies.append(copy(folder + name, content, **facts))
    groups = [[copies[i].file_id for i in tie if i < len(copies)] for tie in ties]
    found = units(copies, groups)

    made = make_plan(found, TRASH, order)

    gone = {step.victim for step in made.steps}
    for step in made.steps:
        assert step.keeper not in gone
        assert step.keeper != step.victim
    by_place = {one.place: one for one in copies}
    for step in made.steps:
        victim, keeper = by_place[step.victim], by_place[step.keeper]
        assert victim.sha256 == keeper.sha256 == step.sha256
        assert victim.identity != keeper.identity
        assert keeper.doubt is None
        assert victim.obstacle is None
        assert victim.doubt is None
    for unit in found:
        places = {one.place for one in unit.copies}
        assert places <= gone or not places & gone
    mixed = random.Random(seed).sample(copies, len(copies))
    again = make_plan(units(mixed, groups[::-1]), TRASH, order)
    assert again == made
