"""Videos: UTC told from local time by what else is said of the same recording; names of screens."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from twinlens.analysis.containerdates import with_told_zone
from twinlens.analysis.moments import Moment, parse_iso
from twinlens.analysis.timestamps import choose, conflicts, content_candidates, name_candidates
from twinlens.model.picture import Confidence, DateCandidate, Kind, TakenAt

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def _moment(text: str) -> Moment:
    found = parse_iso(text)
    assert found is not None
    return found


def _told(value: str, *others: str, minutes: int = 0) -> str:
    moments = [_moment(other) for other in others]
    return with_told_zone(_moment(value), moments, timedelta(minutes=minutes)).iso()


def _take(tags: dict[str, str], name: bytes = b"a.mov") -> TakenAt:
    own = content_candidates(tags, Kind.VIDEO)
    return choose((*own, *name_candidates(name)), now=NOW)


@pytest.mark.parametrize(
    ("value", "other", "expected"),
    [
        ("2019-05-01T08:20:30", "2019-05-01T10:20:30+02:00", "2019-05-01T08:20:30+00:00"),
        ("2019-05-01T10:20:30", "2019-05-01T10:20:30+02:00", "2019-05-01T10:20:30+02:00"),
        ("2019-05-01T08:20:30", "2019-05-01T10:20:29", "2019-05-01T08:20:30+00:00"),
        ("2019-05-01T04:50:30", "2019-05-01T10:20:30", "2019-05-01T04:50:30+00:00"),
        ("2019-05-01T10:20:30", "2019-05-01T10:20:30", "2019-05-01T10:20:30"),
        ("2019-05-01T10:20:30", "2019-05-01T12:01:30", "2019-05-01T10:20:30"),
        ("2019-05-01T10:20:30", "2019-05-03T12:20:30", "2019-05-01T10:20:30"),
        ("2019-05-01T10:20:30", "2019-05-01", "2019-05-01T10:20:30"),
        ("2019-05-01T10:20:30-07:00", "2019-05-01T10:20:30+02:00", "2019-05-01T10:20:30-07:00"),
    ],
)
def test_another_statement_tells_whether_a_container_is_in_utc(
    value: str, other: str, expected: str
) -> None:
    assert _told(value, other) == expected


def test_a_recording_may_end_minutes_after_its_name_says_it_began() -> None:
    assert _told("2019-05-01T08:26:30", "2019-05-01T10:20:30") == "2019-05-01T08:26:30"
    assert _told("2019-05-01T08:26:30", "2019-05-01T10:20:30", minutes=6).endswith("+00:00")


def test_statements_that_contradict_each_other_tell_nothing() -> None:
    value = "2019-05-01T10:20:30"

    assert _told(value, "2019-05-01T10:20:30+02:00", "2019-05-01T10:20:30+03:00") == value


def test_the_name_of_a_phones_video_tells_that_its_container_is_in_utc() -> None:
    tags = {"QuickTime:CreateDate": "2019:05:01 08:20:33"}

    taken = _take(tags, b"VID_20190501_102030.mp4")

    assert (taken.value, taken.confidence) == ("2019-05-01T08:20:33+00:00", Confidence.MEDIUM)
    assert conflicts(taken) == ()


def test_a_phone_in_utc_is_known_by_its_maker_and_a_camera_is_not() -> None:
    time = {"QuickTime:CreateDate": "2011:05:01 08:20:33"}

    assert _take(time | {"QuickTime:Make": "Apple"}).value == "2011-05-01T08:20:33+00:00"
    assert _take(time | {"QuickTime:Make": "Canon"}).value == "2011-05-01T08:20:33"


def test_sonys_own_record_of_a_video_has_a_zone() -> None:
    taken = _take(
        {
            "XML:CreationDateValue": "2021:08:05 18:03:24+02:00",
            "QuickTime:CreateDate": "2021:08:05 16:03:24",
        }
    )

    assert (taken.value, taken.source) == ("2021-08-05T18:03:24+02:00", "XML:CreationDateValue")
    assert taken.confidence is Confidence.HIGH


def test_what_was_told_later_does_not_depend_on_the_order() -> None:
    statements = [
        DateCandidate("QuickTime:CreateDate", "2019-05-01T08:20:30", 8),
        DateCandidate("QuickTime:MediaCreateDate", "2019-05-01T08:20:30", 8),
        DateCandidate("name", "2019-05-01T10:20:30", 9),
        DateCandidate("folder", "2019-05", 11),
    ]

    found = {choose(order, now=NOW) for order in permutations(statements)}

    assert len(found) == 1


@pytest.mark.parametrize(
    ("summer", "zone", "value"),
    [
        ("Off", "+08:00", "2019-12-05T13:32:49+08:00"),
        ("0", "480", "2019-12-05T13:32:49+08:00"),
        ("On", "+08:00", "2019-12-05T13:32:49"),
        ("Off", "+00:00", "2019-12-05T13:32:49"),
        ("Off", "+99:00", "2019-12-05T13:32:49"),
        ("", "+08:00", "2019-12-05T13:32:49"),
    ],
)
def test_a_zone_in_the_makers_notes_counts_outside_of_summer_time(
    summer: str, zone: str, value: str
) -> None:
    taken = _take(
        {
            "EXIF:DateTimeOriginal": "2019:12:05 13:32:49",
            "MakerNotes:TimeZone": zone,
            "MakerNotes:DaylightSavings": summer,
        }
    )

    assert taken.value == value


@pytest.mark.parametrize(
    "tags",
    [
        {"EXIF:DateTimeOriginal": "1998:01:01 00:00:00"},
        {
            "EXIF:DateTimeOriginal": "1998:01:01 00:00:00",
            "EXIF:CreateDate": "1998:01:01 00:00:00",
        },
        {"JSON:PhotoTakenTimeTimestamp": "-599616000"},
    ],
)
def test_midnight_on_the_first_of_january_is_hardly_believed(tags: dict[str, str]) -> None:
    assert _take(tags).confidence is Confidence.LOW


def test_a_firework_seen_by_the_satellites_is_believed() -> None:
    taken = _take(
        {
            "EXIF:DateTimeOriginal": "2019:01:01 00:00:00",
            "Composite:GPSDateTime": "2018:12:31 23:00:00Z",
        }
    )

    assert (taken.value, taken.confidence) == ("2019-01-01T00:00:00+01:00", Confidence.HIGH)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Bildschirmfoto 2019-05-01 um 10.20.30.png", "2019-05-01T10:20:30"),
        ("Capture d’écran 2019-05-01 à 10.20.30.png", "2019-05-01T10:20:30"),
        ("Captura de pantalla 2019-05-01 a las 10.20.30.png", "2019-05-01T10:20:30"),
        ("Screenshot 2019-05-01 at 10.20.30\u202fPM.png", "2019-05-01T22:20:30"),
        ("received_1234567890123.jpeg", None),
    ],
)
def test_a_screenshot_is_read_in_its_systems_language(name: str, value: str | None) -> None:
    found = name_candidates(name.encode())

    assert (found[0].value if found else None) == value
