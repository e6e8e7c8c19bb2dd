"""Where in the file a key stands. tomllib does not say, so growing beginnings of the file are read.

Used only once a mistake is known: it costs one parse for each line that holds something.
"""

import tomllib
from collections.abc import Iterable

from twinlens.config.words import Location


def lines_of(text: str, locations: Iterable[Location]) -> dict[Location, int]:
    """The line, counted from 1, on which each place begins.

    A place that is not in the file gets the line of the nearest table around it, or none at all.
    """
    whole = tomllib.loads(text)
    wanted = {location: _existing(whole, location) for location in locations}
    begun: dict[Location, int] = {}
    lines = text.split("\n")
    statement = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        statement = statement or number
        try:
            so_far = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a list or text of many lines
        for place in wanted.values():
            if place and place not in begun and _existing(so_far, place) == place:
                begun[place] = statement
        statement = 0
    return {location: begun[place] for location, place in wanted.items() if place in begun}


def _existing(data: object, location: Location) -> Location:
    """The longest beginning of a place that is in the data."""
    for depth, step in enumerate(location):
        has_key = isinstance(data, dict) and step in data
        has_item = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not (has_key or has_item):
            return location[:depth]
        data = data[step]  # type: ignore[index]  # one of the two was just seen to be so
    return location
