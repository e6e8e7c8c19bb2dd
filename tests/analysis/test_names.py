"""What names say: the photograph's own name, and what was added to it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.analysis.names import parse_name


@pytest.mark.parametrize(
    ("name", "radical", "copy_mark"),
    [
        ("falcon (1).jpg", "falcon", " (1)"),
        ("IMG_0003(1).jpg", "img_0003", "(1)"),
        ("falcon - Copy.jpg", "falcon", " - Copy"),
        ("falcon - Copy (2).jpg", "falcon", " - Copy (2)"),
        ("falcon - Copy - Copy.JPG", "falcon", " - Copy - Copy"),
        ("falcon copy.jpg", "falcon", " copy"),
        ("falcon copy 2.jpg", "falcon", " copy 2"),
        ("falcon (copy).jpg", "falcon", " (copy)"),
        ("falcon (another copy).jpg", "falcon", " (another copy)"),
        ("falcon (3rd copy).jpg", "falcon", " (3rd copy)"),
        ("Copy of falcon.JPG", "falcon", "Copy of "),
        ("Copy (2) of falcon.JPG", "falcon", "Copy (2) of "),
        ("Kopie von falcon.JPG", "falcon", "Kopie von "),
        ("falcon - Kopie.jpg", "falcon", " - Kopie"),
        ("IMG_1234~2.jpg", "img_1234", "~2"),
        ("IMG_20190501_102030-1.jpg", "img_20190501_102030", "-1"),
        ("PXL_20210801_100000123.MP(1).jpg", "pxl_20210801_100000123", "(1)"),
    ],
)
def test_a_copy_mark_is_taken_off_and_kept(name: str, radical: str, copy_mark: str) -> None:
    parts = parse_name(name.encode())

    assert (parts.radical, parts.copy_mark, parts.edit_mark) == (radical, copy_mark, None)


@pytest.mark.parametrize(
    "name",
    [
        "Rome (2019).jpg",  # a year
        "beach-1.jpg",  # a series
        "P1000123-1.jpg",
        "photocopy.jpg",
        "WWL_(Polaroid)_ION230.jpg",
        "a(b)c.jpg",
        "IMG_20190501_102030_1.jpg",
        "PXL_20210801_100000123_exported_12.jpg",  # another frame of the film
    ],
)
def test_what_only_looks_like_a_mark_stays_in_the_name(name: str) -> None:
    parts = parse_name(name.encode())

    assert parts.radical == name.rpartition(".")[0].casefold()
    assert parts.copy_mark is None


@pytest.mark.parametrize(
    "mark",
    [
        "-edited",
        "_edited",
        "-EDITED",
        "-bearbeitet",
        "-modifié",
        "-ha editado",
        "-editat",
        "-modificato",
        "-bewerkt",
        "-edytowane",
        "-編集済み",
        "-отредактировано",
        "-已编辑",
        "-편집됨",
        "-düzenlendi",
        "-diedit",
        "-effects",
        "-COLLAGE",
        "-Edit-2",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_edit_mark_is_known_in_every_language_and_spelling(mark: str, form: str) -> None:
    name = unicodedata.normalize(form, f"IMG_0004{mark}(1).jpg")  # type: ignore[arg-type]

    parts = parse_name(name.encode())

    assert (parts.radical, parts.edit_mark, parts.copy_mark) == ("img_0004", mark, "(1)")


@pytest.mark.parametrize(
    ("name", "facet"),
    [
        ("PXL_20210801_100000123.jpg", None),
        ("PXL_20210801_100000123.MP", None),
        ("PXL_20210801_100000123.MP.jpg", "MP"),
        ("PXL_20210801_100000123~2.MP.jpg", "MP"),
        ("PXL_20210801_100000123.NIGHT.jpg", "NIGHT"),
        ("PXL_20210801_100000123.PORTRAIT.jpg", "PORTRAIT"),
        ("PXL_20210801_100000123.PANO.jpg", "PANO"),
        ("PXL_20210801_100000123.RAW-01.COVER.jpg", "RAW-01.COVER"),
        ("PXL_20210801_100000123.RAW-01.MP.COVER.jpg", "RAW-01.MP.COVER"),
        ("PXL_20210801_100000123.RAW-02.ORIGINAL.dng", "RAW-02.ORIGINAL"),
        ("PXL_20210801_100000123.PORTRAIT-01.COVER-edited(1).jpg", "PORTRAIT-01.COVER"),
    ],
)
def test_a_pixels_name_ends_at_the_milliseconds(name: str, facet: str | None) -> None:
    parts = parse_name(name.encode())

    assert parts.radical == "pxl_20210801_100000123"
    assert parts.facet == facet


@pytest.mark.parametrize(
    ("name", "key", "facet"),
    [
        ("00001IMG_00001_BURST20190501102030123_COVER.jpg", "20190501102030123", "COVER"),
        ("00002IMG_00002_BURST20190501102030123.jpg", "20190501102030123", None),
        ("IMG_20190501_102030_BURST001_COVER.jpg", "img_20190501_102030", "COVER"),
        ("IMG_20190501_102030123_BURST002.jpg", "img_20190501_102030123", None),
        ("IMG_20190501_102030_BURST12.jpg", "img_20190501_102030", None),
        ("20190501_102030_001.jpg", "20190501_102030", "COVER"),
        ("20190501_102030_012.jpg", "20190501_102030", None),
        ("DSC_0001_BURST20190501102030123_COVER.JPG", "20190501102030123", "COVER"),
        ("G0011234.JPG", "g001", None),
        ("G0011234.MP4", None, None),
        ("20190501_102030.jpg", None, None),
    ],
)
def test_a_burst_is_known_by_its_makers_grammar(
    name: str, key: str | None, facet: str | None
) -> None:
    parts = parse_name(name.encode())

    assert (parts.burst_key, parts.facet) == (key, facet)


def test_frames_of_a_burst_share_a_key_and_keep_radicals_of_their_own() -> None:
    frames = [parse_name(f"IMG_20190501_102030_BURST{n}.jpg".encode()) for n in range(1, 13)]

    assert len({frame.burst_key for frame in frames}) == 1
    assert len({frame.radical for frame in frames}) == 12


def test_apples_edit_original_and_movie_meet_under_the_counter() -> None:
    names = (b"IMG_4120.HEIC", b"IMG_E4120.JPG", b"IMG_O4120.AAE", b"IMG_4120_HEVC.MOV")

    parts = [parse_name(name) for name in names]

    assert {part.radical for part in parts} == {"img_4120"}
    assert [part.edit_mark for part in parts] == [None, "E", None, None]
    assert [part.facet for part in parts] == [None, None, "O", "HEVC"]


@pytest.mark.parametrize(
    ("name", "stem", "extension"),
    [
        (b"", "", ""),
        (b".hidden.jpg", ".hidden", "jpg"),
        (b".hidden", ".hidden", ""),
        (b"noextension", "noextension", ""),
        (b"dot.at.end..JPG", "dot.at.end.", "jpg"),
        (b" leading.jpg", " leading", "jpg"),
        (b"new\nline (1).jpg", "new\nline (1)", "jpg"),
        (b"caf\xe9.jpg", "caf\udce9", "jpg"),
    ],
)
def test_odd_names_are_split_like_any_other(name: bytes, stem: str, extension: str) -> None:
    parts = parse_name(name)

    assert (parts.stem, parts.extension) == (stem, extension)


@pytest.mark.parametrize("name", ["(1)", " (1)", " - Copy", "copy", "-edited", "~2", "_edited"])
def test_a_name_that_is_only_a_mark_keeps_it(name: str) -> None:
    assert parse_name(f"{name}.jpg".encode()).radical == name.casefold()


def test_both_spellings_of_an_accent_meet() -> None:
    assert parse_name("twin_é.jpg".encode()).radical == parse_name("twin_é.JPG".encode()).radical


@given(st.binary(max_size=255))
def test_any_bytes_are_a_name(name: bytes) -> None:
    parts = parse_name(name)

    assert (parts.radical == "") == (parts.stem == "")
    # It is kept as text in the database, which takes no lone surrogates.
    assert parts.radical.encode("utf-8").decode("utf-8") == parts.radical


_WORDS = st.lists(
    st.sampled_from(["IMG_1234", "PXL_20210801_100000123", "Rome", "~2", "(1)", " (2)", "-edited"]),
    min_size=1,
    max_size=6,
)


@given(_WORDS)
def test_taking_marks_off_twice_takes_off_no_more(words: list[str]) -> None:
    once = parse_name("".join(words).encode() + b".jpg").radical

    assert parse_name(once.encode() + b".jpg").radical == once


@given(st.text(max_size=40))
def test_case_and_composition_do_not_change_the_radical(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    decomposed = unicodedata.normalize("NFD", text)

    radicals = {
        parse_name(name.encode("utf-8", "surrogatepass")).radical for name in (composed, decomposed)
    }

    assert len(radicals) == 1
