"""Makes the table of docs/near-duplicates.md anew: `contrib/near/table.py [BASES] [CACHE]`.

Derives the labelled set from the real pictures in `TWINLENS_PHOTOS` (else ../shared/photos), runs
it through the analysis, the store and the groups, and asks imagededup and findimagedupes beside
them where these are installed. Half of the bases the limits were set on, half they had not seen.
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
from near.labelled import base_pictures, made_set  # noqa: E402
from near.table import Figures, misses, rows, written  # noqa: E402

BASES = 60
PAGE = HERE / "docs" / "near-duplicates.md"


def main() -> None:
    """Measure, print, and write the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else BASES
    photos = Path(os.environ.get("TWINLENS_PHOTOS", HERE.parent / "shared" / "photos"))
    truth = json.loads((photos / "truth.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "made"
        labelled = made_set(base_pictures(photos, truth, count), cache)
        whole = judged(labelled, Path(folder))
        lines = [f"{count} bases, {len(labelled)} files.", "", *_figures("All", whole)]
        for name, parity in (("Seen while the limits were set", 0), ("Not seen", 1)):
            lines += _figures(name, whole.part(parity))
        others = {name: rivals.asked(name, labelled) for name in rivals.installed()}
        for name, other in others.items():
            false = len(other.false_found())
            lines += ["", f"{name}: {false} of {len(other.found)} pairs found are false."]
        tallies = {name: other.by_transformation() for name, other in others.items()}
        lines += ["", *rows(whole, tallies)]
        print("\n".join(lines))
        print("\n".join(misses(whole)))
    written(PAGE, lines)


def _figures(name: str, found: Judged) -> list[str]:
    return [f"- {name}: {'; '.join(Figures.of(found).lines())}."]


if __name__ == "__main__":
    main()
