"""How often the verdicts are right on real files: never wrong where they are confident."""

from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import imagehash
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from twinlens.grouping.duplicates import PRESETS, Picture, cliques
from twinlens.grouping.witnesses import judge_all
from twinlens.model.groups import DuplicateClass
from twinlens.model.picture import Fingerprint, Kind

_FLAT = 16.0
"""Standard deviation of a 64x64 grey picture below which a hash means nothing."""


class _Collection(NamedTuple):
    pictures: list[Picture]
    names: dict[int, str]
    same: frozenset[frozenset[int]]
    shots_apart: frozenset[frozenset[int]]


def _number(found: imagehash.ImageHash) -> int:
    return int(str(found), 16)


def _picture(path: Path, facts: dict[str, Any], original_id: int) -> Picture:
    with Image.open(path) as opened:
        orientation = opened.getexif().get(0x0112, 1)
        stored = opened.size
        upright = ImageOps.exif_transpose(opened)
    if upright.mode in ("P", "LA", "PA", "RGBA"):
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    grey = upright.convert("L")
    spread = float(np.asarray(grey.resize((64, 64), Image.Resampling.LANCZOS)).std())
    tags = facts["exiftool"]
    exact = tags.get("Composite:SubSecDateTimeOriginal")
    taken = str(exact or tags.get("EXIF:DateTimeOriginal") or "")
    is_time = len(taken) >= 19 and taken[4] == ":" and taken[:4] != "0000"
    return Picture(
        original_id=original_id,
        sha256=facts["sha256"],
        kind=Kind.IMAGE,
        fingerprint=Fingerprint(
            _number(imagehash.phash(grey)),
            _number(imagehash.dhash(grey)),
            _number(imagehash.average_hash(grey)),
            _number(imagehash.whash(grey)),
            is_degenerate=spread < _FLAT,
        ),
        width=stored[0],
        height=stored[1],
        orientation=orientation,
        quality_score=None,
        size=facts["size"],
        captured_at=f"{taken[:10].replace(':', '-')}T{taken[11:]}" if is_time else None,
        has_subseconds=is_time and exact is not None,
        camera=f"{tags['EXIF:Make']} {tags.get('EXIF:Model')}" if "EXIF:Make" in tags else None,
    )


@pytest.fixture(scope="module")
def collection(photos: Path, truth: dict[str, Any]) -> _Collection:
    pillow_heif.register_heif_opener()
    group_of = {
        path: number for number, group in enumerate(truth["same_picture_groups"]) for path in group
    }
    distinct = {path for group in truth["distinct_groups"] for path in group["members"]}
    by_digest: dict[str, str] = {}
    for path in sorted(group_of.keys() | distinct):
        # A RAW and its JPEG are a pair, not duplicates; sidecars and videos have no looks.
        is_picture = (truth["files"][path].get("decode") or {}).get("pillow") == "ok"
        if is_picture and not path.lower().endswith((".dng", ".thm")):
            by_digest.setdefault(truth["files"][path]["sha256"], path)
    names = dict(enumerate(sorted(by_digest.values())))
    pictures = [
        _picture(photos / path, truth["files"][path], number) for number, path in names.items()
    ]
    same = frozenset(
        frozenset(pair)
        for pair in combinations(names, 2)
        if names[pair[0]] in group_of and group_of[names[pair[0]]] == group_of.get(names[pair[1]])
    )
    apart = frozenset(
        frozenset(pair)
        for pair in combinations(names, 2)
        if any(
            names[pair[0]] in group["members"] and names[pair[1]] in group["members"]
            for group in truth["distinct_groups"]
        )
    )
    return _Collection(pictures, names, same, apart)


@pytest.mark.parametrize(
    ("preset", "least_recall", "least_re_encoded"),
    [("strict", 0.70, 0.30), ("normal", 0.72, 0.33), ("loose", 0.75, 0.33)],
)
def test_a_confident_verdict_on_real_pictures_is_never_false(
    collection: _Collection, preset: str, least_recall: float, least_re_encoded: float
) -> None:
    verdicts = judge_all(collection.pictures, PRESETS[preset])

    found: dict[DuplicateClass, set[frozenset[int]]] = {one: set() for one in DuplicateClass}
    for pair, verdict in verdicts.items():
        ids = frozenset(collection.pictures[position].original_id for position in pair)
        found[verdict.duplicate_class].add(ids)
    re_encoded, similar = found[DuplicateClass.RE_ENCODED], found[DuplicateClass.SIMILAR]
    false = [sorted(collection.names[one] for one in pair) for pair in re_encoded - collection.same]
    assert false == []
    # Frames of a series are similar in truth; nothing else may be called so without being the same.
    assert similar - collection.same <= collection.shots_apart | _stacked(collection)
    assert len((re_encoded | similar) & collection.same) >= least_recall * len(collection.same)
    assert len(re_encoded) >= least_re_encoded * len(collection.same)


def _stacked(collection: _Collection) -> set[frozenset[int]]:
    """Pairs with a picture computed from a series; the truth names only the series itself."""
    in_series = {one for pair in collection.shots_apart for one in pair}
    return {
        frozenset(pair)
        for pair in combinations(collection.names, 2)
        if in_series.intersection(pair)
        and collection.names[pair[0]].rpartition("/")[0]
        == collection.names[pair[1]].rpartition("/")[0]
    }


def test_no_group_of_real_pictures_mixes_two_pictures(collection: _Collection) -> None:
    for limits in PRESETS.values():
        for group in cliques(collection.pictures, limits):
            if group.duplicate_class is not DuplicateClass.RE_ENCODED:
                continue
            for a, b in combinations(group.members, 2):
                assert frozenset((a.original_id, b.original_id)) in collection.same
