"""The dates of real pictures against what independent tools say they hold."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from twinlens.analysis.timestamps import choose, conflicts, content_candidates, name_candidates
from twinlens.model.picture import Confidence, Kind, TakenAt

# The day the set was made; one camera of it dates its picture months ahead of that.
NOW = datetime(2026, 6, 1, tzinfo=UTC)
_FIELDS = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)(?:\D(\d\d):(\d\d)(?::(\d\d))?)?")
# Where the file holds a text that is a date and the product says otherwise, and why.
_ARGUED = {"future", "clock never set", "before photography"}


def _kind(tags: dict[str, str], path: str) -> Kind:
    if Path(path).suffix.lower() in {".xmp", ".json", ".aae"}:
        return Kind.SIDECAR
    return Kind.VIDEO if tags.get("File:MIMEType", "").startswith("video/") else Kind.IMAGE


def _taken(path: str, entry: dict[str, Any]) -> TakenAt:
    tags = {name: str(value) for name, value in entry["exiftool"].items()}
    return choose(content_candidates(tags, _kind(tags, path)), now=NOW)


def _fields(text: str) -> tuple[str, ...]:
    """Year to second by a reader of the test's own; it ends where the text does."""
    match = _FIELDS.match(text)
    return tuple(group for group in match.groups() if group) if match else ()


def test_dates_are_what_the_file_holds_to_the_second(truth: dict[str, Any]) -> None:
    equal, argued, missed = 0, [], []
    for path, entry in truth["files"].items():
        held = entry["first_valid_date"]
        if held is None:
            continue
        taken = _taken(path, entry)
        expected, found = _fields(held["value"]), _fields(taken.value or "")
        first = taken.candidates[0] if taken.candidates else None
        if expected == found[: len(expected)]:
            equal += 1
        elif (first is not None and first.rejected in _ARGUED) or held["value"].endswith("PM"):
            argued.append(f"{path}: {held['value']} -> {taken.value} ({first})")
        else:
            missed.append(f"{path}: {held} -> {taken.value} from {taken.source}")

    total = equal + len(argued) + len(missed)
    print(f"\n{total} dated files: {equal} equal, {len(argued)} argued, {len(missed)} missed")
    print("\n".join(argued))
    assert total > 0
    assert not missed
    assert len(argued) <= 0.04 * total


def test_no_date_is_held_high_that_the_file_does_not_hold(truth: dict[str, Any]) -> None:
    high, wrong = 0, []
    for path, entry in truth["files"].items():
        taken = _taken(path, entry)
        if taken.confidence is not Confidence.HIGH:
            continue
        high += 1
        held = entry["first_valid_date"]
        expected = _fields(held["value"]) if held else ("nothing",)
        if conflicts(taken) or expected != _fields(taken.value or "")[: len(expected)]:
            wrong.append(f"{path}: {held} -> {taken.value} from {taken.source}")

    print(f"\n{high} dates held high")
    assert high > 0
    assert not wrong


def test_nothing_is_invented_where_no_tool_finds_a_date(truth: dict[str, Any]) -> None:
    invented = [
        (path, source)
        for path, entry in truth["files"].items()
        if entry["first_date"] is None
        and (source := _taken(path, entry).source) is not None
        and source not in entry["exiftool"]
    ]

    assert invented == []


@pytest.mark.parametrize(
    ("path", "confidence", "value"),
    [
        ("dates/mixed/offset_tag.jpg", Confidence.HIGH, "2017-03-04T05:06:07+09:00"),
        ("dates/mixed/dto_good_gps_other_day.jpg", Confidence.HIGH, "2016-03-04T23:30:00-05:00"),
        ("dates/mixed/subsec.jpg", Confidence.MEDIUM, "2017-03-04T05:06:07.042"),
        ("dates/mixed/only_digitized.jpg", Confidence.MEDIUM, "2013-03-04T05:06:07"),
        ("dates/mixed/scan_digitized_today.jpg", Confidence.MEDIUM, "2021-01-02T03:04:05"),
        ("dates/mixed/only_modify.jpg", Confidence.LOW, "2012-03-04T05:06:07"),
        ("dates/mixed/conflict_dto_after_modify.jpg", Confidence.LOW, "2019-05-01T10:00:00"),
        ("dups/falcon/falcon_dateshift.jpg", Confidence.LOW, "2023-03-31T11:31:56.18"),
        ("makers/gps/DSCN0010.jpg", Confidence.MEDIUM, "2008-10-22T16:28:39"),
        ("live/IMG_4711.MOV", Confidence.HIGH, "2021-04-10T11:43:59+01:00"),
        ("dates/raw/dto_01_zeros.jpg", Confidence.NONE, None),
    ],
)
def test_known_pictures_are_held_as_far_as_they_deserve(
    truth: dict[str, Any], path: str, confidence: Confidence, value: str | None
) -> None:
    taken = _taken(path, truth["files"][path])

    assert (taken.value, taken.confidence) == (value, confidence)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_20190501_102030.jpg", "2019-05-01T10:20:30"),
        ("PXL_20190501_082030123.jpg", "2019-05-01T08:20:30.123+00:00"),
        ("IMG-20190501-WA0007.jpg", "2019-05-01"),
        ("19990229_000000.jpg", None),
        ("IMG_20191301_102030.jpg", None),
        ("DSC01234.jpg", None),
        ("Scan 12-05-1987.jpg", None),
    ],
)
def test_names_of_pictures_without_metadata_give_their_date_or_none(
    photos: Path, name: str, expected: str | None
) -> None:
    path = photos / "dates" / "filename" / name
    assert path.is_file()

    found = name_candidates(name.encode())

    assert (found[0].value if found else None) == expected
