"""The section `dirty`: 2,000 small pictures, twenty hostile files, and the ones among the others.

What the mixture costs is held against the sum of its parts, so that a hostile file may be dear by
itself but must not slow down or change what stands beside it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from corpus import MANY, prepared, read_all
from costs import MIB, cost_rows, cpu
from hostile import VERSION, write_hostile
from measuring import Cost
from options import Options
from progress import say
from rows import Row, median_row
from subject import Subject

SECTION = "dirty"
AMONG = replace(MANY, name="plain", pictures=2_000, version=1, copied=0.0, re_encoded=0.0)
_DEADLINE_SECONDS = 10
_ENDLESS = 1
"""How many of the hostile files keep a decoder busy until it is stopped."""


def measure(options: Options) -> list[Row]:
    """Scan the good ones, the hostile ones and all of them, in turns."""
    corpus, plain = prepared(AMONG, options)
    hostile, mixed = lay_among(plain, options.folder / f"dirty-{corpus.label}-v{VERSION}")
    costs: dict[str, list[Cost]] = {"good": [], "hostile": [], "good and hostile": []}
    known: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        for number in range(options.rounds):
            say(f"{SECTION}: round {number + 1} of {options.rounds}")
            for name, root in zip(costs, (plain, hostile, mixed), strict=True):
                files = sum(len(names) for _, _, names in os.walk(root))
                subject = Subject(
                    [root],
                    Path(place),
                    options.processes,
                    files,
                    f"file_seconds = {_DEADLINE_SECONDS}\n",
                )
                subject.forget()
                costs[name].append(subject.scan(is_first=True, may_fail=root is not plain))
                known[name] = dict(_measurements(subject, root))
    same = sum(known["good and hostile"].get(path) == said for path, said in known["good"].items())
    return [
        *(row for name, found in costs.items() for row in cost_rows(SECTION, name, found)),
        _beside_its_parts(costs),
        _longest_wait(costs),
        Row(
            SECTION,
            "good pictures told of as if they were alone",
            100 * same / len(known["good"]),
            "%",
            100,
            is_floor=True,
        ),
        median_row(
            SECTION,
            "memory of all processes, the hostile among the others",
            [cost.pss_bytes / MIB for cost in costs["good and hostile"]],
            "MiB",
        ),
    ]


def lay_among(plain: Path, place: Path) -> tuple[Path, Path]:
    """A folder of the hostile files alone, and a tree where they lie among the good ones, all of
    them hard links: made below `place` unless they are there.
    """
    hostile, mixed = place / "hostile", place / "mixed"
    if not (place / "finished").exists():
        shutil.rmtree(place, ignore_errors=True)
        pictures = sorted(path for path in plain.rglob("*") if path.is_file())
        paths = write_hostile(hostile, pictures[0].read_bytes())
        shutil.copytree(plain, mixed, copy_function=os.link)
        folders = sorted(path for path in (mixed / "DCIM").iterdir() if path.is_dir())
        for path, folder in zip(paths, cycle(folders), strict=False):
            os.link(path, folder / path.name)
        (place / "finished").touch()
    read_all(place)
    return hostile, mixed


def _measurements(subject: Subject, root: Path) -> Iterator[tuple[str, object]]:
    """What twinlens knows of each file by its path below the root."""
    for file in subject.files():
        yield (
            str(file["path"]).removeprefix(f"{root}/"),
            [file[name] for name in ("sha256", "phash", "taken_at", "quality_score", "error")],
        )


def _beside_its_parts(costs: dict[str, list[Cost]]) -> Row:
    rounds = [
        cpu(mixed) / (cpu(good) + cpu(hostile))
        for good, hostile, mixed in zip(*costs.values(), strict=True)
    ]
    return median_row(
        SECTION,
        "processor time, beside the sum of the parts",
        rounds,
        "x",
        target=1.1,
        kind="ratio",
    )


def _longest_wait(costs: dict[str, list[Cost]]) -> Row:
    rounds = [
        mixed.wall_seconds - good.wall_seconds
        for good, mixed in zip(costs["good"], costs["good and hostile"], strict=True)
    ]
    return median_row(
        SECTION,
        "wall clock that the hostile files add",
        rounds,
        "s",
        target=float(_DEADLINE_SECONDS * _ENDLESS),
        note=f"deadline {_DEADLINE_SECONDS} s (default 120); the endless one is tried with others, "
        "alone, and twice from the queue",
    )
