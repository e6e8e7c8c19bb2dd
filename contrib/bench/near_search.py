"""The section `near`: one search among all known pictures, and grouping all of them anew."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from known import make_known
from known_library import household_of, settle
from measuring import Cost, CostlyError, cost_of
from options import Options
from progress import say, show_count
from rows import Row, median_row
from running import Household
from subject import SubjectError
from twinlens.ingest.rebuild import DETECT_BURSTS, DETECT_DUPLICATES, VERDICT_RULES
from twinlens.store import meta
from twinlens.store.database import Database

SECTION = "near"
HERE = Path(__file__).resolve().parent
_MIB = 1 << 20
_SEARCHES = 300
_PASSES = (DETECT_BURSTS, DETECT_DUPLICATES)
_GIVEN_UP_SECONDS = 1800.0

_MOST_MILLISECONDS = 10.0
_MOST_REBUILD_SECONDS = 120.0
_MOST_REBUILD_MIB = 1024.0


def measure(options: Options) -> list[Row]:
    """At the smallest and the largest size; all pairs are judged anew at the smallest alone: each
    picture is compared with those near it, and these grow in number, too."""
    rows: list[Row] = []
    for files in sorted({options.known_files[0], options.known_files[-1]}):
        known = make_known(files, options.folder, show_count)
        with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
            household = household_of(known, Path(place))
            settle(known, household)
            rows += _searches(files, known.database)
            say(f"{files} files: all groups anew")
            try:
                costs = [_pass(household, name) for name in _PASSES]
            except CostlyError as error:
                rows.append(_given_up(files, error))
            else:
                rows += _rebuilt(files, costs)
            if files == options.known_files[0]:
                rows.append(_judged_anew(files, known.database, household))
    return rows


def _pass(household: Household, name: str) -> Cost:
    return cost_of(household.command("jobs", "start", name), within_seconds=_GIVEN_UP_SECONDS)[0]


def _searches(files: int, database: Path) -> list[Row]:
    say(f"{files} files: {_SEARCHES} searches")
    script = [sys.executable, str(HERE / "searching.py"), str(database), str(_SEARCHES)]
    found = json.loads(cost_of(script)[1])
    if not found["milliseconds"]:
        raise SubjectError(f"{database} holds no lookalikes")
    size = f"{found['pictures']:,} pictures"
    worked = float(np.median(found["processor_milliseconds"]))
    late = float(np.percentile(found["milliseconds"], 99))
    return [
        median_row(
            SECTION,
            f"one search, 8 orientations and all windows, {size}",
            found["milliseconds"],
            "ms",
            target=_MOST_MILLISECONDS,
            curve="a search for lookalikes",
            files=files,
            note=f"99th percentile {late:.1f} ms; {worked:.1f} ms of processor time",
        ),
        Row(
            SECTION,
            f"lookalikes not found, {size}",
            float(found["missed"]),
            "",
            target=0.0,
            note=f"of {len(found['milliseconds'])}",
        ),
        Row(SECTION, f"loading the index, {size}", found["load_seconds"], "s"),
        Row(SECTION, f"memory of the index, {size}", found["index_bytes"] / _MIB, "MiB"),
    ]


def _rebuilt(files: int, costs: list[Cost]) -> list[Row]:
    parts = ", ".join(
        f"{name} {cost.cpu_seconds:.0f} s of processor time"
        for name, cost in zip(_PASSES, costs, strict=True)
    )
    return [
        Row(
            SECTION,
            f"all groups anew, {files:,} files",
            sum(cost.wall_seconds for cost in costs),
            "s",
            target=_MOST_REBUILD_SECONDS,
            curve="all groups anew",
            files=files,
            note=parts,
        ),
        Row(
            SECTION,
            f"memory meanwhile, {files:,} files",
            max(cost.pss_bytes for cost in costs) / _MIB,
            "MiB",
            target=_MOST_REBUILD_MIB,
        ),
    ]


def _judged_anew(files: int, path: Path, household: Household) -> Row:
    """As after an update that changed the rules: no verdict counts any more."""
    database = Database(path)
    with database.connected(), database.peewee.atomic():
        meta.write(VERDICT_RULES, "those of another version")
    cost = cost_of(household.command("jobs", "start", DETECT_DUPLICATES))[0]
    return Row(
        SECTION,
        f"all pairs judged anew, {files:,} files",
        cost.wall_seconds,
        "s",
        note=f"{cost.cpu_seconds / files * 1000:.1f} ms of processor time a picture",
    )


def _given_up(files: int, error: CostlyError) -> Row:
    return Row(
        SECTION,
        f"all groups anew, {files:,} files",
        None,
        "s",
        target=_MOST_REBUILD_SECONDS,
        note=str(error),
    )
