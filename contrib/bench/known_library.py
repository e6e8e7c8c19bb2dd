"""The section `known`: what looking again at a library that did not change takes, by its size."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from known import Known, make_known
from measuring import CommandError, Cost, children_seconds, cost_of
from opens import OpenCounter
from options import Options
from progress import say, show_count
from rows import Row, median_row
from running import Household
from subject import SubjectError

SECTION = "known"
HERE = Path(__file__).resolve().parent
SETTLE_SECONDS = 1.0
_QUICK_ROUNDS = 2
"""Times a round's measurements of what takes a moment only."""
_SCREEN_LINES = 40
_PROCESSOR = ": processor time"
_A_FILE = f"{_PROCESSOR} a file"
_BLOCK = 512
"""What the kernel counts writing in (getrusage(2), ru_oublock)."""

_MOST_WALKS = 3.0
_MOST_STATUS_SECONDS = 0.3
_MOST_GROWTH = 1.2
_MOST_WRITTEN_KIB = 64.0


def measure(options: Options) -> list[Row]:
    """Second scan, `status` and `duplicates` at each size."""
    rows: list[Row] = []
    for files in options.known_files:
        known = make_known(files, options.folder, show_count)
        with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
            household = household_of(known, Path(place))
            settle(known, household)
            rows += _second_scans(known, household, options.rounds)
            rows += _reads(known, household, _QUICK_ROUNDS * options.rounds)
    return [*rows, *_growths(rows, options.known_files)]


def household_of(known: Known, folder: Path) -> Household:
    """The installation of a made library; its config lies in `folder`."""
    household = Household(
        folder / "config.toml",
        known.database,
        (known.root,),
        settle_seconds=SETTLE_SECONDS,
    )
    household.write()
    return household


def settle(known: Known, household: Household) -> None:
    """A scan that is not measured: it brings an older store up to date, and the disk's folders into
    the memory. Raises SubjectError where the library is not known as it stands."""
    say(f"{known.files} files: a first look, which is not measured")
    _, found = _scan(household)
    if (found["files"], found["unchanged"]) != (known.files, known.files):
        raise SubjectError(f"{known.folder} is not as it was made; remove it: {found}")


def _second_scans(known: Known, household: Household, rounds: int) -> list[Row]:
    walk = [sys.executable, str(HERE / "bare_walk.py"), str(known.root)]
    costs: dict[str, list[Cost]] = {"bare walk": [], "second scan": []}
    written = []
    for number in range(rounds):
        say(f"{known.files} files: second scan, round {number + 1} of {rounds}")
        costs["bare walk"].append(cost_of(walk)[0])
        before = _written_bytes()
        costs["second scan"].append(_scan(household)[0])
        written.append((_written_bytes() - before) / 1024)
    with OpenCounter(known.root) as opened:
        _scan(household)
    size = f"{known.files:,} files"
    pairs = list(zip(costs["second scan"], costs["bare walk"], strict=True))
    return [
        *_cost_rows(size, costs),
        median_row(
            SECTION,
            f"second scan, {size}: wall clock beside a bare walk",
            [scan.wall_seconds / bare.wall_seconds for scan, bare in pairs],
            "x",
            target=_MOST_WALKS,
            kind="ratio",
        ),
        median_row(
            SECTION,
            f"second scan, {size}: processor time beside a bare walk",
            [scan.cpu_seconds / bare.cpu_seconds for scan, bare in pairs],
            "x",
            target=_MOST_WALKS,
            kind="ratio",
        ),
        median_row(
            SECTION,
            f"second scan, {size}: processor time a file",
            [scan.cpu_seconds * 1e3 / known.files for scan, _ in pairs],
            "ms a file",
            curve="second scan",
            files=known.files,
        ),
        Row(SECTION, f"second scan, {size}: files opened", float(opened.count), "", target=0.0),
        median_row(
            SECTION,
            f"second scan, {size}: written",
            written,
            "KiB",
            target=_MOST_WRITTEN_KIB,
            note="the note of the scan itself: its job, when it was",
        ),
    ]


