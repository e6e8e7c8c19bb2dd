"""Claims about the errors that say nothing against a content."""

import pytest

from twinlens.ingest.measure import NEEDS_EXIFTOOL
from twinlens.model.picture import (
    ALGORITHM_VERSION,
    HEADERS_VERSION,
    current_versions,
    knows_as_much,
    without_exiftool,
)
from twinlens.model.unjudged import is_unjudged, reason_of

LACKING = without_exiftool(ALGORITHM_VERSION)
LACKING_HEADERS = without_exiftool(HEADERS_VERSION)


@pytest.mark.parametrize(
    "error",
    [
        NEEDS_EXIFTOOL,
        "exiftool gave no answer within 10 s",
        "too large to decode: 20000x10000 pixels",
        "no decoder for image/jxl",
    ],
)
def test_what_is_missing_here_is_no_fault_of_the_file(error: str) -> None:
    assert is_unjudged(error)


@pytest.mark.parametrize("error", ["truncated", "broken: bad data", "empty file", "not valid JSON"])
def test_what_is_wrong_with_the_bytes_is_a_fault_of_the_file(error: str) -> None:
    assert not is_unjudged(error)


def test_equal_reasons_are_one_whatever_the_file() -> None:
    reasons = {reason_of(f"too large to decode: {size} pixels") for size in ("1x2", "3x4")}

    assert reasons == {"too large to decode"}


def test_what_was_measured_without_exiftool_is_current_only_where_there_is_none() -> None:
    with_it = current_versions(are_pictures_decoded=True)
    headers_with_it = current_versions(are_pictures_decoded=False)

    assert with_it == {ALGORITHM_VERSION}
    assert headers_with_it == {ALGORITHM_VERSION, HEADERS_VERSION}
    assert current_versions(are_pictures_decoded=True, has_exiftool=False) == with_it | {LACKING}
    assert current_versions(are_pictures_decoded=False, has_exiftool=False) == (
        headers_with_it | {LACKING, LACKING_HEADERS}
    )


@pytest.mark.parametrize(
    ("known", "offered", "is_enough"),
    [
        (ALGORITHM_VERSION, LACKING, True),
        (LACKING, ALGORITHM_VERSION, False),
        (LACKING, LACKING_HEADERS, True),
        (LACKING_HEADERS, LACKING, False),
        (HEADERS_VERSION, LACKING, False),
        (LACKING, LACKING, True),
    ],
)
def test_a_measurement_replaces_one_that_knows_less(
    known: int, offered: int, is_enough: bool
) -> None:
    assert knows_as_much(known, offered) is is_enough
