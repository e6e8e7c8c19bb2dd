"""Pictures that arrive: they are written into a watched folder and closed, and their daemon says
when it has them.

Beyond its settling time, and nothing else, is what counts: that a file has to hold still for so
long is asked for by the config, and begins when the daemon hears that the file was closed.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from running import Daemon
from subject import SubjectError
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.limits import WorkerLimits
from twinlens.model.files import Look

_PREFIX = "arrival-"
_TAKEN_UP_WITHIN_SECONDS = 120.0
_SETTLED_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Arrival:
    """One picture: when it was closed, and when the daemon had recorded it; monotonic seconds."""

    path: str
    closed_at: float
    recorded_at: float

    def beyond(self, settle_seconds: float) -> float:
        """The seconds from closed to recorded, without those in which it had to settle."""
        return self.recorded_at - self.closed_at - settle_seconds


def put(folder: Path, name: str, content: bytes) -> tuple[str, float]:
    """Write one picture and close it; returns its path and when that was done."""
    path = str(folder / name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
    return path, time.monotonic()


def arrivals(
    daemon: Daemon, folder: Path, contents: Sequence[bytes], each_second: float
) -> list[Arrival]:
    """Put these pictures at this rate, and wait for all of them.

    Raises SubjectError where one is not recorded, or recorded before it can have settled.
    """
    before = len(daemon.events("file_arrived"))
    started = time.monotonic()
    closed = {}
    for number, content in enumerate(contents):
        time.sleep(max(0.0, started + number / each_second - time.monotonic()))
        path, at = put(folder, f"{_PREFIX}{before + number:06d}.jpg", content)
        closed[path] = at
    wanted = before + len(closed)
    told = daemon.await_events("file_arrived", wanted, _TAKEN_UP_WITHIN_SECONDS)
    recorded = {str(details["path"]): at for at, details in told}
    return [Arrival(path, at, recorded[path]) for path, at in closed.items()]


def one_by_one(daemon: Daemon, folder: Path, contents: Sequence[bytes]) -> list[Arrival]:
    """Put each once the one before it is recorded."""
    return [arrivals(daemon, folder, [content], 1.0)[0] for content in contents]


def remove(daemon: Daemon, found: Sequence[Arrival]) -> None:
    """Take them away again, and wait until the daemon knows."""
    before = len(daemon.events("file_gone"))
    for arrival in found:
        os.unlink(arrival.path)
    daemon.await_events("file_gone", before + len(found), _TAKEN_UP_WITHIN_SECONDS)


def clear(folder: Path) -> None:
    """Take away what a run that was broken off has left behind."""
    for path in folder.glob(f"{_PREFIX}*.jpg"):
        path.unlink()


def analysis_seconds(folder: Path, contents: Sequence[bytes]) -> list[float]:
    """What looking at each takes by itself, in a process that is ready for it."""
    look_at = _ready_analyst()
    paths = []
    for number, content in enumerate((contents[0], *contents)):
        paths.append(folder / f"analysed-{number}.jpg")
        paths[-1].write_bytes(content)
    # A file of this very moment is waited for, one that has settled is not.
    time.sleep(_SETTLED_SECONDS)
    seconds = []
    for path in paths:
        started = time.perf_counter()
        look_at(os.fsencode(path))
        seconds.append(time.perf_counter() - started)
        path.unlink()
    # The first loads what all others find loaded.
    return seconds[1:]


def _ready_analyst() -> Callable[[bytes], None]:
    analyst = Analyst(WorkerLimits(memory_bytes=0, is_confined=False))

    def look_at(path: bytes) -> None:
        finding = analyst.analyse(Look(path))
        if finding.measurement is None or finding.measurement.error:
            raise SubjectError(f"a picture of the benchmark was not understood: {finding}")

    return look_at
