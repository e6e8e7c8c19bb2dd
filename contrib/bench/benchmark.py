"""Measures twinlens: the command behind `contrib/bench/run`."""

import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import bounded
import report
from measuring import CommandError, adopt_orphans
from options import Options, Request, request_of
from page import PageError, write_page
from progress import say
from report import Measured
from rows import Row
from sections import SECTIONS, Section
from subject import SubjectError

_CHECK = "The small form, beside what was recorded"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, print it; the exit code is 1 where a section could not be."""
    request = request_of(arguments, [section.name for section in SECTIONS])
    adopt_orphans()
    # As an interrupt does, so that folders for the moment are removed and daemons ended.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        if request.bounds is not None:
            return _check(request.options, request.bounds)
        if request.shown is not None:
            known = report.read(request.shown)
            for measured in known.values():
                print(report.as_text(measured), end="\n\n")
            return _written(request, known)
    except (CommandError, SubjectError, OSError, ValueError) as error:
        say(f"error: {error}")
        return 1
    return _measure(request)


def _measure(request: Request) -> int:
    known = report.read(request.json) if request.json and request.json.exists() else {}
    failed = []
    for section in (one for one in SECTIONS if one.name in request.sections):
        try:
            known[section.name] = _measured(section, request.options)
        except (CommandError, SubjectError) as error:
            say(f"error: {section.name}: {error}")
            failed.append(section.name)
            continue
        print(report.as_text(known[section.name]), end="\n\n", flush=True)
        known = {one.name: known[one.name] for one in SECTIONS if one.name in known}
        if request.json:
            # At once: a run takes long, and what is measured should survive its end.
            report.write(request.json, known)
    return 1 if failed else _written(request, known)


def _written(request: Request, known: dict[str, Measured]) -> int:
    if request.page is None:
        return 0
    try:
        write_page(request.page, list(known.values()))
    except PageError as error:
        say(f"error: {error}")
        return 1
    return 0


def _check(options: Options, bounds: Path) -> int:
    """1 where a ratio is out of its bound."""
    measure: Callable[[Options], list[Row]] = partial(bounded.measure, bounds=bounds)
    measured = _measured(Section(bounded.SECTION, _CHECK, measure), options)
    print(report.as_text(measured))
    return 0 if all(row.is_met for row in measured.rows) else 1


def _measured(section: Section, options: Options) -> Measured:
    say(f"{section.name}: {section.title}")
    rows = tuple(section.measure(options))
    taken = datetime.now(UTC).isoformat(timespec="minutes")
    return Measured(section.name, section.title, taken, _machine(), rows)


def _machine() -> str:
    """The processor, its cores, and the Python."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    name = names[0] if names else platform.machine()
    return f"{name}, {cores} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
