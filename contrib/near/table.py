"""Makes the table of docs/near-duplicates.md anew: `contrib/near/table.py [BASES] [CACHE]`.

Derives the labelled set from the real pictures in `TWINLENS_PHOTOS` (else ../shared/photos), runs
it through the analysis, the store and the groups, and asks imagededup and findimagedupes beside
them where these are installed.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(HERE / "tests"), str(HERE / "daemon")]

from near import rivals  # noqa: E402  # found by the line above
from near.judged import Judged, judged  # noqa: E402
from near.labelled import base_pictures, made_set, made_small_edits  # noqa: E402
from near.table import Figures, misses, rows, written  # noqa: E402

BASES = 42
SEEN = 100
"""The limits were set on figures of this many bases; what comes behind them was not looked at."""

PAGE = HERE / "docs" / "near-duplicates.md"


def main() -> None:
    """Measure, print, and write the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else BASES
    photos = Path(os.environ.get("TWINLENS_PHOTOS", HERE.parent / "shared" / "photos"))
    truth = json.loads((photos / "truth.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "made"
        every = base_pictures(photos, truth, 1000)
        labelled = made_set(every[:count], cache)
        whole = judged(labelled, Path(folder))
        lines = [f"{count} bases, {len(labelled)} files.", "", *_figures("All", whole)]
        fresh = made_set(every[SEEN : SEEN + count // 3], cache, SEEN)
        (Path(folder) / "fresh").mkdir()
        unseen = judged(fresh, Path(folder) / "fresh")
        name = f"Bases that were not looked at while the limits were set, {len(fresh)} files"
        lines += _figures(name, unseen)
        others = {name: rivals.asked(name, labelled) for name in rivals.installed()}
        for name, other in others.items():
            false = len(other.false_found())
            lines += ["", f"{name}: {false} of {len(other.found)} pairs found are false."]
        tallies = {name: other.by_transformation() for name, other in others.items()}
        lines += ["", *rows(whole, tallies)]
        (Path(folder) / "edits").mkdir()
        edited = judged(made_small_edits(every[:count], cache), Path(folder) / "edits")
        lines += ["", "Small edits, in a set of their own; none should be re-encoded:", ""]
        lines += rows(edited, {})
        print("\n".join(lines))
        print("\n".join((*misses(whole), *misses(unseen))))
    written(PAGE, lines)


def _figures(name: str, found: Judged) -> list[str]:
    return [f"- {name}: {'; '.join(Figures.of(found).lines())}."]


if __name__ == "__main__":
    main()
