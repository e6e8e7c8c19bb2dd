"""Other programs on the labelled set: what they find, where they are installed.

imagededup (pHash, 10 bits of 64; the encodings are made in this process) and findimagedupes (90 %).
Both say "duplicate" or nothing, and are told nothing of time and camera.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from near.judged import Judged
from near.labelled import Labelled


def installed() -> list[str]:
    """The programs that can be asked."""
    names = []
    if find_spec("imagededup"):
        names.append("imagededup")
    if shutil.which("findimagedupes"):
        names.append("findimagedupes")
    return names


def asked(name: str, labelled: Sequence[Labelled]) -> Judged:
    """What a program finds among these files, given as upright PNGs, which both of them read."""
    with tempfile.TemporaryDirectory() as folder:
        places = []
        for number, one in enumerate(labelled):
            place = Path(folder) / f"{number:05}.png"
            with Image.open(one.path) as image:
                ImageOps.exif_transpose(image).convert("RGB").save(place, compress_level=1)
            places.append(place)
        pairs = _imagededup(Path(folder)) if name == "imagededup" else _findimagedupes(places)
    return Judged(list(labelled), set(), pairs, set())


def _imagededup(folder: Path) -> set[frozenset[int]]:
    methods: Any = import_module("imagededup.methods")
    found = methods.PHash(verbose=False).find_duplicates(
        image_dir=str(folder), max_distance_threshold=10
    )
    return {
        frozenset((int(Path(one).stem), int(Path(other).stem)))
        for one, others in found.items()
        for other in others
    }


def _findimagedupes(places: Sequence[Path]) -> set[frozenset[int]]:
    run = subprocess.run(
        ["findimagedupes", "-t", "90%", "--", *map(str, places)],
        capture_output=True,
        text=True,
        check=False,
    )
    pairs: set[frozenset[int]] = set()
    for line in run.stdout.splitlines():
        numbers = [int(number) for number in re.findall(r"(\d{5})\.png", line)]
        pairs |= {frozenset(pair) for pair in combinations(numbers, 2)}
    return pairs
