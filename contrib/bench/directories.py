"""The section `directories`: very many folders are watched, and then more happens in them than the
kernel keeps for its reader."""

import io
import json
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from arriving import put
from fingerprints import fields
from options import Options
from progress import say
from rows import Row
from running import Daemon, Household

SECTION = "directories"
_FEW, _MANY = 2_000, 20_000
_IN_ONE = 100
_START_SECONDS = 600.0
_SETTLE_SECONDS = 0.5
_PAUSE_SECONDS = 0.5
_PICTURES = 2_000
_MOST_GROWTH = 10.0
"""Ten times the folders may take ten times the time and the memory, at most."""
_QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


@dataclass(frozen=True, slots=True)
class _Watching:
    """From the start to the end of the first scan, which waits for all watches; memory then."""

    seconds: float
    cpu_seconds: float
    pss_bytes: int


def measure(options: Options) -> list[Row]:
    """Start and memory by the number of folders; then an overflow."""
    del options
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        none, few, many = (_watching(Path(place) / str(n), n) for n in (1, _FEW, _MANY))
        found, files, overflows = _overflow(Path(place) / str(_MANY))
    memory = [(one.pss_bytes - none.pss_bytes) / 1024 for one in (few, many)]
    return [
        *(
            Row(
                SECTION,
                f"{count:,} folders: start until all are watched and scanned",
                one.seconds,
                "s",
                note=f"{one.cpu_seconds:.2f} s of processor time",
            )
            for count, one in ((_FEW, few), (_MANY, many))
        ),
        Row(
            SECTION,
            f"processor time of a start, {_MANY:,} folders beside {_FEW:,}",
            many.cpu_seconds / few.cpu_seconds,
            "x",
            target=_MOST_GROWTH,
            kind="ratio",
        ),
        *(
            Row(SECTION, f"{count:,} folders: memory of a folder", size / count, "KiB")
            for count, size in zip((_FEW, _MANY), memory, strict=True)
        ),
        Row(
            SECTION,
            f"memory for {_MANY:,} folders beside {_FEW:,}",
            memory[1] / memory[0] if memory[0] > 0 else None,
            "x",
            target=_MOST_GROWTH,
            kind="ratio",
            note="all processes, without what one folder takes",
        ),
        Row(
            SECTION,
            "files missing after an overflow",
            float(files - found),
            "",
            target=0.0,
            note=f"{files:,} came while the daemon was stopped; events were lost {overflows} times",
        ),
    ]


def _watching(folder: Path, count: int) -> _Watching:
    say(f"directories: {count} folders")
    root = folder / "photos"
    for number in range(count):
        (root / f"{number // _IN_ONE:03d}" / f"{number:05d}").mkdir(parents=True)
    with Daemon(_household(folder)) as daemon:
        daemon.await_scan(_START_SECONDS)
        seconds = time.monotonic() - daemon.started_at
        return _Watching(seconds, daemon.use().cpu_seconds, daemon.memory().pss_bytes)


def _overflow(folder: Path) -> tuple[int, int, int]:
    """(files found, files made, times that events were lost).

    The daemon is stopped meanwhile, as by a machine that has no time for it. Files that come and go
    take all the room that the kernel has for events, and what is told of the pictures is lost.
    Raises SubjectError where nothing was lost.
    """
    noise = int(_QUEUE.read_text())
    say(f"directories: an overflow, {_PICTURES} pictures behind {noise} other files")
    household = _household(folder)
    homes = sorted((folder / "photos").glob("*/*"))
    pictures = _small_pictures(_PICTURES)
    with Daemon(household) as daemon:
        daemon.await_scan(_START_SECONDS)
        daemon.send(signal.SIGSTOP)
        try:
            for number in range(noise):
                passing = homes[number % len(homes)] / f"{number}.part"
                passing.touch()
                passing.unlink()
            for number, picture in enumerate(pictures):
                put(homes[number % len(homes)], f"P{number:06d}.jpg", picture)
        finally:
            daemon.send(signal.SIGCONT)
        daemon.await_events("events_lost", 1, _START_SECONDS)
        end = time.monotonic() + _START_SECONDS
        while (found := _known_files(household)) < len(pictures) and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        return found, len(pictures), len(daemon.events("events_lost"))


def _known_files(household: Household) -> int:
    asked = household.command("status", "--json")
    # Not by `cost_of`: it waits for all children, and the daemon is one.
    done = subprocess.run(asked, capture_output=True, check=True)
    return int(json.loads(done.stdout)["files"])


def _household(folder: Path) -> Household:
    household = Household(
        folder / "config.toml",
        folder / "state" / "twinlens.db",
        (folder / "photos",),
        _SETTLE_SECONDS,
    )
    household.write()
    return household


def _small_pictures(count: int) -> list[bytes]:
    """So many different ones of 32x32 pixels: little to read, nothing to compare."""
    found = []
    for pixels in fields(np.random.default_rng(count), count)[0]:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG")
        found.append(stream.getvalue())
    return found
