"""The sections `first-large` and `first-many`: everything about each picture, beside the floor.

And `hash-only`, without the analysis of pictures, beside a floor that takes SHA-256 and no more.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from corpus import LARGE, MANY, Corpus, prepared
from costs import MIB, cost_rows, cpu, ratio, wall
from measuring import Cost, cost_of
from options import Options
from progress import say
from rows import Row, median_row
from subject import Subject

HERE = Path(__file__).resolve().parent
_MOST_MEMORY_MIB = 260.0
"""The target for all processes of a first scan with two workers."""


def large(options: Options) -> list[Row]:
    """500 pictures of 12 megapixels."""
    return _measure("first-large", LARGE, options, target=1.35)


def many(options: Options) -> list[Row]:
    """20,000 small ones: little to decode, much to record."""
    return _measure("first-many", MANY, options, target=1.6)


def without_pictures(options: Options) -> list[Row]:
    """The large ones with the analysis of pictures switched off: equal bytes and metadata only."""
    off = "[similarity]\nenabled = false\n"
    return _measure("hash-only", LARGE, options, target=1.1, more=off, floor_does="hash")


def floor_command(roots: Sequence[Path], processes: int, does: str = "look") -> list[str]:
    """The bare loop over some folders; see floor.py for what it can do with each file."""
    return [sys.executable, str(HERE / "floor.py"), does, str(processes), *map(str, roots)]


def _measure(
    section: str,
    usual: Corpus,
    options: Options,
    *,
    target: float,
    more: str = "",
    floor_does: str = "look",
) -> list[Row]:
    corpus, root = prepared(usual, options)
    floor = floor_command([root], options.processes, floor_does)
    costs: dict[str, list[Cost]] = {"floor": [], "of nothing": [], "twinlens": []}
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        subject = Subject([root], Path(place) / "full", options.processes, corpus.pictures, more)
        nothing = Path(place) / "nothing"
        nothing.mkdir()
        start = Subject([nothing], Path(place) / "empty", options.processes, 0, more)
        for number in range(options.rounds):
            say(f"{section}: round {number + 1} of {options.rounds}")
            costs["floor"].append(cost_of(floor)[0])
            for one in (start, subject):
                one.forget()
            costs["of nothing"].append(start.scan(is_first=True))
            costs["twinlens"].append(subject.scan(is_first=True))
    memory = [cost.pss_bytes / MIB for cost in costs["twinlens"]]
    milliseconds = [cost.cpu_seconds * 1000 / corpus.pictures for cost in costs["twinlens"]]
    names = {"of nothing": "twinlens, an empty folder"}
    without_start = [
        (cpu(scan) - cpu(empty)) / cpu(bare)
        for bare, empty, scan in zip(*costs.values(), strict=True)
    ]
    return [
        *(
            row
            for name, found in costs.items()
            for row in cost_rows(section, names.get(name, name), found)
        ),
        ratio(section, "wall clock, beside the floor", costs, wall, target),
        ratio(section, "processor time, beside the floor", costs, cpu, target),
        median_row(section, "the same, its start left out", without_start, "x", kind="ratio"),
        median_row(section, "memory of all processes", memory, "MiB", target=_MOST_MEMORY_MIB),
        median_row(section, "processor time a picture", milliseconds, "ms"),
    ]
