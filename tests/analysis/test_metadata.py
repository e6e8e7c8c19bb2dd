"""From hostile tags to facts."""

from hypothesis import given
from hypothesis import strategies as st

from twinlens.analysis.metadata import TEXT_LENGTH, WANTED_TAGS, clean, metadata_of, place_of


def test_what_the_camera_wrote_in_exif_goes_before_its_notes_and_xmp() -> None:
    tags = {"XMP:Make": "x", "MakerNotes:Make": "m", "EXIF:Make": "Canon ", "QuickTime:Model": "q"}

    found = metadata_of(tags)

    assert (found.make, found.model) == ("Canon", "q")


def test_an_empty_make_gives_way_to_the_next_group() -> None:
    assert metadata_of({"EXIF:Make": " \0", "SigmaRaw:Make": "SIGMA"}).make == "SIGMA"


def test_text_is_cut_at_a_nul_cleaned_and_capped() -> None:
    assert clean("Canon\0\0rubbish") == "Canon"
    assert clean("a\x1b[31mb\u0085\udcffc\r\n") == "a[31mbc"
    assert len(clean("x" * 10_000_000)) == TEXT_LENGTH


def test_tags_of_the_path_of_colour_profiles_and_of_no_decision_are_left_out() -> None:
    tags = {
        "EXIF:DateTimeOriginal": "2019:05:01 10:20:30",
        "EXIF:UserComment": "x" * 10_000_000,
        "File:FileModifyDate": "2024:01:01 00:00:00",
        "ICC_Profile:ProfileDateTime": "2016:01:01 00:00:00",
        "ICC_Profile:CreateDate": "2016:01:01 00:00:00",
    }

    assert metadata_of(tags).tags == {"EXIF:DateTimeOriginal": "2019:05:01 10:20:30"}


def test_identifiers_of_live_photos_and_bursts_are_found_under_all_their_names() -> None:
    assert metadata_of({"MakerNotes:MediaGroupUUID": "A"}).content_identifier == "A"
    assert metadata_of({"QuickTime:ContentIdentifier": "A"}).content_identifier == "A"
    assert metadata_of({"MakerNotes:BurstUUID": "B"}).burst_id == "B"
    assert metadata_of({"XMP:BurstID": "B"}).burst_id == "B"


def test_subseconds_count_only_with_digits() -> None:
    assert metadata_of({"EXIF:SubSecTimeOriginal": "054"}).has_subseconds
    assert not metadata_of({"EXIF:SubSecTimeOriginal": "   "}).has_subseconds


def test_the_cameras_place_goes_before_the_albums_and_zero_is_no_place() -> None:
    album = {"JSON:GeoDataLatitude": "10.0", "JSON:GeoDataLongitude": "20.0"}
    nowhere = {"Composite:GPSLatitude": "0", "Composite:GPSLongitude": "0"}
    camera = {"Composite:GPSLatitude": "57.64911", "Composite:GPSLongitude": "10.40744"}

    place = place_of(album | nowhere)
    better = place_of(album | camera)

    assert place is not None
    assert place.latitude == 10.0
    assert better is not None
    assert better.geohash8 == "u4pruydq"
    assert place_of({"Composite:GPSLatitude": "inf", "Composite:GPSLongitude": "x"}) is None


@given(
    st.dictionaries(
        st.sampled_from(["EXIF:", "XMP:", "Composite:", "A:"]).flatmap(
            lambda group: st.sampled_from(sorted(WANTED_TAGS)).map(lambda name: group + name)
        ),
        st.text(max_size=400),
    )
)
def test_no_text_makes_it_raise_and_nothing_long_gets_through(tags: dict[str, str]) -> None:
    found = metadata_of(tags)

    place_of(tags)
    assert all(len(text) <= TEXT_LENGTH and "\0" not in text for text in found.tags.values())
