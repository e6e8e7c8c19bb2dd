"""Claims about one photograph and its files: what is tied, what is not, and what is said of it."""

from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest

from twinlens.analysis.names import folded, parse_name
from twinlens.analysis.sidecar_names import sidecar_target
from twinlens.grouping.candidates import PairCandidate
from twinlens.grouping.pairs import Pairing
from twinlens.grouping.photographs import photographs
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind

_KINDS = {
    **dict.fromkeys(("jpg", "heic", "png"), Kind.IMAGE),
    **dict.fromkeys(("mov", "mp4", "mp"), Kind.VIDEO),
    **dict.fromkeys(("cr3", "dng", "nef"), Kind.RAW),
}
SHOT = "2020-01-02T03:04:05"
_ids = iter(range(1, 10**6))


def file(path: str, **facts: Any) -> PairCandidate:
    """A file of one camera and moment, with the parts of its name as they are read."""
    directory, _, text = path.rpartition("/")
    name = text.encode()
    parts, target = parse_name(name), sidecar_target(name)
    kind = _KINDS.get(parts.extension, Kind.SIDECAR)
    usual: dict[str, Any] = {
        "captured_at": None if kind is Kind.SIDECAR else SHOT,
        "has_subseconds": False,
        "make": "Apple",
        "model": "iPhone 12",
        "phash": 0 if kind in (Kind.IMAGE, Kind.RAW) else None,
        "is_degenerate": False,
        "width": 100,
        "height": 80,
        "quality_score": 50.0,
        "size": 1000 + len(text),
    }
    return PairCandidate(
        file_id=next(_ids),
        directory=directory.encode(),
        name=name,
        radical=parts.radical,
        copy_mark=parts.copy_mark,
        kind=kind,
        media_type="",
        plain_name=folded(text),
        plain_stem=folded(parts.stem),
        extension=parts.extension,
        edit_mark=parts.edit_mark,
        is_surely_edited=parts.is_surely_edited,
        facet=parts.facet,
        target=target.name if target else None,
        target_form=target.form.value if target else "",
        target_number=target.number if target else "",
        version_of=target.version_of if target else None,
        **usual | facts,
    )


def together(files: Iterable[PairCandidate]) -> list[set[str]]:
    """The names of each group, in an order that does not matter."""
    known = {one.file_id: one for one in files}
    found = photographs(known.values())
    return [{known[m.file_id].label for m in group.members} for group in found.groups]


def only_group(files: list[PairCandidate]) -> Any:
    """The one group there is."""
    (group,) = photographs(files).groups
    return group


def test_equal_identifiers_make_a_live_photo_whatever_the_names_and_times() -> None:
    still = file("a/one.heic", content_identifier="L")
    clip = file("a/two.mov", content_identifier="L", captured_at="2001-01-01T00:00:00")

    group = only_group([still, clip])

    assert group.group_type is GroupType.LIVE_PHOTO
    assert [m.file_type for m in group.members if m.is_primary] == ["image"]
    assert "identifier L" in group.members[0].evidence


def test_each_copy_of_a_live_photo_keeps_to_its_folder() -> None:
    files = [
        file(f"{folder}/IMG_0001.{end}", content_identifier="L")
        for folder in ("a", "b")
        for end in ("heic", "mov")
    ]
    groups = photographs(files).groups
    folders = {one.file_id: one.directory for one in files}

    assert len(groups) == 2
    assert all(len({folders[m.file_id] for m in group.members}) == 1 for group in groups)


def test_identifiers_that_contradict_forbid_a_live_photo() -> None:
    still = file("IMG_0001.heic", content_identifier="L")
    clip = file("IMG_0001.mov", content_identifier="M")

    assert together([still, clip]) == []


@pytest.mark.parametrize(
    ("clip_at", "is_live"),
    [
        ("2020-01-02T03:04:03", True),
        ("2020-01-02T03:04:09", False),
        ("2020-01-02T01:04:04+00:00", True),  # UTC, two hours west of the still's clock
        ("2020-01-02T01:14:04+00:00", False),
        ("2020-01-02T20:04:05+00:00", False),  # no zone is that far
        (None, False),
    ],
)
def test_without_identifiers_the_time_decides_but_for_the_zone(
    clip_at: str | None, is_live: bool
) -> None:
    files = [file("IMG_0001.heic"), file("IMG_0001_HEVC.mov", captured_at=clip_at)]

    assert bool(together(files)) is is_live


