"""Where a picture was taken, as degrees and as geohashes.

A position at 0,0 is what broken receivers write and is no place, and neither is anything outside
the globe.
"""

import math

from twinlens.model.picture import Place

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
_BITS_A_CHARACTER = 5


def geohash(latitude: float, longitude: float, length: int) -> str:
    """The geohash of a position, as published by Gustavo Niemeyer (geohash.org, 2008).

    Bits halve the longitude and the latitude in turns, longitude first; five make a character.
    """
    bounds = [[-180.0, 180.0], [-90.0, 90.0]]
    position = (longitude, latitude)
    characters = []
    value = 0
    for bit in range(length * _BITS_A_CHARACTER):
        axis = bit % 2
        low, high = bounds[axis]
        middle = (low + high) / 2
        is_upper = position[axis] >= middle
        bounds[axis][0 if is_upper else 1] = middle
        value = value << 1 | is_upper
        if bit % _BITS_A_CHARACTER == _BITS_A_CHARACTER - 1:
            characters.append(_ALPHABET[value])
            value = 0
    return "".join(characters)


def place_at(latitude: float, longitude: float) -> Place | None:
    """The place at a position in degrees (WGS 84, north and east positive); None for no place."""
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    if abs(latitude) > 90 or abs(longitude) > 180 or (latitude == 0 and longitude == 0):
        return None
    return Place(
        latitude,
        longitude,
        geohash4=geohash(latitude, longitude, 4),
        geohash6=geohash(latitude, longitude, 6),
        geohash8=geohash(latitude, longitude, 8),
    )
