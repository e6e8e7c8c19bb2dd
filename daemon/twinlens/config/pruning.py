"""A configuration without what is wrong in it, so that the rest of it can be looked at."""

import copy
from collections.abc import Iterable
from typing import Any

from twinlens.config.words import Location


def without(data: object, mistakes: Iterable[tuple[Location, bool]]) -> object:
    """A copy of parsed TOML without these places; where a key is missing, without its table.

    Places in lists stay where they are for all others: only what stands last is taken out of a
    list, and of anything before it the whole list is kept as it is.
    """
    left: Any = copy.deepcopy(data)
    for location, is_missing in sorted(mistakes, key=lambda one: _order(one[0]), reverse=True):
        steps = tuple(step for step in location if step != "[key]")
        _take_out(left, steps[:-1] if is_missing else steps)
    return left


def _order(location: Location) -> list[tuple[str, int]]:
    return [("", step) if isinstance(step, int) else (step, 0) for step in location]


def _take_out(data: Any, steps: Location) -> None:
    for step in steps[:-1]:
        is_there = isinstance(data, (dict, list)) and (
            step in data if isinstance(data, dict) else isinstance(step, int) and step < len(data)
        )
        if not is_there:
            return
        data = data[step]
    last = steps[-1] if steps else None
    if isinstance(data, dict):
        data.pop(last, None)
    elif isinstance(data, list) and last == len(data) - 1:
        data.pop()
