"""Values arrive in another process as they were sent."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from twinlens.model.files import Finding, Look, Stat
from twinlens.model.picture import (
    DateCandidate,
    Fingerprint,
    Kind,
    Measurement,
    Metadata,
    Place,
)

MEASURED = Measurement(
    "image/jpeg",
    Kind.IMAGE,
    width=640,
    height=480,
    metadata=Metadata(make="Canon", tags={"EXIF:Make": "Canon"}, has_subseconds=True),
    date_candidates=(DateCandidate("EXIF:DateTimeOriginal", "2021-01-16T11:37:00", 5),),
    fingerprint=Fingerprint(1, 2, 3, 2**64 - 1, reason="flat", miniature=b"\x00\xff"),
    place=Place(47.5, 8.25, "u0qj", "u0qjd7", "u0qjd7x2"),
    error="cut off",
)
FOUND = Finding(b"/a/\xff.jpg", Stat(1, 2, 3, 4, 5), "ab" * 32, MEASURED, bytes_read=3)


@pytest.mark.parametrize(
    "value",
    [
        Look(b"/a/\xff.jpg", frozenset({"cd" * 32}), 3, is_careful=True),
        Finding(b"/gone", problem="not there", is_transient=True),
        FOUND,
        replace(FOUND, measurement=None),
    ],
)
def test_what_arrives_is_what_was_sent(value: Look | Finding) -> None:
    arrived = pickle.loads(pickle.dumps(value))

    assert arrived == value
    assert type(arrived) is type(value)


def test_what_arrived_cannot_be_changed() -> None:
    arrived = pickle.loads(pickle.dumps(FOUND))

    with pytest.raises(FrozenInstanceError):
        arrived.measurement.fingerprint.phash = 0