def test_a_clip_of_another_camera_is_no_half_of_a_still() -> None:
    clip = file("d/IMG_0042.mov", make="Canon", model="Canon EOS 80D")

    assert together([file("d/IMG_0042.jpg"), clip]) == []


def test_a_name_alone_makes_no_edit_of_a_numbered_picture() -> None:
    files = [
        file(f"wedding ({n}).jpg", captured_at=f"2020-01-02T03:{n:02}:00", phash=n * 7919**4)
        for n in range(1, 30)
    ]

    assert together(files) == []


def test_an_edit_needs_a_second_fact_or_a_mark_that_only_editors_set() -> None:
    base = file("IMG_0001.jpg")
    other_shot = file("IMG_E0001.jpg", captured_at="2021-01-02T03:04:05")
    no_time = {"captured_at": None, "make": None, "model": None}

    assert together([base, other_shot]) == []
    assert len(together([base, file("IMG_E0001.jpg")])) == 1
    assert len(together([base, file("IMG_0001-bearbeitet.jpg", **no_time, phash=None)])) == 1
    assert together([base, file("IMG_0001-edited.jpg", **no_time, phash=2**32 - 1)]) == []
    assert together([base, file("IMG_0001-collage.jpg", **no_time, phash=None)]) == []
    assert len(together([base, file("IMG_0001~2.jpg", **no_time, phash=3)])) == 1


def test_the_edit_gives_way_to_its_original_and_the_owner_decides_otherwise() -> None:
    original, edit = file("IMG_0001.jpg"), file("IMG_E0001.jpg", quality_score=90.0)
    chosen = file("IMG_E0001.jpg", is_chosen=True)

    first = only_group([original, edit])
    second = only_group([original, chosen])

    assert first.rule.endswith("primary: original before its edit")
    assert [m.file_id for m in first.members if m.is_primary] == [original.file_id]
    assert second.rule.endswith("primary: chosen by the owner")
    assert [m.file_id for m in second.members if m.is_primary] == [chosen.file_id]


@pytest.mark.parametrize(
    ("sidecar", "picture", "others"),
    [
        ("DSC_1.JPG.xmp", "DSC_1.JPG", ["DSC_1.NEF.jpg"]),
        ("IMG_O0001.AAE", "IMG_0001.heic", []),
        ("image.jpg(11).json", "image(11).jpg", ["image.jpg", "image(1).jpg"]),
        ("image(11).jpg.json", "image(11).jpg", ["image.jpg"]),
        ("x.jpg.supplemental-metadata(2).json", "x(2).jpg", ["x.jpg"]),
        ("a.jpg.s.json", "a.jpg", []),
        (f"{'n' * 46}.json", f"{'n' * 60}.jpg", []),
        (f"{'n' * 43}(1).json", f"{'n' * 60}(1).jpg", [f"{'n' * 60}.jpg"]),
        (f"{'n' * 43}.jp.json", f"{'n' * 43}.jpg", []),
        ("GL010023.LRV", "GX010023.MP4", []),
        ("MVI_1.THM", "MVI_1.MOV", []),
        ("été.cr3.xmp", "e\u0301te\u0301.CR3", []),
        ("IMG_1.jpg.json", "IMG_1-edited.jpg", []),
    ],
)
def test_a_sidecar_goes_with_the_file_that_it_names(
    sidecar: str, picture: str, others: list[str]
) -> None:
    unlike = [
        file(name, captured_at=f"20{10 + n}-01-01T00:00:00", phash=(2**40 - 1) << n)
        for n, name in enumerate(others)
    ]

    assert together([file(sidecar), file(picture), *unlike]) == [{sidecar, picture}]


def test_a_sidecar_that_names_a_stem_goes_with_the_raw() -> None:
    raw, picture = file("P1.dng", captured_at=None, phash=None), file("P1.jpg", captured_at=None)

    assert together([raw, picture, file("P1.xmp")]) == [{"P1.dng", "P1.xmp"}]


