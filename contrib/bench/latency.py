"""The section `latency`: from closed after writing to recorded, while 50 pictures a second come."""

import tempfile
import time
from pathlib import Path

import numpy as np

from arriving import analysis_seconds, arrivals, one_by_one
from corpus import MANY, prepared
from measuring import machine_seconds
from options import Options
from progress import say
from rows import Row
from running import Daemon, Household
from subject import SubjectError

SECTION = "latency"
_EACH_SECOND = 50.0
_SECONDS = 30
_SETTLE_SECONDS = 1.0
_FIRST_SCAN_SECONDS = 60.0
_MOST_MEDIAN_MS = 80.0
_MOST_LATE_MS = 300.0


def measure(options: Options) -> list[Row]:
    """Median and 99th percentile beyond the settling time, and the same for a single picture."""
    _, root = prepared(MANY, options)
    paths = sorted(root.rglob("*.JPG"))[: int(_EACH_SECOND) * _SECONDS + 8]
    contents = [path.read_bytes() for path in paths]
    alone, many = contents[:8], contents[8:]
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        folder = Path(place)
        watched = folder / "photos"
        watched.mkdir()
        household = Household(
            folder / "config.toml",
            folder / "state" / "twinlens.db",
            (watched,),
            _SETTLE_SECONDS,
            options.processes,
        )
        household.write()
        analysis = float(np.median(analysis_seconds(folder, alone))) * 1000
        with Daemon(household) as daemon:
            daemon.await_scan(_FIRST_SCAN_SECONDS)
            say("latency: single pictures")
            single = [one.beyond(_SETTLE_SECONDS) for one in one_by_one(daemon, watched, alone)]
            say(f"latency: {len(many)} pictures, {_EACH_SECOND:.0f} a second")
            busy, started = machine_seconds(), time.monotonic()
            found = arrivals(daemon, watched, many, _EACH_SECOND)
            busy = (machine_seconds() - busy) / (time.monotonic() - started)
            warnings = daemon.warnings()
    beyond = [one.beyond(_SETTLE_SECONDS) * 1000 for one in found]
    if min(beyond) < 0:
        raise SubjectError(f"a picture was recorded before it had settled: {min(beyond):.1f} ms")
    written = found[-1].closed_at - found[0].closed_at
    median, late, latest = (float(np.percentile(beyond, share)) for share in (50, 99, 100))
    machine = f"{busy:.1f} cores busy in all"
    return [
        Row(SECTION, "beyond settling, median", median, "ms", target=_MOST_MEDIAN_MS, note=machine),
        Row(SECTION, "beyond settling, 99th percentile", late, "ms", target=_MOST_LATE_MS),
        Row(SECTION, "beyond settling, the latest", latest, "ms"),
        Row(
            SECTION,
            "warnings of the daemon meanwhile",
            float(len(warnings)),
            "",
            target=0.0,
            note="; ".join(warnings[:1]),
        ),
        Row(SECTION, "pictures a second, as written", (len(found) - 1) / written, ""),
        Row(
            SECTION,
            "beyond settling, a picture alone, median",
            float(np.median(single)) * 1000,
            "ms",
            note=f"its analysis takes {analysis:.1f} ms; the first was late by "
            f"{single[0] * 1000:.0f} ms, as workers were started",
        ),
    ]
