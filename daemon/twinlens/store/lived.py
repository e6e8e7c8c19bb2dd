"""How long this database has been looked after, in seconds that passed for certain.

The wall clock can be set, and a machine without a battery wakes up in 1970. Whatever waits before
it is forgotten or removed for good notes this number when it is first seen, and is as old as the
number has grown since: it can be less than the truth (a machine that is off does not count), and
never more.
"""

import json

from twinlens.host.uptime import Uptime, least_passed
from twinlens.store import meta

_KEY = "lived"


def advance(now: Uptime) -> float:
    """Count on to `now`; returns the seconds. In a transaction; call it as often as you like."""
    last, seconds = _stored()
    if last is not None:
        seconds += least_passed(last, now)
    meta.write(_KEY, json.dumps({"boot": now.boot, "uptime": now.seconds, "seconds": seconds}))
    return seconds


def at(now: Uptime) -> float:
    """The seconds at `now`, without counting on. In a connection."""
    last, seconds = _stored()
    return seconds if last is None else seconds + least_passed(last, now)


def _stored() -> tuple[Uptime | None, float]:
    text = meta.read(_KEY)
    if text is None:
        return None, 0.0
    values = json.loads(text)
    return Uptime(str(values["boot"]), float(values["uptime"])), float(values["seconds"])
