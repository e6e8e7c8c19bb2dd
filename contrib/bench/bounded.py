"""The small form of the benchmark: ratios that must not get worse than recorded by half.

Processor times only: they say the same on a machine that has other things to do.
"""

import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from corpus import LARGE, MANY, prepared
from first_scan import floor_command
from measuring import cost_of
from options import Options
from progress import say
from rows import Row
from subject import Subject

SECTION = "check"
_ROOM = 1.5
"""How many times its bound a ratio may be: less than a change for the worse, more than chance."""
_CORPORA = {"many": MANY, "large": LARGE}


def measure(options: Options, bounds: Path) -> list[Row]:
    """A row for each bound of the file: (name of a corpus or `start`) to ratio, pictures, size."""
    recorded = tomllib.loads(bounds.read_text(encoding="utf-8"))
    rows = []
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        for name, bound in recorded.items():
            say(f"{SECTION}: {name}")
            root = Path(place) / "empty"
            root.mkdir(exist_ok=True)
            if name in _CORPORA:
                shape = replace(options, pictures=bound["pictures"], size=tuple(bound["size"]))
                _, root = prepared(_CORPORA[name], shape)
            rounds = tuple(_ratios(root, bound["pictures"], Path(place) / "twinlens", options))
            rows.append(
                Row(
                    SECTION,
                    f"{name}: processor time, beside the floor",
                    median(rounds),
                    "x",
                    target=_ROOM * bound["ratio"],
                    note=f"recorded: {bound['ratio']}",
                    kind="ratio",
                    rounds=rounds,
                )
            )
    return rows


def _ratios(root: Path, pictures: int, place: Path, options: Options) -> Iterator[float]:
    subject = Subject([root], place, options.processes, pictures)
    for _ in range(options.rounds):
        floor, _ = cost_of(floor_command([root], options.processes))
        subject.forget()
        yield subject.scan(is_first=True).cpu_seconds / floor.cpu_seconds
