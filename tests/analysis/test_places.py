"""Geohashes and places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.analysis.places import geohash, place_at


@pytest.mark.parametrize(
    ("latitude", "longitude", "published"),
    [
        (57.64911, 10.40744, "u4pruydqqvj"),  # the example of Wikipedia and geohash.org
        (42.6, -5.6, "ezs42"),
        (-25.382708, -49.265506, "6gkzwgjzn820"),  # the example of libgeohash
        (38.115556, 13.361389, "sqc8b49rny"),  # Palermo in the manual of Redis
    ],
)
def test_geohashes_are_the_published_ones(
    latitude: float, longitude: float, published: str
) -> None:
    assert geohash(latitude, longitude, len(published)) == published


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0.0, 0.0), (90.1, 10.0), (10.0, -180.5), (float("nan"), 1.0), (1.0, float("inf"))],
)
def test_nowhere_is_no_place(latitude: float, longitude: float) -> None:
    assert place_at(latitude, longitude) is None


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_longer_geohash_begins_with_the_shorter_one(latitude: float, longitude: float) -> None:
    place = place_at(latitude, longitude)

    assert place is None or place.geohash8.startswith(place.geohash6)
    assert place is None or place.geohash6.startswith(place.geohash4)
