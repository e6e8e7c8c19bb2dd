"""What the benchmark is asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BOUNDS = Path(__file__).resolve().parent / "bounds.toml"


@dataclass(frozen=True, slots=True)
class Options:
    """What all sections are handed. `pictures` and `size` stand in for those of every corpus."""

    folder: Path
    """Where corpora are kept for the next time."""
    rounds: int
    peer_rounds: int
    """Of the other programs, which take long."""
    processes: int
    """Of the floor and of twinlens alike."""
    pictures: int | None
    size: tuple[int, int] | None
    known_files: tuple[int, ...]
    """The sizes of the libraries that are known already, ascending."""
    peers_python: Path
    """The Python that has the peers' packages."""
    rest_seconds: float
    """How long a daemon rests before it is looked at."""
    watched_seconds: float
    """How long it is looked at."""


@dataclass(frozen=True, slots=True)
class Request:
    """The whole command line: which sections, how, and where the numbers go."""

    sections: tuple[str, ...]
    options: Options
    json: Path | None
    shown: Path | None
    """A file of an earlier run: print it and measure nothing."""
    bounds: Path | None
    """What to check the small form against, instead of all that."""
    page: Path | None
    """The page that gets the table and the plot."""


def request_of(arguments: Sequence[str] | None, sections: Sequence[str]) -> Request:
    """Read the command line; ends the program where it cannot be understood."""
    parser = _parser(sections)
    given = parser.parse_args(arguments)
    asked = given.only.split(",") if given.only else list(sections)
    for name in asked:
        if name not in sections:
            parser.error(f"there is no section {name!r}; known: {', '.join(sections)}")
    options = Options(
        folder=given.folder,
        rounds=given.rounds,
        peer_rounds=given.peer_rounds,
        processes=given.processes,
        pictures=given.pictures,
        size=given.size,
        known_files=given.files,
        peers_python=given.peers_python,
        rest_seconds=given.rest_seconds,
        watched_seconds=given.watched_seconds,
    )
    # In the table's order, whatever the order they were named in.
    chosen = tuple(name for name in sections if name in asked)
    bounds = given.bounds if given.check else None
    return Request(chosen, options, given.json, given.shown, bounds, given.write)


def _parser(sections: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contrib/bench/run",
        description="Measures twinlens beside a bare loop and beside other programs.",
        epilog=f"Sections: {', '.join(sections)}.",
    )
    add = parser.add_argument
    add("--only", metavar="SECTION,…", help="measure these sections; default: all")
    add(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the numbers there; sections that are in it and not measured now stay in it",
    )
    add("--from", dest="shown", type=Path, metavar="FILE", help="print FILE, measure nothing")
    add(
        "--write",
        type=Path,
        metavar="PAGE",
        help="put the table between the page's markers, and the plot into a file beside it",
    )
    add(
        "--check",
        action="store_true",
        help="a minute's small form: ends with 1 where a ratio is worse than its bound by half",
    )
    add("--bounds", type=Path, default=BOUNDS, metavar="FILE", help="what --check goes by")
    add(
        "--folder",
        type=Path,
        default=REPOSITORY / ".run" / "bench",
        help="where the corpora are kept for the next time; default .run/bench",
    )
    add(
        "--rounds",
        type=_positive,
        metavar="N",
        default=3,
        help="how often floor and scan take turns; default 3",
    )
    add(
        "--peer-rounds",
        type=_positive,
        metavar="N",
        default=1,
        help="how often the other programs run; default 1",
    )
    add(
        "--processes",
        type=_positive,
        metavar="N",
        default=min(len(os.sched_getaffinity(0)), 4),
        help="of the floor and of twinlens alike; default as many as twinlens would take",
    )
    add("--pictures", type=_positive, metavar="N", help="how many in each corpus instead")
    add("--size", type=_size, metavar="WIDTHxHEIGHT", help="how large instead")
    add(
        "--files",
        type=_file_counts,
        default=(20_000, 100_000, 1_000_000),
        metavar="N,…",
        help="how many files the libraries hold that are known already, each a multiple of 200; "
        "default 20000,100000,1000000",
    )
    add(
        "--peers-python",
        type=Path,
        default=Path(sys.executable),
        metavar="FILE",
        help="the Python that has czkawka, imagededup and difPy; default: the bench's own",
    )
    add(
        "--rest-seconds",
        type=float,
        default=70,
        help="how long a daemon rests before it is looked at; default 70, so that it has given "
        "its workers back",
    )
    add("--watched-seconds", type=float, default=30, help="how long it is looked at; default 30")
    return parser


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return number


def _file_counts(text: str) -> tuple[int, ...]:
    counts = {_positive(part) for part in text.split(",")}
    if any(count % 200 for count in counts):
        raise argparse.ArgumentTypeError("must be multiples of 200")
    return tuple(sorted(counts))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 64 and int(height) >= 64):
        raise argparse.ArgumentTypeError("must be WIDTHxHEIGHT, each 64 or more")
    return int(width), int(height)
