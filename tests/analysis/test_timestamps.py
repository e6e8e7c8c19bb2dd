"""Which statement about the capture time wins, and how far it is believed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.analysis.datetext import read_text
from twinlens.analysis.moments import nearest_zone, parse_iso
from twinlens.analysis.timestamps import (
    choose,
    conflicts,
    content_candidates,
    file_system_candidate,
    name_candidates,
    same_moment,
    wall_clock,
)
from twinlens.model.picture import Confidence, DateCandidate, Kind, TakenAt

NOW = datetime(2024, 6, 1, tzinfo=UTC)
_DAY_NS = 86_400 * 1_000_000_000


def _take(**tags: str) -> TakenAt:
    """The decision over EXIF tags given by name, `GROUP__Name` for another group."""
    named = {key.replace("__", ":") if "__" in key else f"EXIF:{key}": v for key, v in tags.items()}
    return choose(content_candidates(named, Kind.IMAGE), now=NOW)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2019:05:01 10:20:30", "2019-05-01T10:20:30"),
        ("2019-05-01 10:20:30", "2019-05-01T10:20:30"),
        ("2019/05/01 10:20:30", "2019-05-01T10:20:30"),
        ("2019-05-01T10:20:30", "2019-05-01T10:20:30"),
        ("20190501T102030", "2019-05-01T10:20:30"),
        ("2019:05:01 10:20:30\x00", "2019-05-01T10:20:30"),
        ("2019:05:01 10:20:30\x00junk", "2019-05-01T10:20:30"),
        ("2019: 5: 1  9: 3: 1", "2019-05-01T09:03:01"),
        ("2019:05:01 10:20:30.18", "2019-05-01T10:20:30.18"),
        ("2019:05:01 10:20:30,180", "2019-05-01T10:20:30.180"),
        ("2019:05:01 10:20:30Z", "2019-05-01T10:20:30+00:00"),
        ("2019:05:01 10:20:30+02:00", "2019-05-01T10:20:30+02:00"),
        ("2019:05:01 10:20:30-0930", "2019-05-01T10:20:30-09:30"),
        ("2019:05:01 10:20:30+02:00 DST", "2019-05-01T10:20:30+02:00"),
        ("2019:05:01 10:20:30+25:00", "2019-05-01T10:20:30"),
        ("2019:05:01 10:20", "2019-05-01T10:20"),
        ("2019:05:01", "2019-05-01"),
        ("2019:05:01   :  :  ", "2019-05-01"),
        ("20190501", "2019-05-01"),
        ("2019:05:01 10:20:30 PM", "2019-05-01T22:20:30"),
        ("2019:05:01 12:20:30 am", "2019-05-01T00:20:30"),
        ("2019:05:01 15:20:30 PM", "2019-05-01T15:20:30"),
        ("1899:12:31 23:59:59", "1899-12-31T23:59:59"),
        ("2000:01:01 00:01:00", "2000-01-01T00:01:00"),
    ],
)
def test_a_date_that_can_be_read_honestly_is_read(text: str, iso: str) -> None:
    moment = read_text(text).moment

    assert moment is not None
    assert moment.iso() == iso


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "blank"),
        ("                   ", "blank"),
        ("    :  :     :  :  ", "blank"),
        ("\x00" * 19, "blank"),
        ("0000:00:00 00:00:00", "zeros"),
        ("2019:13:01 10:00:00", "no such day or time"),
        ("2019:02:30 10:00:00", "no such day or time"),
        ("2019:05:01 24:00:00", "no such day or time"),
        ("2016:12:31 23:59:60", "no such day or time"),
        ("0001:01:01 00:00:00", "before photography"),
        ("1904:01:01 00:00:00", "clock never set"),
        ("1970:01:01 01:00:00", "clock never set"),
        ("1969:12:31 19:00:00", "clock never set"),
        ("1980:01:01 00:00:00", "clock never set"),
        ("2000:01:01 00:00:17", "clock never set"),
        ("2002:12:08 12:00:00", "clock never set"),
        ("05/01/2019 10:20:30", "ambiguous"),
        ("19:05:01 10:20:30", "ambiguous"),
        ("2019", "no day"),
        ("2019:05", "no day"),
        ("not a date at all!!", "not a date"),
        ("2019年05月01日", "not a date"),
        ("２０１９:05:01 10:20:30", "not a date"),
        ("12019:05:01 10:20:30", "not a date"),
    ],
)
def test_what_is_no_honest_date_is_kept_as_evidence_only(text: str, reason: str) -> None:
    taken = _take(DateTimeOriginal=text)

    assert (taken.value, taken.confidence) == (None, Confidence.NONE)
    assert [candidate.rejected for candidate in taken.candidates] == [reason]


def test_the_fraction_and_the_zone_beside_the_time_are_joined_to_it() -> None:
    taken = _take(
        DateTimeOriginal="2019:05:01 10:20:30",
        SubSecTimeOriginal="180",
        OffsetTimeOriginal="+02:00",
    )

    assert taken.value == "2019-05-01T10:20:30.180+02:00"
    assert taken.confidence is Confidence.HIGH
    assert taken.candidates[0].rank == 2


def test_a_lone_offset_holds_for_the_capture_when_both_read_the_same_clock() -> None:
    same = _take(
        DateTimeOriginal="2019:05:01 10:20:30",
        ModifyDate="2019:05:01 10:20:30",
        OffsetTime="+02:00",
    )
    edited = _take(
        DateTimeOriginal="2019:05:01 10:20:30",
        ModifyDate="2019:06:01 11:00:00",
        OffsetTime="+02:00",
    )

    assert same.value == "2019-05-01T10:20:30+02:00"
    assert edited.value == "2019-05-01T10:20:30"


@pytest.mark.parametrize(
    ("utc", "value"),
    [
        ("08:20:28", "2019-05-01T10:20:30+02:00"),
        ("04:50:30", "2019-05-01T10:20:30+05:30"),
        ("04:35:31.5", "2019-05-01T10:20:30+05:45"),
        ("10:20:30", "2019-05-01T10:20:30+00:00"),
        ("08:31:30", "2019-05-01T10:20:30"),  # eleven minutes off: no zone
        ("09:05:30", "2019-05-01T10:20:30"),  # 1:15 is nobody's zone
    ],
)
def test_the_zone_is_worked_out_from_the_satellites(utc: str, value: str) -> None:
    taken = _take(
        DateTimeOriginal="2019:05:01 10:20:30", GPSDateStamp="2019:05:01", GPSTimeStamp=utc
    )

    assert taken.value == value
    assert (taken.confidence is Confidence.HIGH) == ("+" in value)


def test_a_satellite_day_away_from_the_cameras_is_never_high() -> None:
    taken = _take(
        DateTimeOriginal="2008:10:22 16:28:39",
        CreateDate="2008:10:22 16:28:39",
        GPSDateStamp="2008:10:23",
        GPSTimeStamp="14:27:07.24",
    )

    assert (taken.value, taken.confidence) == ("2008-10-22T16:28:39", Confidence.MEDIUM)


def test_iptc_joins_its_date_and_time_and_its_utc_means_unknown() -> None:
    unknown = _take(IPTC__DateCreated="2019:05:01", IPTC__TimeCreated="10:20:30+00:00")
    known = _take(IPTC__DateCreated="20190501", IPTC__TimeCreated="102030+0900")

    assert unknown.value == "2019-05-01T10:20:30"
    assert known.value == "2019-05-01T10:20:30+09:00"


def test_a_movies_creation_date_goes_before_its_utc_creation_time() -> None:
    taken = _take(
        QuickTime__CreateDate="2021:04:10 10:44:00",
        QuickTime__CreationDate="2021:04:10 11:43:59+01:00",
    )

    assert taken.value == "2021-04-10T11:43:59+01:00"
    assert taken.confidence is Confidence.HIGH


def test_a_containers_time_is_utc_only_where_its_writer_is_known_for_it() -> None:
    unknown = _take(QuickTime__CreateDate="2021:04:10 10:44:00")
    android = _take(QuickTime__CreateDate="2021:04:10 10:44:00", QuickTime__AndroidVersion="13")

    assert unknown.value == "2021-04-10T10:44:00"
    assert android.value == "2021-04-10T10:44:00+00:00"
    assert {unknown.confidence, android.confidence} == {Confidence.MEDIUM}


def test_a_profiles_date_is_no_date_of_the_picture() -> None:
    tags = {"ICC_Profile:ProfileDateTime": "1998:02:09 06:49:00", "XMP:MetadataDate": "2019:05:01"}

    assert content_candidates(tags, Kind.IMAGE) == ()


def test_when_a_sidecar_was_changed_says_nothing_of_the_picture() -> None:
    tags = {"XMP:ModifyDate": "2019:05:01 10:20:30"}

    assert content_candidates(tags, Kind.SIDECAR) == ()
    assert len(content_candidates(tags, Kind.IMAGE)) == 1


def test_takeout_seconds_may_lie_before_1970() -> None:
    found = content_candidates({"JSON:PhotoTakenTimeTimestamp": "-599616000"}, Kind.SIDECAR)

    assert [(c.value, c.rank) for c in found] == [("1951-01-01T00:00:00+00:00", 6)]


def test_agreement_raises_and_a_copy_by_the_same_editor_does_not() -> None:
    camera = _take(DateTimeOriginal="2019:05:01 10:20:30", CreateDate="2019:05:01 10:20:30")
    editor = _take(XMP__DateCreated="2019:05:01 10:20:30", XMP__CreateDate="2019:05:01 10:20:30")
    scanner = _take(CreateDate="2019:05:01 10:20:30", ModifyDate="2019:05:01 10:20:30")

    assert camera.confidence is Confidence.HIGH
    assert editor.confidence is Confidence.MEDIUM
    assert scanner.confidence is Confidence.MEDIUM


def test_on_the_first_of_january_only_another_clock_raises() -> None:
    tags = {
        "EXIF:DateTimeOriginal": "2019:01:01 00:20:30",
        "EXIF:CreateDate": "2019:01:01 00:20:30",
    }
    own = content_candidates(tags, Kind.IMAGE)

    alone = choose(own, now=NOW)
    named = choose(own + name_candidates(b"IMG_20190101_002030.jpg"), now=NOW)

    assert (alone.confidence, named.confidence) == (Confidence.MEDIUM, Confidence.HIGH)


def test_a_picture_changed_before_it_was_taken_is_in_conflict() -> None:
    taken = _take(
        DateTimeOriginal="2019:05:01 10:00:00",
        CreateDate="2019:05:01 10:00:00",
        ModifyDate="2010:01:01 00:00:00",
    )

    assert (taken.value, taken.confidence) == ("2019-05-01T10:00:00", Confidence.LOW)
    assert [candidate.source for candidate in conflicts(taken)] == ["EXIF:ModifyDate"]


def test_a_scan_made_years_later_is_no_conflict_and_not_high() -> None:
    taken = _take(
        DateTimeOriginal="1987:05:01 10:00:00",
        XMP__DateCreated="1987:05:01 10:00:00",
        CreateDate="2010:01:01 12:00:00",
    )

    assert conflicts(taken) == ()
    assert (taken.value, taken.confidence) == ("1987-05-01T10:00:00", Confidence.MEDIUM)


@pytest.mark.parametrize("model", ["Perfection V600", "CanoScan 9000F"])
def test_a_scanners_capture_time_is_that_of_the_scan_unless_somebody_put_it_right(
    model: str,
) -> None:
    scan = "2015:03:04 11:12:13"

    by_the_scanner = _take(Make="EPSON", Model=model, DateTimeOriginal=scan, CreateDate=scan)
    put_right = _take(
        Make="EPSON", Model=model, DateTimeOriginal="1987:06:05 10:00:00", CreateDate=scan
    )

    assert by_the_scanner.confidence is Confidence.MEDIUM
    assert by_the_scanner.candidates[0].rank == 7
    assert (put_right.value, put_right.candidates[0].rank) == ("1987-06-05T10:00:00", 5)


def test_a_time_before_there_were_digital_cameras_is_never_high_by_one_clocks_word() -> None:
    old = "1839:05:01 10:00:00"

    assert _take(DateTimeOriginal=old, CreateDate=old).confidence is Confidence.MEDIUM


def test_a_conflict_costs_a_known_zone_one_level() -> None:
    taken = _take(
        DateTimeOriginal="2020:09:14 11:09:34",
        OffsetTimeOriginal="-05:00",
        XMP__DateCreated="2018:10:27 13:27:23",
    )

    assert taken.confidence is Confidence.MEDIUM
    assert len(conflicts(taken)) == 1


def test_a_name_in_utc_agrees_with_a_known_zone() -> None:
    original = DateCandidate("RIFF:DateTimeOriginal", "2019-05-01T10:20:30", 5)
    local = name_candidates(b"IMG_20190501_102030.jpg")
    pixel = name_candidates(b"PXL_20190501_082030123.jpg")

    assert choose((original, *local), now=NOW).confidence is Confidence.HIGH
    assert choose((original, *pixel), now=NOW).confidence is Confidence.MEDIUM


def test_names_and_folders_alone_are_low_and_a_full_name_medium() -> None:
    full = choose(name_candidates(b"/a/IMG_20190501_102030.jpg"), now=NOW)
    day = choose(name_candidates(b"/a/IMG-20190501-WA0007.jpg"), now=NOW)
    month = choose(name_candidates(b"/a/2019/05/x.jpg"), now=NOW)

    assert (full.value, full.confidence) == ("2019-05-01T10:20:30", Confidence.MEDIUM)
    assert (day.value, day.confidence) == ("2019-05-01", Confidence.LOW)
    assert (month.value, month.confidence) == ("2019-05", Confidence.LOW)


def test_a_date_alone_gives_way_to_a_time_on_that_day() -> None:
    same_day = _take(XMP__DateCreated="2019:05:01", CreateDate="2019:05:01 10:20:30")
    other_day = _take(XMP__DateCreated="2019:05:01", CreateDate="2019:05:02 10:20:30")

    assert (same_day.value, same_day.source) == ("2019-05-01T10:20:30", "EXIF:CreateDate")
    assert (other_day.value, other_day.source) == ("2019-05-01", "XMP:DateCreated")


def test_the_user_wins_over_everything() -> None:
    user = DateCandidate("user", "1954", 1), DateCandidate("user", "1954-08-01", 1)
    content = content_candidates({"EXIF:DateTimeOriginal": "2019:05:01 10:20:30"}, Kind.IMAGE)

    taken = choose((*content, *user), now=NOW)

    assert (taken.value, taken.confidence) == ("1954-08-01", Confidence.HIGH)
    assert taken.candidates[0] == DateCandidate("user", "1954", 1, "not a date")


@pytest.mark.parametrize(
    ("value", "is_rejected"),
    [
        ("2024-06-02T00:00:00+00:00", False),
        ("2024-06-02T00:00:01+00:00", True),
        ("2024-06-02T13:00:00+13:00", False),
        ("2024-06-02T12:00:00", True),
        ("2099-01-01", True),
    ],
)
def test_the_future_begins_a_day_from_now(value: str, is_rejected: bool) -> None:
    for now in (NOW, NOW.replace(tzinfo=None), NOW.astimezone()):
        taken = choose([DateCandidate("EXIF:DateTimeOriginal", value, 5)], now=now)

        assert (taken.value is None) == is_rejected


@pytest.mark.parametrize(
    ("mtime_ns", "expected"),
    [
        (1_556_698_830_123_456_789, "2019-05-01T08:20:30+00:00"),
        (-1_000_000_000, "1969-12-31T23:59:59+00:00"),
    ],
)
def test_the_files_own_time_is_a_last_resort(mtime_ns: int, expected: str) -> None:
    found = file_system_candidate(mtime_ns, 1_700_000_000_000_000_000)

    assert found == DateCandidate("mtime", expected, 12)
    assert choose([found], now=NOW).confidence is Confidence.LOW


def test_the_files_own_time_says_nothing_about_the_time_of_arrival() -> None:
    arrival = 1_700_000_000_000_000_000

    assert file_system_candidate(arrival - _DAY_NS + 1, arrival) is None
    assert file_system_candidate(arrival + 5 * _DAY_NS, arrival) is None
    assert file_system_candidate(arrival - _DAY_NS, arrival) is not None


def test_a_file_time_of_zero_is_a_clock_fault() -> None:
    found = file_system_candidate(0, 1_700_000_000_000_000_000)

    assert found is not None
    assert found.rejected == "clock never set"


@pytest.mark.parametrize(
    ("a", "b", "subseconds", "same"),
    [
        ("2019-05-01T10:20:30.10", "2019-05-01T10:20:32.10", True, True),
        ("2019-05-01T10:20:30.10", "2019-05-01T10:20:32.11", True, False),
        ("2019-05-01T10:20:30.10", "2019-05-01T10:20:30.90", False, True),
        ("2019-05-01T10:20:30.90", "2019-05-01T10:20:31.10", False, False),
        ("2019-05-01T10:20:30.90", "2019-05-01T10:20:30", True, True),
        ("2019-05-01T10:20:30", "2019-05-01T10:20:31", True, False),
        ("2019-05-01T10:20:30+02:00", "2019-05-01T08:20:30+00:00", False, True),
        ("2019-05-01T10:20:30+02:00", "2019-05-01T10:20:30+00:00", False, False),
        ("2019-05-01T10:20:30+02:00", "2019-05-01T10:20:30", False, True),
        ("2019-05-01T10:20:30+02:00", "2019-05-01T08:20:30", False, False),
        ("2019-05-01T10:20", "2019-05-01T10:20:59", False, True),
        ("2019-05-01", "2019-05-01T23:20:59", False, True),
        ("2019-05-01", "2019-05-02T00:00:00", False, False),
        ("2019-05", "2019-05-31T00:00:00", False, True),
        ("nonsense", "nonsense", False, False),
    ],
)
def test_moments_are_compared_at_the_coarser_precision(
    a: str, b: str, subseconds: bool, same: bool
) -> None:
    assert same_moment(a, b, subseconds=subseconds) is same
    assert same_moment(b, a, subseconds=subseconds) is same


def test_the_wall_clock_leaves_the_zone_off() -> None:
    assert wall_clock("2019-05-01T10:20:30.18+02:00") == datetime(2019, 5, 1, 10, 20, 30, 180_000)  # noqa: DTZ001 - that is the claim
    assert wall_clock("2019-05-01") == datetime(2019, 5, 1)  # noqa: DTZ001 - as above
    assert wall_clock("2019:05:01") is None


@given(st.sampled_from([-720, -570, -210, 0, 60, 330, 345, 765, 840]), st.integers(-90, 90))
def test_a_real_zone_is_found_beside_a_clock_that_is_a_little_off(minutes: int, off: int) -> None:
    zone = timedelta(minutes=minutes)

    assert nearest_zone(zone + timedelta(seconds=off), timedelta(minutes=2)) == zone


_TAGS = (
    "EXIF:DateTimeOriginal",
    "EXIF:SubSecTimeOriginal",
    "EXIF:OffsetTimeOriginal",
    "EXIF:TimeZoneOffset",
    "EXIF:CreateDate",
    "EXIF:ModifyDate",
    "EXIF:GPSDateStamp",
    "EXIF:GPSTimeStamp",
    "Composite:SubSecDateTimeOriginal",
    "Composite:GPSDateTime",
    "XMP:DateCreated",
    "IPTC:DateCreated",
    "IPTC:TimeCreated",
    "QuickTime:CreateDate",
    "QuickTime:CreationDate",
    "JSON:PhotoTakenTimeTimestamp",
)
_NEARLY_DATES = st.from_regex(
    r"\A[0-9]{4}[:\-/][0-9]{2}[:\-/][0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?\Z"
)
_TEXTS = st.one_of(
    st.text(max_size=80),
    st.text("0123456789:+-. TZ", max_size=30),
    _NEARLY_DATES,
    st.datetimes(datetime(2019, 1, 1), datetime(2019, 1, 4)).map(  # noqa: DTZ001 - local times
        lambda d: d.strftime("%Y:%m:%d %H:%M:%S")
    ),
)


@given(st.dictionaries(st.sampled_from(_TAGS), _TEXTS), st.sampled_from(Kind))
def test_no_text_in_a_tag_can_raise_or_write_what_cannot_be_read(
    tags: dict[str, str], kind: Kind
) -> None:
    found = content_candidates(tags, kind)

    assert [c.rank for c in found] == sorted(c.rank for c in found)
    for candidate in found:
        assert (parse_iso(candidate.value) is None) <= (candidate.rejected is not None)
        assert len(candidate.value) <= 64
        candidate.value.encode()


@given(st.binary(max_size=200))
def test_no_name_can_raise(path: bytes) -> None:
    for candidate in name_candidates(path):
        assert parse_iso(candidate.value) is not None


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1))
def test_no_file_time_can_raise(mtime_ns: int, first_seen_ns: int) -> None:
    found = file_system_candidate(mtime_ns, first_seen_ns)

    assert found is None or found.rank == 12


_CANDIDATES = st.builds(
    DateCandidate,
    source=st.sampled_from([*_TAGS, "name", "name_date", "folder", "mtime", "user"]),
    value=st.one_of(
        st.datetimes(datetime(2018, 12, 30), datetime(2019, 1, 4)).map(datetime.isoformat),  # noqa: DTZ001 - local times
        st.dates().map(lambda day: day.isoformat()),
        st.sampled_from(["2019-01-01T00:00:00+02:00", "2019-01", "2031-01-01", "", "garbage"]),
    ),
    rank=st.integers(1, 12),
    rejected=st.sampled_from([None, None, None, "zeros"]),
)


@given(
    st.lists(_CANDIDATES, max_size=8).flatmap(lambda c: st.tuples(st.just(c), st.permutations(c)))
)
def test_the_order_of_arrival_decides_nothing(
    orders: tuple[list[DateCandidate], list[DateCandidate]],
) -> None:
    assert choose(orders[0], now=NOW) == choose(orders[1], now=NOW)


@given(st.lists(_CANDIDATES, max_size=8))
def test_a_rejected_statement_never_wins_and_high_is_never_contradicted(
    candidates: list[DateCandidate],
) -> None:
    taken = choose(candidates, now=NOW)

    believed = {(c.source, c.value) for c in taken.candidates if c.rejected is None}
    assert taken.value is None or (taken.source, taken.value) in believed
    assert (taken.value is None) == (taken.confidence is Confidence.NONE) == (not believed)
    assert not (taken.confidence is Confidence.HIGH and conflicts(taken))
    assert choose(taken.candidates, now=NOW) == taken


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (b"1987/scan0001.jpg", "1987"),
        (b"1995-07 Italy/scan0002.jpg", "1995-07"),
        (b"1995/07/scan0003.jpg", "1995-07"),
        (b"1995/07/12/scan0003.jpg", "1995-07-12"),
        (b"Scans/1995-07-12 Rome/scan0003.jpg", "1995-07-12"),
        (b"Sommer 1995/scan0004.jpg", "1995"),
        (b"Grandma (1931)/a.jpg", "1931"),
        (b"Photos from 2015/a.jpg", "2015"),
        (b"1970/a.jpg", "1970"),
        (b"2019/05/Rome/a.jpg", "2019-05"),
    ],
)
def test_folders_speak_of_years_from_the_first_photograph_on(path: bytes, value: str) -> None:
    (found,) = name_candidates(path)

    assert (found.source, found.value, found.rank, found.rejected) == ("folder", value, 11, None)


@pytest.mark.parametrize(
    "folder",
    [
        *(
            "100CANON",
            "1080p",
            "2000px",
            "2000 px",
            "1920x1080",
            "1920 x 1080",
            "ISO 2000",
            "IMG1995",
        ),
        *(
            "1600",
            "2160",
            "18261231",
            "1995-1996",
            "2001-13",
            "12345",
            "1995 23",
            "_1995a",
            "DSC01995",
        ),
    ],
)
def test_folders_whose_numbers_are_no_years_say_nothing(folder: str) -> None:
    assert name_candidates(f"{folder}/a.jpg".encode()) == ()


@pytest.mark.parametrize("folder", ["1987", "1995-07 Italy", "1995/07", "Sommer 1995"])
@pytest.mark.parametrize("tag", ["EXIF:CreateDate", "JSON:PhotoTakenTimeTimestamp"])
def test_a_folder_of_old_contradicts_the_time_of_a_scan_or_an_export(folder: str, tag: str) -> None:
    rank = 7 if tag == "EXIF:CreateDate" else 6
    scan = DateCandidate(tag, "2015-03-04T11:12:13", rank)

    taken = choose((scan, *name_candidates(f"{folder}/scan1.jpg".encode())), now=NOW)

    assert (taken.value, taken.confidence) == (scan.value, Confidence.LOW)
    assert [candidate.source for candidate in conflicts(taken)] == ["folder"]


def test_a_folder_says_nothing_against_a_capture_time_or_the_year_before() -> None:
    shot = (
        DateCandidate("EXIF:DateTimeOriginal", "2015-03-04T11:12:13", 5),
        DateCandidate("EXIF:CreateDate", "2015-03-04T11:12:13", 7),
    )

    reunion = choose((*shot, *name_candidates(b"Class of 1987/a.jpg")), now=NOW)
    winter = choose((shot[1], *name_candidates(b"2014/a.jpg")), now=NOW)

    assert (reunion.confidence, conflicts(reunion)) == (Confidence.HIGH, ())
    assert (winter.confidence, conflicts(winter)) == (Confidence.MEDIUM, ())


def test_a_folders_year_gives_way_to_a_change_within_it_and_not_to_a_later_one() -> None:
    folder = name_candidates(b"Sommer 1995/scan0004.jpg")
    later = DateCandidate("mtime", "2015-03-04T11:12:13+00:00", 12)
    within = DateCandidate("mtime", "1995-08-04T11:12:13+00:00", 12)

    assert choose((*folder, later), now=NOW).value == "1995"
    assert choose((*folder, within), now=NOW).value == within.value
    for other in (later, within):
        assert choose((*folder, other), now=NOW).confidence is Confidence.LOW


@pytest.mark.parametrize("said", ["1972", "1972:05"])
def test_a_year_or_month_alone_contradicts_a_later_time_but_is_no_date(said: str) -> None:
    taken = _take(XMP__DateTimeOriginal=said, XMP__CreateDate="2015:01:02 03:04:05+01:00")
    fitting = _take(XMP__DateTimeOriginal="2015", XMP__CreateDate="2015:01:02 03:04:05+01:00")
    alone = _take(XMP__DateTimeOriginal=said)

    assert (taken.value, taken.confidence) == ("2015-01-02T03:04:05+01:00", Confidence.LOW)
    assert [(c.value, c.rejected) for c in conflicts(taken)] == [(said, "no day")]
    assert (fitting.confidence, conflicts(fitting)) == (Confidence.MEDIUM, ())
    assert (alone.value, alone.confidence) == (None, Confidence.NONE)
