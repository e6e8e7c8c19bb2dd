"""The dates of real pictures, and of copies that exiftool wrote other dates into.

How it is counted: a file counts where an independent tool finds a date in it; it is equal where
every field that the tool gives, to the second, is the same, zone included where the tool gives one.
Where the rules reject that date (a clock that was never set, the future, a year before photography)
the file is right when nothing is made of it and the statement is kept with its reason; such files
are counted apart.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from twinlens.analysis.moments import parse_iso, parse_zone
from twinlens.analysis.timestamps import choose, name_candidates
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.limits import WorkerLimits
from twinlens.model.files import Look
from twinlens.model.picture import Confidence, TakenAt

PROGRAM = shutil.which("exiftool")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="exiftool is not installed")

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_BY_RULE = {"clock never set", "future", "before photography"}
_FIELDS = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)(?:\D(\d\d):(\d\d)(?::(\d\d))?)?")
_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    analyst = Analyst(WorkerLimits(exiftool=PROGRAM))
    yield analyst
    analyst.close()


def taken_of(analyst: Analyst, path: Path, name: str | None = None) -> TakenAt:
    measurement = analyst.analyse(Look(os.fsencode(path))).measurement
    assert measurement is not None
    names = name_candidates(os.fsencode(name or path.name))
    return choose((*measurement.date_candidates, *names), now=NOW)


def _is_equal(held: str, found: str | None) -> bool:
    """By a reader of the test's own: fields to the second, and the zone where it is held."""
    match, other = _FIELDS.match(held), _FIELDS.match(found or "")
    if match is None or other is None:
        return False
    fields = [field for field in match.groups() if field]
    zone = _ZONE.search(held)
    is_same_zone = zone is None or found is None or _zone(zone[0]) == _zone(found)
    is_same = [field for field in other.groups() if field][: len(fields)] == fields
    return is_same and is_same_zone and not held.rstrip().endswith("M")


def _zone(text: str) -> object:
    match = _ZONE.search(text)
    return parse_zone(match[0]) if match else None


def test_the_dates_of_real_pictures_are_those_they_hold(
    analyst: Analyst, photos: Path, truth: dict[str, Any]
) -> None:
    dated, equal, rejected, missed, wrong = Counter[str](), Counter[str](), [], [], []
    levels = Counter[str]()
    for name, entry in truth["files"].items():
        held = entry["first_valid_date"]
        if held is None:
            continue
        taken = taken_of(analyst, photos / name, name)
        levels[taken.confidence.value] += 1
        is_equal = _is_equal(str(held["value"]), taken.value)
        said = f"{name}: {held['tag']} {held['value']} -> {taken.value} from {taken.source}"
        if not is_equal and taken.confidence is Confidence.HIGH:
            wrong.append(said)
        of_tag = [c for c in taken.candidates if c.source == held["tag"]]
        if of_tag and of_tag[0].rejected in _BY_RULE:
            rejected.append(f"{said} ({of_tag[0].rejected})")
            continue
        dated[held["tag"]] += 1
        equal[held["tag"]] += is_equal
        if not is_equal:
            missed.append(said)

    print(f"\n{equal.total()} of {dated.total()} dates are equal; by confidence: {dict(levels)}")
    print("\n".join(f"  {tag}: {equal[tag]} / {dated[tag]}" for tag in sorted(dated)))
    print(f"{len(rejected)} rejected by rule:", *rejected, sep="\n  ")
    print(f"{len(missed)} missed:", *missed, sep="\n  ")
    assert dated.total() > 200
    assert equal.total() >= 0.99 * dated.total()
    assert len(rejected) <= 0.03 * dated.total()
    assert not [line for line in rejected if "-> None" not in line and "ModifyDate" not in line]
    assert wrong == []


# --- copies of real pictures with other dates -----------------------------------------------------

DTO, OFFSET = "-EXIF:DateTimeOriginal=2019:05:01 10:20:30", "-EXIF:OffsetTimeOriginal=+05:45"
CLEAR = "-all="


def _written(photos: Path, folder: Path, source: str, *tags: str, name: str = "") -> Path:
    """A copy of a real file without metadata, but for these tags."""
    path = folder / (name or "copy" + Path(source).suffix)
    shutil.copyfile(photos / source, path)
    assert PROGRAM is not None
    command = [PROGRAM, "-q", "-m", "-overwrite_original", CLEAR, *tags, str(path)]
    subprocess.run(command, check=True, timeout=30)
    return path


JPEG, MOVIE = "makers/ianare/Nikon_COOLPIX_P1.jpg", "video/sample.3gp"


