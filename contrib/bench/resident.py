"""The section `resident`: the daemon of a library that is known, from its start to its rest, and
one new picture."""

import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from arriving import Arrival, analysis_seconds, clear, one_by_one, remove
from known import make_known
from known_library import SETTLE_SECONDS, household_of, settle
from measuring import Memory
from options import Options
from painting import paint
from progress import say, show_count
from rows import Row, median_row
from running import Daemon, Household, Use
from subject import SubjectError

SECTION = "resident"
_MIB = 1 << 20
_FIRST_PICTURE = 500_000
"""No other part of the benchmark paints from here on."""
_PICTURES = 4
"""A round."""
_SCAN_SECONDS = 1800.0

_MOST_READY_SECONDS = 2.0
_MOST_MEMORY_MIB = {20_000: 80.0, 1_000_000: 200.0}
_MOST_PROCESSOR_PERCENT = 0.1
_MOST_BEYOND_MS = 50.0


@dataclass(frozen=True, slots=True)
class _Life:
    """What one life of the daemon showed: two looks at its rest, with its memory before and after
    the pictures came, and these."""

    ready_seconds: float
    at_rest: tuple[Use, Use]
    memory: Memory
    arrivals: list[Arrival]
    arrivals_cpu_seconds: float
    memory_after: Memory


def measure(options: Options) -> list[Row]:
    """Start, rest and one new picture at the smallest and the largest size."""
    sizes = sorted({options.known_files[0], options.known_files[-1]})
    return [row for files in sizes for row in _at_size(files, options)]


def _at_size(files: int, options: Options) -> list[Row]:
    known = make_known(files, options.folder, show_count)
    clear(known.arrivals)
    contents = _pictures(_PICTURES * options.rounds)
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        household = household_of(known, Path(place))
        settle(known, household)
        analysis = median(analysis_seconds(Path(place), contents))
        say(f"{files} files: starting the daemon {options.rounds} times")
        starts = [_start_seconds(household) for _ in range(options.rounds - 1)]
        life = _live(household, files, known.arrivals, contents, options)
    return _rows(f"{files:,} files", files, life, [*starts, life.ready_seconds], analysis)


def _start_seconds(household: Household) -> float:
    with Daemon(household) as daemon:
        return daemon.ready_seconds


def _live(
    household: Household, files: int, folder: Path, contents: list[bytes], options: Options
) -> _Life:
    with Daemon(household) as daemon:
        say(f"{files} files: the first scan of the daemon")
        found = daemon.await_scan(_SCAN_SECONDS)["result"]
        if found["unchanged"] != files:
            raise SubjectError(f"the daemon's scan of what did not change said: {found}")
        say(f"{files} files: at rest")
        time.sleep(options.rest_seconds)
        memory, before = daemon.memory(), daemon.use()
        time.sleep(options.watched_seconds)
        after = daemon.use()
        say(f"{files} files: {len(contents)} new pictures")
        arrivals = one_by_one(daemon, folder, contents)
        worked = daemon.use().cpu_seconds - after.cpu_seconds
        time.sleep(options.rest_seconds)
        memory_after = daemon.memory()
        remove(daemon, arrivals)
        return _Life(daemon.ready_seconds, (before, after), memory, arrivals, worked, memory_after)


def _rows(
    size: str, files: int, life: _Life, starts: list[float], analysis_seconds: float
) -> list[Row]:
    before, after = life.at_rest
    seconds = after.at - before.at
    beyond = [(one.beyond(SETTLE_SECONDS) - analysis_seconds) * 1000 for one in life.arrivals]
    worked = life.arrivals_cpu_seconds / len(beyond) * 1000
    most_memory = _MOST_MEMORY_MIB.get(files)
    watched = f"watched for {seconds:.0f} s"
    return [
        median_row(
            SECTION,
            f"start to ready, {size}",
            starts,
            "s",
            target=_MOST_READY_SECONDS,
            curve="start to ready",
            files=files,
        ),
        *(
            Row(
                SECTION,
                f"memory of all processes{when}, {size}",
                memory.pss_bytes / _MIB,
                "MiB",
                target=most_memory,
                curve="" if when else "memory at rest",
                files=files,
                note=f"{memory.processes} processes, {memory.rss_bytes / _MIB:.0f} MiB resident",
            )
            for when, memory in (("", life.memory), (" after pictures came", life.memory_after))
        ),
        Row(
            SECTION,
            f"at rest, of one core, {size}",
            100 * (after.cpu_seconds - before.cpu_seconds) / seconds,
            "%",
            target=_MOST_PROCESSOR_PERCENT,
            note=watched,
        ),
        *(
            Row(SECTION, f"at rest, {words}, {size}", count / 1024, "KiB", target=0.0, note=watched)
            for words, count in (
                ("read from the disk", after.read_bytes - before.read_bytes),
                ("written to it", after.written_bytes - before.written_bytes),
            )
        ),
        median_row(
            SECTION,
            f"a new picture beyond settling and analysis, {size}",
            beyond,
            "ms",
            target=_MOST_BEYOND_MS,
            curve="a new picture, recorded",
            files=files,
            note=f"its analysis takes {analysis_seconds * 1000:.1f} ms, all of it "
            f"{worked:.0f} ms of processor time in all processes; the slowest of "
            f"{len(beyond)} {max(beyond):.0f} ms, the first {beyond[0]:.0f} ms",
        ),
    ]


def _pictures(count: int) -> list[bytes]:
    """Ones that no library holds, the same each time: their contents are forgotten with them."""
    found = []
    for number in range(_FIRST_PICTURE, _FIRST_PICTURE + count):
        stream = io.BytesIO()
        paint(number, (640, 480)).save(stream, "JPEG", quality=90)
        found.append(stream.getvalue())
    return found
