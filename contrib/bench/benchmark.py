"""Measures twinlens against the floor: the command behind `contrib/bench/run`."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corpus import LARGE, MANY, Corpus, make
from measuring import CommandError, adopt_orphans, cost_of
from report import Result, Round
from subject import Subject, SubjectError

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CORPORA = {"large": (LARGE,), "many": (MANY,), "both": (LARGE, MANY)}
_READ_AT_ONCE = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the corpora, measure, print; returns the exit code."""
    options = _options(arguments)
    adopt_orphans()
    results = []
    try:
        for usual in CORPORA[options.corpus]:
            pictures, size = options.pictures or usual.pictures, options.size or usual.size
            results.append(_measure(replace(usual, pictures=pictures, size=size), options))
            print(results[-1].as_text(), end="\n\n", flush=True)
    except (CommandError, SubjectError) as error:
        _say(f"error: {error}")
        return 1
    if options.json:
        text = json.dumps([result.as_json() for result in results], indent=2)
        options.json.write_text(text + "\n")
    return 0


def _measure(corpus: Corpus, options: argparse.Namespace) -> Result:
    _say(f"{corpus.label}: making the pictures, unless they are there")
    root = make(corpus, options.folder, os.cpu_count() or 1, _show_progress)
    _say(f"{corpus.label}: reading them once, so that the disk plays no part")
    size = _read_all(root)
    floor = [sys.executable, str(HERE / "floor.py"), str(root), str(options.processes)]
    rounds = []
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        subject = Subject(root, Path(place), options.processes, corpus.pictures)
        for number in range(options.rounds):
            _say(f"{corpus.label}: round {number + 1} of {options.rounds}")
            floor_cost, _ = cost_of(floor)
            subject.forget()
            scan = subject.scan(is_first=True)
            rounds.append(Round(floor_cost, scan, subject.scan(is_first=False)))
        idle = None
        if options.idle_seconds > 0:
            _say(f"{corpus.label}: the daemon, first at work and then at rest")
            subject.forget()
            idle = subject.idle(options.idle_seconds, options.watched_seconds)
    return Result(corpus.label, corpus.pictures, size, options.processes, tuple(rounds), idle)


def _read_all(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as stream:
                while chunk := stream.read(_READ_AT_ONCE):
                    total += len(chunk)
    return total


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="contrib/bench/run",
        description="Measures a scan against a bare loop that reads, hashes and decodes only.",
    )
    parser.add_argument("--corpus", choices=CORPORA, default="both", help="which pictures")
    parser.add_argument("--pictures", type=_positive, metavar="N", help="how many instead")
    parser.add_argument("--size", type=_size, metavar="WIDTHxHEIGHT", help="how large instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument(
        "--folder",
        type=Path,
        default=REPOSITORY / ".run" / "bench",
        help="where the pictures are kept for the next time (4 GB; default .run/bench)",
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="default 3")
    parser.add_argument(
        "--processes",
        type=_positive,
        default=min(len(os.sched_getaffinity(0)), 4),
        help="of the floor and of twinlens alike; default as many as twinlens would take",
    )
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=70,
        help="how long the daemon rests before it is looked at; 0: not at all; default 70, so "
        "that it has given its workers back",
    )
    parser.add_argument(
        "--watched-seconds", type=float, default=30, help="how long it is looked at; default 30"
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 64 and int(height) >= 64):
        raise argparse.ArgumentTypeError("must be WIDTHxHEIGHT, each 64 or more")
    return int(width), int(height)


def _show_progress(done: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r   {done} made")


def _say(words: str) -> None:
    prefix = "\r" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{prefix}== {words}\n")


if __name__ == "__main__":
    sys.exit(main())
