"""A long pass in slices, so that no scan waits long: one result of all of them."""

from collections.abc import Callable
from typing import Any


def whole(slices: Callable[[], dict[str, Any]], is_stopped: Callable[[], bool]) -> dict[str, Any]:
    """Carry out slices until nothing is left or there is trouble; numbers are added up."""
    total: dict[str, Any] = {}
    while True:
        result = slices()
        for name, value in result.items():
            is_number = isinstance(value, int | float) and name != "left"
            total[name] = round(total.get(name, 0) + value, 3) if is_number else value
        if not total.get("left") or total.get("trouble") or is_stopped():
            return total
