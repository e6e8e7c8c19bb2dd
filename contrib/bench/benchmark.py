"""Measures twinlens: the command behind `contrib/bench/run`."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import report
from measuring import CommandError, adopt_orphans
from options import Options, request_of
from progress import say
from report import Measured
from sections import SECTIONS, Section
from subject import SubjectError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, print it; the exit code is 1 where a section could not be."""
    request = request_of(arguments, [section.name for section in SECTIONS])
    if request.shown is not None:
        for measured in report.read(request.shown).values():
            print(report.as_text(measured), end="\n\n")
        return 0
    adopt_orphans()
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
        if request.json:
            # At once: a run takes long, and what is measured should survive its end.
            order = [one.name for one in SECTIONS if one.name in known]
            report.write(request.json, {name: known[name] for name in order})
    return 1 if failed else 0


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
