"""`clocks`: where the clock of a camera was wrong, with a correction for the pictures; nothing is
changed."""

from collections.abc import Iterator
from typing import Any

from twinlens.grouping.clock_faults import ClockFault
from twinlens.ingest.camera_frames import camera_faults
from twinlens.store.database import Database


def clocks(database: Database) -> Iterator[dict[str, Any]]:
    """The lines of `clocks --json`, by camera and first file."""
    with database.reading():
        found = list(camera_faults())
    yield from map(_shape, found)


def _shape(fault: ClockFault) -> dict[str, Any]:
    return {
        "camera": fault.camera,
        "fault": fault.kind.value,
        "files": list(fault.keys),
        "evidence": list(fault.evidence),
        "proposed_offset_seconds": fault.proposed_offset_seconds,
    }