@pytest.mark.parametrize(
    ("tags", "value", "confidence"),
    [
        ([DTO], "2019-05-01T10:20:30", Confidence.MEDIUM),
        ([DTO, OFFSET], "2019-05-01T10:20:30+05:45", Confidence.HIGH),
        (
            [DTO, "-EXIF:SubSecTimeOriginal=07", "-EXIF:OffsetTimeOriginal=-03:30"],
            "2019-05-01T10:20:30.07-03:30",
            Confidence.HIGH,
        ),
        (
            [DTO, "-EXIF:GPSDateStamp=2019:05:01", "-EXIF:GPSTimeStamp=04:50:12"],
            "2019-05-01T10:20:30+05:30",
            Confidence.HIGH,
        ),
        (
            [DTO, "-EXIF:GPSDateStamp=2019:04:30", "-EXIF:GPSTimeStamp=22:20:31"],
            "2019-05-01T10:20:30+12:00",
            Confidence.HIGH,
        ),
        (
            [DTO, OFFSET, "-XMP-photoshop:DateCreated=2012-05-01T10:20:30"],
            "2019-05-01T10:20:30+05:45",
            Confidence.MEDIUM,
        ),
        (["-EXIF:CreateDate=2003:08:09 10:11:12"], "2003-08-09T10:11:12", Confidence.MEDIUM),
        (["-EXIF:ModifyDate=2003:08:09 10:11:12"], "2003-08-09T10:11:12", Confidence.LOW),
        (
            ["-XMP-exif:DateTimeOriginal=2003:08:09 10:11:12+02:00"],
            "2003-08-09T10:11:12+02:00",
            Confidence.MEDIUM,
        ),
        (["-XMP-photoshop:DateCreated=2003:08"], None, Confidence.NONE),
        (
            ["-IPTC:DateCreated=2003:08:09", "-IPTC:TimeCreated=10:11:12-04:00"],
            "2003-08-09T10:11:12-04:00",
            Confidence.MEDIUM,
        ),
        (["-EXIF:DateTimeOriginal=2002:12:08 12:00:00"], None, Confidence.NONE),
        (
            [DTO, "-EXIF:CreateDate=2019:05:01 10:20:30", "-EXIF:ModifyDate=2018:01:01 00:00:01"],
            "2019-05-01T10:20:30",
            Confidence.LOW,
        ),
    ],
)
def test_what_exiftool_writes_into_a_picture_is_read(
    analyst: Analyst,
    photos: Path,
    tmp_path: Path,
    tags: list[str],
    value: str | None,
    confidence: Confidence,
) -> None:
    taken = taken_of(analyst, _written(photos, tmp_path, JPEG, *tags))

    found = taken.value.replace("10:20:30.00", "10:20:30") if taken.value else None
    assert (found, taken.confidence) in {(value, confidence)}


@pytest.mark.parametrize(
    ("source", "tags", "value"),
    [
        ("formats/photo.png", ["-PNG:CreationTime=2003:08:09 10:11:12"], "2003-08-09T10:11:12"),
        ("formats/photo.png", [DTO, OFFSET], "2019-05-01T10:20:30+05:45"),
        ("dups/falcon/falcon.webp", [DTO, OFFSET], "2019-05-01T10:20:30+05:45"),
        ("dups/falcon/falcon.heic", [DTO, OFFSET], "2019-05-01T10:20:30+05:45"),
        ("dups/cyclamen/cyclamen.tif", [DTO, OFFSET], "2019-05-01T10:20:30+05:45"),
    ],
)
def test_every_format_gives_its_date(
    analyst: Analyst, photos: Path, tmp_path: Path, source: str, tags: list[str], value: str
) -> None:
    assert taken_of(analyst, _written(photos, tmp_path, source, *tags)).value == value


@pytest.mark.parametrize(
    ("name", "tags", "value", "confidence"),
    [
        ("a.mov", ["-QuickTime:CreateDate=2019:05:01 08:20:30"], "2019-05-01T08:20:30", "medium"),
        (
            "VID_20190501_102030.mov",
            ["-QuickTime:CreateDate=2019:05:01 08:20:30"],
            "2019-05-01T08:20:30+00:00",
            "medium",
        ),
        (
            "PXL_20190501_082029123.mov",
            ["-QuickTime:CreateDate=2019:05:01 08:20:30"],
            "2019-05-01T08:20:30+00:00",
            "high",
        ),
        (
            "a.mov",
            [
                "-QuickTime:CreateDate=2019:05:01 08:20:30",
                "-Keys:CreationDate=2019:05:01 10:20:30+02:00",
            ],
            "2019-05-01T10:20:30+02:00",
            "high",
        ),
        (
            "a.mov",
            ["-QuickTime:CreateDate=2019:05:01 08:20:30", "-Keys:AndroidVersion=12"],
            "2019-05-01T08:20:30+00:00",
            "medium",
        ),
    ],
)
def test_a_video_says_whether_it_is_in_utc_where_that_can_be_told(
    analyst: Analyst,
    photos: Path,
    tmp_path: Path,
    name: str,
    tags: list[str],
    value: str | None,
    confidence: str,
) -> None:
    track = "-QuickTime:MediaCreateDate=2019:05:01 08:20:30"
    path = _written(photos, tmp_path, "live/traps/IMG_0042.MOV", track, *tags, name=name)

    taken = taken_of(analyst, path)

    assert (taken.value, taken.confidence.value) == (value, confidence)
    assert taken.value is None or parse_iso(taken.value) is not None