def _cost_rows(size: str, costs: dict[str, list[Cost]]) -> list[Row]:
    rows = []
    for name, found in costs.items():
        values = {
            ("wall", "s"): [cost.wall_seconds for cost in found],
            ("processor", "s"): [cost.cpu_seconds for cost in found],
            ("proportional", "MiB"): [cost.pss_bytes / (1 << 20) for cost in found],
        }
        rows += [
            median_row(SECTION, what, rounds, unit, subject=f"{name}, {size}")
            for (what, unit), rounds in values.items()
        ]
    return rows


def _reads(known: Known, household: Household, rounds: int) -> list[Row]:
    """`status`, and the first screen of `duplicates` as somebody who pages through it has it."""
    say(f"{known.files} files: status, duplicates")
    size = f"{known.files:,} files"
    found = {
        "status": [_times(cost_of(household.command("status"))[0]) for _ in range(rounds)],
        "duplicates": [_first_screen(household.command("duplicates")) for _ in range(rounds)],
    }
    targets = {"status": _MOST_STATUS_SECONDS}
    rows = []
    for name, times in found.items():
        rows += [
            median_row(
                SECTION,
                f"{name}, {size}",
                [wall for wall, _ in times],
                "s",
                target=targets.get(name),
                curve=name,
                files=known.files,
            ),
            median_row(SECTION, f"{name}, {size}{_PROCESSOR}", [cpu for _, cpu in times], "s"),
        ]
    return rows


def _times(cost: Cost) -> tuple[float, float]:
    return cost.wall_seconds, cost.cpu_seconds


def _first_screen(command: Sequence[str]) -> tuple[float, float]:
    """Seconds until as many lines are there as a screen holds, and of processor time; the rest is
    not asked for."""
    before, started = children_seconds(), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(_SCREEN_LINES)]
        seconds = time.perf_counter() - started
        process.stdout.close()
    if not lines[0]:
        raise SubjectError(f"{' '.join(command)} showed nothing")
    return seconds, children_seconds() - before


def _growths(rows: Sequence[Row], sizes: Sequence[int]) -> list[Row]:
    """How the processor time changes from the smallest library to the largest: that of a file for
    the scan, all of it for what should not depend on their number. As it is: 1."""
    if len(sizes) < 2:
        return []
    figures = {row.what: row.measured for row in rows}
    found = []
    for name in ("second scan", "status", "duplicates"):
        what = _A_FILE if name == "second scan" else _PROCESSOR
        small, large = (figures[f"{name}, {size:,} files{what}"] for size in (sizes[0], sizes[-1]))
        if not small or large is None:
            continue
        found.append(
            Row(
                SECTION,
                f"growth of {name}{' a file' if what is _A_FILE else ''}, "
                f"{sizes[0]:,} to {sizes[-1]:,} files",
                large / small,
                "x",
                target=_MOST_GROWTH,
                kind="ratio",
            )
        )
    return [*found, _further_files(rows, sizes)]


def _further_files(rows: Sequence[Row], sizes: Sequence[int]) -> Row:
    """What the files of the largest library take beyond those of the smallest: no start in it."""
    processor = {row.subject: row.measured or 0.0 for row in rows if row.what == "processor"}
    scan, walk = (
        processor[f"{name}, {sizes[-1]:,} files"] - processor[f"{name}, {sizes[0]:,} files"]
        for name in ("second scan", "bare walk")
    )
    return Row(
        SECTION,
        f"second scan, the files beyond {sizes[0]:,}: processor time beside a bare walk",
        scan / walk if walk > 0 else None,
        "x",
        target=_MOST_WALKS,
        kind="ratio",
        note="without what a start takes",
    )


def _scan(household: Household) -> tuple[Cost, dict[str, object]]:
    cost, output = cost_of(household.command("scan", "--json"))
    found = json.loads(output)
    if found["added"] or found["changed"] or found["failed"] or found["problems"]:
        raise CommandError(f"a scan of what did not change said: {output}")
    return cost, found


def _written_bytes() -> int:
    """What all commands so far have given the disk to write, by the kernel's count."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock * _BLOCK