def test_an_orphan_sidecar_stays_alone_and_two_sidecars_make_no_group() -> None:
    assert together([file("P1.xmp"), file("P1.jpg.json"), file("b/P1.jpg")]) == []


def test_a_sidecar_that_may_go_with_two_is_left_open_and_reported() -> None:
    files = [
        file("P1.jpg", captured_at="2020-01-01T00:00:00"),
        file("P1.png", captured_at="2021-01-01T00:00:00"),
        file("P1.xmp"),
    ]
    found = photographs(files)

    assert found.groups == ()
    assert "may go with each of" in found.ambiguous[0].reason


def test_a_sidecar_with_another_date_stays_and_the_contradiction_is_told() -> None:
    group = only_group([file("P1.jpg"), file("P1.jpg.xmp", captured_at="2001-01-01T00:00:00")])

    assert "but it says taken 2001-01-01T00:00:00" in group.members[0].evidence


def test_a_pixels_halves_are_one_by_name_where_the_times_are_lost() -> None:
    lost = {"captured_at": None, "phash": None}
    cover = file("PXL_20210801_100000123.RAW-01.COVER.jpg", **lost)
    raw = file("PXL_20210801_100000123.RAW-02.ORIGINAL.dng", **lost)

    group = only_group([cover, raw])

    assert group.group_type is GroupType.RAW_JPEG
    assert "primary: cover" in group.rule


def test_all_kinds_of_one_shot_are_one_group_in_any_order() -> None:
    files = [
        file("IMG_0001.dng"),
        file("IMG_0001.heic"),
        file("IMG_0001.mov"),
        file("IMG_0001.xmp"),
        file("IMG_E0001.heic"),
    ]

    results: set[Pairing] = {photographs(order) for order in permutations(files)}

    (result,) = results
    (group,) = result.groups
    assert len(group.members) == len(files)
    assert group.group_type is GroupType.RAW_JPEG
    assert group.aspects == (
        GroupType.RAW_JPEG,
        GroupType.LIVE_PHOTO,
        GroupType.EDITED,
        GroupType.SIDECAR,
    )
    assert all(member.rule and member.evidence for member in group.members)


@pytest.mark.parametrize("mark", ["Enhanced-NR", "Enhanced-SR", "Enhanced-RD-SR-2", "HDR", "Pano"])
def test_what_lightroom_develops_into_a_dng_is_an_edit_of_its_raw(mark: str) -> None:
    raw, developed = file("IMG_0010.cr3"), file(f"IMG_0010-{mark}.dng", phash=2**40 - 1)
    other = file("IMG_0011.cr3", captured_at="2020-01-02T03:05:00")

    for order in permutations([raw, developed, other]):
        assert together(order) == [{raw.label, developed.label}]
    group = only_group([raw, developed, other])
    assert group.group_type is GroupType.EDITED
    assert [m.file_type for m in group.members] == ["raw", "raw"]
    assert [m.file_id for m in group.members if m.is_primary] == [raw.file_id]


def test_a_developed_dng_of_another_time_is_no_edit() -> None:
    developed = file("IMG_0010-Enhanced-NR.dng", captured_at="2021-01-02T03:04:05")

    assert together([file("IMG_0010.cr3"), developed]) == []


def test_a_phones_mark_behind_an_underscore_is_no_edit() -> None:
    assert parse_name(b"IMG_20190501_102030_HDR.jpg").edit_mark is None
    assert parse_name(b"IMG_20190501_102030_HDR.jpg").facet == "HDR"
    assert parse_name(b"IMG_1234_HDR.jpg").radical == "img_1234_hdr"


def test_the_sidecar_of_a_further_version_goes_with_the_raw_where_no_file_has_that_name() -> None:
    raw, sidecar = file("IMG_0001.dng"), file("IMG_0001_01.dng.xmp")
    own, of_other_kind = file("IMG_0001_01.dng", phash=2**40 - 1), file("IMG_0001.jpg")

    assert together([sidecar, raw]) == [{"IMG_0001.dng", "IMG_0001_01.dng.xmp"}]
    assert together([sidecar, raw, own]) == [{"IMG_0001_01.dng", "IMG_0001_01.dng.xmp"}]
    assert together([sidecar, of_other_kind]) == []
    assert together([file("IMG_0001_01.dng.pp3"), raw]) == []
