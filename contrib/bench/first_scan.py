"""The sections `first-large` and `first-many`: everything about each picture, beside the floor."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from corpus import LARGE, MANY, Corpus, prepared
from measuring import Cost, cost_of
from options import Options
from progress import say
from rows import Row, median_row
from subject import Subject

HERE = Path(__file__).resolve().parent
_MIB = 1 << 20
_MOST_MEMORY_MIB = 260
"""The target for all processes of a first scan with two workers."""


def large(options: Options) -> list[Row]:
    """500 pictures of 12 megapixels."""
    return _measure("first-large", LARGE, options, target=1.35)


def many(options: Options) -> list[Row]:
    """20,000 small ones: little to decode, much to record."""
    return _measure("first-many", MANY, options, target=1.6)


def _measure(section: str, usual: Corpus, options: Options, target: float) -> list[Row]:
    corpus, root = prepared(usual, options)
    floor = [sys.executable, str(HERE / "floor.py"), str(root), str(options.processes)]
    costs: dict[str, list[Cost]] = {"floor": [], "twinlens": []}
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        subject = Subject(root, Path(place), options.processes, corpus.pictures)
        for number in range(options.rounds):
            say(f"{section}: round {number + 1} of {options.rounds}")
            costs["floor"].append(cost_of(floor)[0])
            subject.forget()
            costs["twinlens"].append(subject.scan(is_first=True))
    rows = [row for name, found in costs.items() for row in cost_rows(section, name, found)]
    memory = [cost.pss_bytes / _MIB for cost in costs["twinlens"]]
    milliseconds = [cost.cpu_seconds * 1000 / corpus.pictures for cost in costs["twinlens"]]
    return [
        *rows,
        ratio(section, "wall clock, beside the floor", costs, _wall, target),
        ratio(section, "processor time, beside the floor", costs, _cpu, target),
        median_row(
            section, "memory of all processes", memory, "MiB", target=float(_MOST_MEMORY_MIB)
        ),
        median_row(
            section,
            "processor time a picture",
            milliseconds,
            "ms",
            curve=f"first scan, {section.partition('-')[2]}",
            files=corpus.pictures,
        ),
    ]


def ratio(
    section: str,
    what: str,
    costs: dict[str, list[Cost]],
    value: Callable[[Cost], float],
    target: float,
) -> Row:
    """How many times the floor twinlens takes: the median of the rounds' own ratios.

    Floor and scan of a round run one after the other, so what else the machine does hits both.
    """
    pairs = zip(costs["twinlens"], costs["floor"], strict=True)
    rounds = [value(scan) / value(floor) for scan, floor in pairs]
    return median_row(section, what, rounds, "x", target=target, kind="ratio")


def cost_rows(section: str, subject: str, costs: list[Cost]) -> list[Row]:
    """One line of the section's table: what a program took."""
    values = {
        ("wall", "s"): [cost.wall_seconds for cost in costs],
        ("processor", "s"): [cost.cpu_seconds for cost in costs],
        ("resident", "MiB"): [cost.rss_bytes / _MIB for cost in costs],
        ("proportional", "MiB"): [cost.pss_bytes / _MIB for cost in costs],
        ("others", "cores"): [cost.others_cores for cost in costs],
    }
    return [
        median_row(section, what, rounds, unit, subject=subject)
        for (what, unit), rounds in values.items()
    ]


def _wall(cost: Cost) -> float:
    return cost.wall_seconds


def _cpu(cost: Cost) -> float:
    return cost.cpu_seconds
