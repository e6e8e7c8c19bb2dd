"""Tells UTC from local time in what a video's container says of its creation.

By the standard (ISO 14496-12) `CreateDate` is UTC; phones keep to it, most cameras write their
local time, and no field says which. Another statement about the same recording does: one with a
known zone, the satellites, or a local time that lies a whole zone away. Nothing is guessed: without
such a statement the time stays without a zone.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from twinlens.analysis.moments import Moment, nearest_zone

_SLACK = timedelta(minutes=2)
_LONGEST = timedelta(minutes=15)
"""Some write the end of the recording, others its start. Below the smallest step between zones of
neighbours (half an hour), so that a long recording is not taken for a zone."""


def with_told_zone(moment: Moment, others: Iterable[Moment], duration: timedelta) -> Moment:
    """The container's time with its zone, where the other statements tell it; else as it is.

    `others` are moments with a time of day that the container's writer did not set, in any order.
    Where they contradict each other nothing is told.
    """
    if moment.offset is not None or not moment.has_time:
        return moment
    slack = _SLACK + min(max(duration, timedelta()), _LONGEST - _SLACK)
    told = {zone for other in others if (zone := _told_by(moment, other, slack)) is not None}
    return replace(moment, offset=told.pop()) if len(told) == 1 else moment


def _told_by(moment: Moment, other: Moment, slack: timedelta) -> timedelta | None:
    if not other.has_time:
        return None
    if other.utc is None or other.offset is None:
        zone = nearest_zone(other.local - moment.local, slack)
        return timedelta() if zone else None
    from_utc, from_local = abs(moment.local - other.utc), abs(moment.local - other.local)
    if min(from_utc, from_local) > slack:
        return None
    return timedelta() if from_utc <= from_local else other.offset
