"""A camera's pictures as the search for faults of its clock sees them, and what is found in them.

Which pictures are of one body is told by the serial number, else by make and model; what speaks for
or against their times is read from the candidates that are recorded.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from twinlens.analysis.datetext import stated_moment
from twinlens.analysis.moments import Moment, parse_iso
from twinlens.analysis.timestamps import FUTURE
from twinlens.grouping.clock_faults import ClockFault, Frame, Witness, find_clock_faults
from twinlens.model.clocks import ClockDoubt
from twinlens.model.paths import to_text
from twinlens.model.picture import DateCandidate, Metadata
from twinlens.store import clock_doubts

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


def camera_faults() -> Iterator[ClockFault]:
    """The faults of all cameras, by camera and first file; their keys are absolute paths. Inside a
    connection."""
    for fault, _ in _faults():
        yield fault


def doubted_contents() -> dict[int, ClockDoubt]:
    """What the faults say of each content that is part of one, by its id. Inside a connection.

    Of a content with several names the first fault counts, whatever order they came in.
    """
    found: dict[int, ClockDoubt] = {}
    for fault, pictures in _faults():
        for key in fault.keys:
            original_id, clock = pictures[key]
            stated = clock.isoformat(timespec="seconds")
            found.setdefault(original_id, ClockDoubt(fault.kind.value, stated, fault.evidence))
    return found


def _faults() -> Iterator[tuple[ClockFault, dict[str, tuple[int, datetime]]]]:
    """Each fault, with the content and the camera's time of its pictures by their keys."""
    bodies: dict[tuple[str, bool], dict[Frame, int]] = defaultdict(dict)
    for picture in clock_doubts.pictures():
        body = body_of(picture.metadata)
        frame = frame_of(picture.path, picture.radical, picture.candidates, picture.metadata)
        if body is not None and frame is not None:
            bodies[body][frame] = picture.original_id
    for camera, is_one_body in sorted(bodies):
        # A library may hold very many pictures: those of one camera at a time.
        frames = bodies.pop((camera, is_one_body))
        for fault in find_clock_faults(camera, frames, is_one_body=is_one_body):
            keys = set(fault.keys)
            yield fault, {f.key: (number, f.clock) for f, number in frames.items() if f.key in keys}


def body_of(metadata: Metadata) -> tuple[str, bool] | None:
    """The body that a picture's metadata name; a serial number of zeros names none."""
    if not metadata.make and not metadata.model:
        return None
    serial = (metadata.serial or "").strip()
    is_one_body = bool(serial.strip("0 "))
    words = (metadata.make, metadata.model, serial if is_one_body else None)
    return " ".join(word for word in words if word), is_one_body


def frame_of(
    path: bytes, radical: str, candidates: Iterable[DateCandidate], metadata: Metadata
) -> Frame | None:
    """A picture as the search for faults sees it; None where its camera states no time.

    `radical` is its name as the store keeps it (`analysis.names`)."""
    weighed = tuple(candidates)
    stated = _clock(weighed)
    if stated is None:
        return None
    moment, is_unset = stated
    series, counter = _counter(path, radical)
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


def _counter(path: bytes, radical: str) -> tuple[str, int | None]:
    """What the number in a camera's name is comparable with, and the number."""
    match = _COUNTED_NAME.fullmatch(radical)
    if match is None:
        return "", None
    folder = path.rpartition(b"/")[0]
    # Thousands of pictures share one.
    return sys.intern(f"{to_text(folder)}/{match[1]}"), int(match[2])


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
