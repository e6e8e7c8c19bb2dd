"""`clocks`: where the clock of a camera was wrong, with a correction for the pictures; nothing is
changed."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from twinlens.analysis.datetext import stated_moment
from twinlens.analysis.moments import Moment, parse_iso
from twinlens.analysis.names import parse_name
from twinlens.analysis.timestamps import FUTURE
from twinlens.grouping.clock_faults import ClockFault, Frame, Witness, find_clock_faults
from twinlens.model.paths import to_text
from twinlens.model.picture import DateCandidate, Kind, Metadata
from twinlens.model.views import FileView
from twinlens.store import listing
from twinlens.store.database import Database

_CLOCKS = (
    "EXIF:DateTimeOriginal",
    "MakerNotes:DateTimeOriginal",
    "SigmaRaw:DateTimeOriginal",
    "EXIF:CreateDate",
)
_WITNESSES = {
    "Composite:GPSDateTime": "the satellites' time",
    "name": "the time in the name",
    "sidecar:takeout": "the takeout's time",
    "sidecar:XMP:DateTimeOriginal": "the sidecar's time",
}
_COUNTED_NAME = re.compile(r"([^\W_]{1,4}_?|_[^\W_]{3})([0-9]{4,5})")
"""A camera's own name (JEITA CP-3461): up to four characters, then the counter."""
_SHUTTER = ("MakerNotes:ShutterCount", "MakerNotes:ImageCount")
_MOST_SHUTTERS = 5_000_000
"""More than any shutter lived to; above it a note was read wrong."""
_NEVER_SET = "clock never set"


def clocks(database: Database) -> Iterator[dict[str, Any]]:
    """The lines of `clocks --json`, by camera and first file."""
    bodies: dict[tuple[str, bool], list[Frame]] = defaultdict(list)
    with database.reading():
        for view in listing.files():
            original, body = view.original, _body(view)
            if original is None or body is None:
                continue
            facts = original.measurement.metadata
            frame = frame_of(view.path, original.taken.candidates, facts)
            if frame is not None:
                bodies[body].append(frame)
    for (camera, is_one_body), frames in sorted(bodies.items()):
        for fault in find_clock_faults(camera, frames, is_one_body=is_one_body):
            yield _shape(fault)


def _shape(fault: ClockFault) -> dict[str, Any]:
    return {
        "camera": fault.camera,
        "fault": fault.kind.value,
        "files": list(fault.keys),
        "evidence": list(fault.evidence),
        "proposed_offset_seconds": fault.proposed_offset_seconds,
    }


def _body(view: FileView) -> tuple[str, bool] | None:
    """The camera body in words, and whether a serial number tells it from its like."""
    if view.original is None or view.original.measurement.kind not in (Kind.IMAGE, Kind.RAW):
        return None
    return body_of(view.original.measurement.metadata)


def body_of(metadata: Metadata) -> tuple[str, bool] | None:
    """The body that a picture's metadata name; a serial number of zeros names none."""
    if not metadata.make and not metadata.model:
        return None
    serial = (metadata.serial or "").strip()
    is_one_body = bool(serial.strip("0 "))
    words = (metadata.make, metadata.model, serial if is_one_body else None)
    return " ".join(word for word in words if word), is_one_body


def frame_of(path: bytes, candidates: Iterable[DateCandidate], metadata: Metadata) -> Frame | None:
    """A picture as the search for faults sees it; None where its camera states no time."""
    weighed = tuple(candidates)
    stated = _clock(weighed)
    if stated is None:
        return None
    moment, is_unset = stated
    series, counter = _counter(path)
    return Frame(
        to_text(path),
        moment.local,
        is_unset,
        series,
        counter,
        _shutter(metadata.tags),
        tuple(_witnesses(weighed, moment)),
    )


def _clock(candidates: Iterable[DateCandidate]) -> tuple[Moment, bool] | None:
    """What the camera says, and whether it is what only an unset clock says."""
    said = {c.source: c for c in candidates if c.source in _CLOCKS}
    for source in _CLOCKS:
        if source not in said:
            continue
        is_unset = said[source].rejected == _NEVER_SET
        # A clock that is ahead of us is a clock at fault, too.
        if said[source].rejected not in (None, _NEVER_SET, FUTURE):
            continue
        text = said[source].value
        moment = stated_moment(text) if is_unset else parse_iso(text)
        if moment is not None and moment.has_time:
            return moment, is_unset
    return None


def _counter(path: bytes) -> tuple[str, int | None]:
    """What the number in a camera's name is comparable with, and the number."""
    folder, _, name = path.rpartition(b"/")
    match = _COUNTED_NAME.fullmatch(parse_name(name).radical)
    if match is None:
        return "", None
    return f"{to_text(folder)}/{match[1]}", int(match[2])


def _shutter(tags: dict[str, str]) -> int | None:
    for tag in _SHUTTER:
        text = tags.get(tag, "")
        if re.fullmatch(r"[0-9]{1,7}", text) and 0 < int(text) <= _MOST_SHUTTERS:
            return int(text)
    return None


def _witnesses(candidates: Iterable[DateCandidate], clock: Moment) -> Iterator[Witness]:
    for candidate in candidates:
        if candidate.source not in _WITNESSES or candidate.rejected is not None:
            continue
        moment = parse_iso(candidate.value)
        if moment is None or not moment.has_time:
            continue
        words = _WITNESSES[candidate.source]
        if moment.utc is None or candidate.source.startswith("sidecar:XMP"):
            yield Witness(words, moment.local, is_utc=False)
        elif clock.offset is not None:
            yield Witness(words, moment.utc + clock.offset, is_utc=False)
        else:
            yield Witness(words, moment.utc, is_utc=True)
