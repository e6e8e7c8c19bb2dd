"""The section `growth`: a first scan of more and more pictures, one round each, for the plot."""

import tempfile
from pathlib import Path

from corpus import A_FOLDER, MANY, prepared
from first_scan import floor_command
from measuring import Cost, cost_of
from options import Options
from progress import say
from rows import Row
from subject import Subject

SECTION = "growth"
_STEPS = (500, 2_000, 5_000, 20_000)


def measure(options: Options) -> list[Row]:
    """Processor time of twinlens and of the floor over the first folders of the small pictures."""
    corpus, root = prepared(MANY, options)
    folders = sorted((root / "DCIM").iterdir())
    rows = []
    for files in [step for step in _STEPS if step <= corpus.pictures] or [corpus.pictures]:
        chosen = folders[: -(-files // A_FOLDER)]
        say(f"{SECTION}: {files} pictures")
        floor = cost_of(floor_command(chosen, options.processes))[0]
        with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
            subject = Subject(chosen, Path(place) / "twinlens", options.processes, files)
            subject.forget()
            scan = subject.scan(is_first=True)
        rows += [_row("floor", files, floor), _row("first scan", files, scan)]
    return rows


def _row(curve: str, files: int, cost: Cost) -> Row:
    milliseconds = 1000 * cost.cpu_seconds / files
    what = f"{files:,} pictures"
    return Row(SECTION, what, milliseconds, "ms a file", subject=curve, curve=curve, files=files)
