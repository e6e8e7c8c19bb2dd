"""RAW and rendered pictures: what is paired, what is not, and what is said about it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlens.grouping.pairs import PairCandidate, Pairing, pair
from twinlens.model.groups import FileGroup, GroupType
from twinlens.model.picture import Kind

_JPEG = PairCandidate(
    file_id=1,
    directory=b"/p",
    name=b"IMG_1.JPG",
    radical="IMG_1",
    copy_mark=None,
    kind=Kind.IMAGE,
    media_type="image/jpeg",
    captured_at="2020-01-02T03:04:05",
    has_subseconds=False,
    make="Canon",
    model="Canon EOS R",
    phash=0,
    is_degenerate=False,
    width=100,
    height=80,
    quality_score=50.0,
    size=1000,
)
_RAW = replace(
    _JPEG,
    file_id=2,
    name=b"IMG_1.CR3",
    kind=Kind.RAW,
    media_type="image/x-canon-cr3",
    size=9000,
    quality_score=None,
)
_NEAR = 0b1111  # 4 bits from the RAW's preview
_FAR = 2**30 - 1  # 30 bits away


def _ids(group: FileGroup) -> list[int]:
    return sorted(member.file_id for member in group.members)


def _groups(pairing: Pairing) -> list[list[int]]:
    return sorted(_ids(group) for group in pairing.groups)


def test_same_folder_time_and_camera_make_a_pair_with_the_rendered_one_in_front() -> None:
    pairing = pair([_RAW, _JPEG])

    (group,) = pairing.groups
    parts = {member.file_id: member for member in group.members}
    assert group.group_type is GroupType.RAW_JPEG
    assert group.rule == (
        "same folder, name, capture time and camera; primary: rendered before RAW"
    )
    assert (parts[1].is_primary, parts[1].file_type) == (True, "image")
    assert (parts[2].is_primary, parts[2].file_type) == (False, "raw")
    assert parts[2].evidence == "both taken 2020-01-02T03:04:05, both by Canon EOS R"
    assert pairing.ambiguous == ()


@pytest.mark.parametrize(
    "change",
    [
        {"captured_at": "2016-05-14T09:30:00"},
        {"captured_at": "2020-01-02T03:04:06"},
        {"model": "Canon EOS 70D"},
        {"make": "SONY", "model": "ZV-E10"},
    ],
)
def test_another_time_or_camera_is_another_photograph_however_alike_they_look(
    change: dict[str, Any],
) -> None:
    pairing = pair([_RAW, replace(_JPEG, **change)])

    assert pairing == Pairing((), ())


def test_one_raw_with_jpeg_and_heic_is_one_photograph() -> None:
    heic = replace(_JPEG, file_id=3, name=b"IMG_1.HEIC", media_type="image/heic", size=700)

    assert _groups(pair([heic, _RAW, _JPEG])) == [[1, 2, 3]]


def test_a_raw_its_converted_dng_and_a_jpeg_are_one_photograph() -> None:
    dng = replace(_RAW, file_id=3, name=b"IMG_1.DNG", media_type="image/x-adobe-dng", size=8000)

    assert _groups(pair([dng, _RAW, _JPEG])) == [[1, 2, 3]]


def test_files_without_a_raw_or_without_a_rendered_picture_are_no_pair() -> None:
    assert pair([_RAW]).groups == ()
    assert pair([_JPEG, replace(_JPEG, file_id=3, name=b"IMG_1.PNG", size=5)]).groups == ()


def test_an_exact_copy_is_no_further_member_and_the_plain_name_takes_part() -> None:
    copy = replace(_JPEG, file_id=3, name=b"IMG_1 (1).JPG", copy_mark=" (1)")

    for order in permutations([copy, _JPEG, _RAW]):
        assert _groups(pair(order)) == [[1, 2]]


def test_a_copy_stands_in_where_the_plain_name_is_gone() -> None:
    copy = replace(_JPEG, file_id=3, name=b"IMG_1 (1).JPG", copy_mark=" (1)")

    assert _groups(pair([copy, _RAW])) == [[2, 3]]


def test_two_cards_of_one_counter_in_one_folder_make_two_photographs() -> None:
    later = {"captured_at": "2021-06-07T08:09:10", "copy_mark": " (1)"}
    jpeg = replace(_JPEG, file_id=3, name=b"IMG_1 (1).JPG", **later)
    raw = replace(_RAW, file_id=4, name=b"IMG_1 (1).CR3", **later)

    assert _groups(pair([jpeg, _RAW, raw, _JPEG])) == [[1, 2], [3, 4]]


def test_sibling_folders_and_the_folder_above_are_neighbours_and_nothing_else_is() -> None:
    for raw_folder, jpeg_folder, is_pair in (
        (b"/p/RAW", b"/p/JPG", True),
        (b"/p/01 raw files", b"/p/02_JPEGs", True),
        (b"/p/RAW", b"/p", True),
        (b"/p", b"/p/export", True),
        (b"/p/monday", b"/p/tuesday", False),
        (b"/p/RAW", b"/q/JPG", False),
    ):
        files = [replace(_RAW, directory=raw_folder), replace(_JPEG, directory=jpeg_folder)]

        assert (_groups(pair(files)) == [[1, 2]]) is is_pair, (raw_folder, jpeg_folder)


def test_the_same_folder_comes_before_the_sibling() -> None:
    sibling = replace(_JPEG, file_id=3, directory=b"/p/JPG", size=999)
    files = [replace(_RAW, directory=b"/p/RAW"), replace(_JPEG, directory=b"/p/RAW"), sibling]

    assert _groups(pair(files)) == [[1, 2]]


def test_two_candidates_in_sibling_folders_are_told_apart_by_their_looks() -> None:
    raw = replace(_RAW, directory=b"/p/RAW")
    right = replace(_JPEG, directory=b"/p/JPG", phash=_NEAR)
    wrong = replace(_JPEG, file_id=3, directory=b"/p", phash=_FAR, size=999)

    pairing = pair([raw, right, wrong])

    assert _groups(pairing) == [[1, 2]]
    (group,) = pairing.groups
    assert "preview 4 bits away, runner-up IMG_1.JPG 30 bits" in group.members[1].evidence


def test_two_candidates_that_look_alike_are_left_unpaired_and_reported() -> None:
    raw = replace(_RAW, directory=b"/p/RAW")
    one = replace(_JPEG, directory=b"/p/JPG", phash=_NEAR)
    other = replace(_JPEG, file_id=3, directory=b"/p", phash=_NEAR << 4, size=999)

    pairing = pair([raw, one, other])

    assert pairing.groups == ()
    assert {report.file_ids for report in pairing.ambiguous} == {(1, 2), (2, 3)}
    assert all("2 candidates" in report.reason for report in pairing.ambiguous)


@pytest.mark.parametrize("missing", [_RAW.file_id, _JPEG.file_id])
def test_without_a_time_the_preview_decides(missing: int) -> None:
    files = [
        replace(one, captured_at=None if one.file_id == missing else one.captured_at)
        for one in (_RAW, replace(_JPEG, phash=_NEAR))
    ]

    pairing = pair(files)

    assert _groups(pairing) == [[1, 2]]
    assert pairing.groups[0].rule.startswith("same folder and name, preview")
    assert "no capture time on both; preview 4 bits away" in pairing.groups[0].members[0].evidence


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phash": None}, "no preview to compare"),
        ({"is_degenerate": True}, "no preview to compare"),
        ({"phash": _FAR}, "preview 30 bits away, limit 10"),
    ],
)
def test_without_a_time_and_a_preview_that_fits_nothing_is_claimed(
    change: dict[str, Any], reason: str
) -> None:
    pairing = pair([_RAW, replace(_JPEG, captured_at=None, **change)])

    assert pairing.groups == ()
    assert [report.file_ids for report in pairing.ambiguous] == [(1, 2)]
    assert reason in pairing.ambiguous[0].reason


def test_an_untimed_edit_joins_the_pair_it_looks_like() -> None:
    edit = replace(
        _JPEG, file_id=3, name=b"IMG_1-edited.jpg", captured_at=None, phash=_NEAR, size=800
    )

    assert _groups(pair([edit, _RAW, _JPEG])) == [[1, 2, 3]]


def test_files_that_agree_in_a_chain_but_not_all_with_all_are_not_thrown_together() -> None:
    raw = replace(_RAW, captured_at="2020-01-02T03:04:05.0", has_subseconds=True, phash=None)
    middle = replace(_JPEG, captured_at="2020-01-02T03:04:06.5", has_subseconds=True)
    far = replace(
        middle, file_id=3, name=b"IMG_1.HEIC", captured_at="2020-01-02T03:04:08.0", size=5
    )

    pairing = pair([raw, middle, far])

    assert all(_ids(group) != [1, 2, 3] for group in pairing.groups)


def test_names_that_are_no_text_stay_readable_in_reports() -> None:
    jpeg = replace(_JPEG, name=b"IMG_1\xff.JPG", captured_at=None, phash=None)

    (report,) = pair([_RAW, jpeg]).ambiguous

    assert report.reason.startswith("IMG_1.CR3 and IMG_1\\xff.JPG:")


_candidates = st.lists(
    st.builds(
        PairCandidate,
        file_id=st.just(0),
        directory=st.sampled_from([b"/p", b"/p/RAW", b"/p/JPG", b"/q"]),
        name=st.sampled_from([b"IMG_1.JPG", b"IMG_1.CR2", b"IMG_1.DNG", b"IMG_1 (1).JPG"]),
        radical=st.just("IMG_1"),
        copy_mark=st.sampled_from([None, " (1)"]),
        kind=st.sampled_from([Kind.RAW, Kind.IMAGE, Kind.VIDEO]),
        media_type=st.just("image/x"),
        captured_at=st.sampled_from(
            [None, "2020-01-02T03:04:05", "2020-01-02T03:04:06.5", "2020-01-02T05:04:05+02:00"]
        ),
        has_subseconds=st.booleans(),
        make=st.sampled_from([None, "Canon"]),
        model=st.sampled_from([None, "EOS R", "EOS D30"]),
        phash=st.sampled_from([None, 0, _NEAR, _FAR]),
        is_degenerate=st.booleans(),
        width=st.just(10),
        height=st.just(10),
        quality_score=st.sampled_from([None, 1.0]),
        size=st.integers(1, 3),
    ),
    max_size=7,
).map(lambda many: [replace(one, file_id=number) for number, one in enumerate(many)])


@settings(max_examples=300)
@given(_candidates, st.randoms())
def test_any_order_in_gives_the_same_groups(
    candidates: Sequence[PairCandidate], random: Random
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)

    assert pair(shuffled) == pair(candidates)


@settings(max_examples=300)
@given(_candidates)
def test_a_group_has_one_primary_both_kinds_and_no_file_of_another_group(
    candidates: Sequence[PairCandidate],
) -> None:
    kinds = {one.file_id: one.kind for one in candidates}
    seen: set[int] = set()
    for group in pair(candidates).groups:
        members = {member.file_id for member in group.members}
        assert {kinds[one] for one in members} == {Kind.RAW, Kind.IMAGE}
        assert sum(member.is_primary for member in group.members) == 1
        assert all(member.evidence for member in group.members)
        assert not members & seen
        seen |= members


@settings(max_examples=200)
@given(_candidates, st.sampled_from([Kind.RAW, Kind.IMAGE]))
def test_an_unrelated_file_changes_nothing(candidates: Sequence[PairCandidate], kind: Kind) -> None:
    stranger = replace(
        _JPEG,
        file_id=99,
        directory=b"/elsewhere/far",
        name=b"IMG_1.XXX",
        kind=kind,
        captured_at="1999-09-09T09:09:09",
    )

    assert pair([*candidates, stranger]) == pair(candidates)


def _from_truth(truth: dict[str, Any], path: str, file_id: int) -> PairCandidate:
    facts = truth["files"][path]
    tags = facts["exiftool"]

    def tag(name: str) -> str | None:
        found = [tags[key] for key in sorted(tags) if key.rpartition(":")[2] == name]
        return str(found[0]) if found else None

    date = (facts["first_valid_date"] or {}).get("value")
    folder, _, name = path.rpartition("/")
    is_raw = name.rpartition(".")[2].lower() not in ("jpg", "thm")
    return replace(
        _RAW if is_raw else _JPEG,
        file_id=file_id,
        directory=folder.encode(),
        name=name.encode(),
        captured_at=date and date[:10].replace(":", "-") + "T" + date[11:],
        make=tag("Make"),
        model=tag("Model"),
        phash=None,
        size=facts["size"],
    )


def test_every_real_pair_is_found_and_no_trap_is_stepped_into(truth: dict[str, Any]) -> None:
    for known in truth["raw_pairs"]:
        files = [
            _from_truth(truth, known[part], number) for number, part in ((2, "raw"), (1, "jpeg"))
        ]
        assert _groups(pair(files)) == [[1, 2]], known

    traps = [trap for trap in truth["not_pairs"] if trap["a"].startswith("raw/")]
    assert traps
    for trap in traps:
        files = [_from_truth(truth, trap[side], number) for number, side in enumerate("ab")]
        assert pair(files) == Pairing((), ()), trap


@pytest.mark.parametrize(
    ("raw_folder", "jpeg_folder", "is_pair"),
    [
        (b"/p/RAW/Card1", b"/p/JPG/Card1", True),
        (b"/p/raw/2019/05", b"/p/jpeg/2019/05", True),
        (b"/p/RAW/Card1", b"/p/JPG/Card2", False),
        (b"/p/Rome/Card1", b"/p/Oslo/Card1", False),
        (b"/p/RAW/Card1", b"/p/JPG/x/Card1", False),
        (b"/p/RAW/a/RAW", b"/p/JPG/b/JPG", False),
    ],
)
def test_folders_alike_below_two_halves_hold_a_pair_only_by_time_and_camera(
    raw_folder: bytes, jpeg_folder: bytes, is_pair: bool
) -> None:
    raw = replace(_RAW, directory=raw_folder, phash=0)
    jpeg = replace(_JPEG, directory=jpeg_folder, phash=0)
    timeless = replace(jpeg, captured_at=None)
    of_another = replace(jpeg, make="NIKON", model="D1")

    assert (_groups(pair([raw, jpeg])) == [[1, 2]]) is is_pair
    assert _groups(pair([raw, timeless])) == []
    assert _groups(pair([raw, of_another])) == []


def test_a_neighbour_comes_before_a_cousin() -> None:
    raw = replace(_RAW, directory=b"/p/RAW/Card1")
    near = replace(_JPEG, directory=b"/p/RAW/Card1/JPG")
    far = replace(_JPEG, file_id=3, directory=b"/p/JPG/Card1", size=999)

    for order in permutations([raw, near, far]):
        assert _groups(pair(order)) == [[1, 2]]


def test_a_single_bit_is_told_as_one() -> None:
    raw = replace(_RAW, captured_at=None, phash=0)
    (group,) = pair([raw, replace(_JPEG, phash=1)]).groups

    assert "preview 1 bit away" in group.members[0].evidence
