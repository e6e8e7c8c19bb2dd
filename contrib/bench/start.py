"""The section `start`: what the command line takes before it has anything to do."""

import sys
import tempfile
from pathlib import Path
from statistics import median

from measuring import cost_of
from options import Options
from rows import Row, median_row
from running import Household

SECTION = "start"
_ROUNDS = 9
_MOST_SECONDS = 0.25


def measure(options: Options) -> list[Row]:
    """`status` on a library of no files, and the bare Python that it runs on."""
    del options
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        folder = Path(place)
        root = folder / "photos"
        root.mkdir()
        household = Household(folder / "config.toml", folder / "state" / "twinlens.db", (root,))
        household.write()
        # It makes the database.
        cost_of(household.command("scan", "--json"))
        status = [cost_of(household.command("status"))[0] for _ in range(_ROUNDS)]
        python = [cost_of([sys.executable, "-c", "pass"])[0] for _ in range(_ROUNDS)]
    return [
        median_row(
            SECTION,
            "status of an empty library, processor time",
            [cost.cpu_seconds for cost in status],
            "s",
            target=_MOST_SECONDS,
            note=f"{median(cost.wall_seconds for cost in status):.2f} s by the clock",
        ),
        median_row(SECTION, "a Python that does nothing", [c.cpu_seconds for c in python], "s"),
    ]
