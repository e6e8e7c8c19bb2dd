"""The section `resident`: the daemon of a library that is known, from its start to its rest, and
one new picture."""

import io
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from PIL import Image

from arriving import Arrival, analysis_seconds, clear, one_by_one, remove
from corpus import camera_jpeg
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
"""A round, of each sort."""
_NEW = "a new picture"
_UNDATED = "one that no camera dated"
"""All of its neighbours by chance have to be looked at; of a photograph, most are of another time
or camera."""
_TAKEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
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
    arrivals: Mapping[str, "_Arrivals"]
    memory_after: Memory


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """Pictures of one sort, and the processor time of the daemon for all of them."""

    found: list[Arrival]
    cpu_seconds: float


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
        analysis = {
            sort: median(analysis_seconds(Path(place), some)) for sort, some in contents.items()
        }
        say(f"{files} files: starting the daemon {options.rounds} times")
        starts = [_start_seconds(household) for _ in range(options.rounds - 1)]
        life = _live(household, files, known.arrivals, contents, options)
    return _rows(f"{files:,} files", files, life, [*starts, life.ready_seconds], analysis)


def _start_seconds(household: Household) -> float:
    with Daemon(household) as daemon:
        return daemon.ready_seconds


def _live(
    household: Household,
    files: int,
    folder: Path,
    contents: Mapping[str, list[bytes]],
    options: Options,
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
        came = {}
        for sort, some in contents.items():
            say(f"{files} files: {len(some)} times {sort}")
            worked = daemon.use().cpu_seconds
            found = one_by_one(daemon, folder, some)
            came[sort] = _Arrivals(found, daemon.use().cpu_seconds - worked)
        time.sleep(options.rest_seconds)
        memory_after = daemon.memory()
        remove(daemon, [one for arrivals in came.values() for one in arrivals.found])
        return _Life(daemon.ready_seconds, (before, after), memory, came, memory_after)


def _rows(
    size: str,
    files: int,
    life: _Life,
    starts: list[float],
    analysis_seconds: Mapping[str, float],
) -> list[Row]:
    before, after = life.at_rest
    seconds = after.at - before.at
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
        *(
            _row_of(sort, size, files, arrivals, analysis_seconds[sort])
            for sort, arrivals in life.arrivals.items()
        ),
    ]


def _row_of(sort: str, size: str, files: int, arrivals: _Arrivals, analysis_seconds: float) -> Row:
    beyond = [(one.beyond(SETTLE_SECONDS) - analysis_seconds) * 1000 for one in arrivals.found]
    worked = arrivals.cpu_seconds / len(beyond) * 1000
    return median_row(
        SECTION,
        f"{sort} beyond settling and analysis, {size}",
        beyond,
        "ms",
        target=_MOST_BEYOND_MS,
        curve=f"{_NEW}, recorded" if sort == _NEW else "",
        files=files,
        note=f"its analysis takes {analysis_seconds * 1000:.1f} ms, all of it "
        f"{worked:.0f} ms of processor time in all processes; the slowest of "
        f"{len(beyond)} {max(beyond):.0f} ms, the first {beyond[0]:.0f} ms",
    )


def _pictures(count: int) -> dict[str, list[bytes]]:
    """Of each sort ones that no library holds, the same each time: their contents are forgotten
    with them."""
    painted = [paint(_FIRST_PICTURE + number, (640, 480)) for number in range(2 * count)]
    dated = [
        camera_jpeg(one, _TAKEN + timedelta(hours=number))
        for number, one in enumerate(painted[:count])
    ]
    return {_NEW: dated, _UNDATED: list(_without_metadata(painted[count:]))}


def _without_metadata(pictures: Iterable[Image.Image]) -> Iterator[bytes]:
    for picture in pictures:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=90)
        yield stream.getvalue()
