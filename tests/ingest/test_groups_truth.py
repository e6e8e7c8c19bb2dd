"""The groups of the real pictures against what independent tools and people say of them.

Run with `-s` for the figures. Each miss is named.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from support.world import opened_world
from twinlens.commands.groups import groups
from twinlens.store import listing

AGREED = {
    frozenset({"dups/anemones/anemones.jpg", "dups/anemones/anemones-edited.jpg"}): (
        "the truth lists the two among near duplicates only; the second is named as an export "
        "names the edit of the first, and shows the same picture"
    ),
}
"""Groups that the truth does not list and a photographer would sign, each with the reason."""

Pair = frozenset[str]


@pytest.fixture(scope="module")
def found(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """All groups after one scan, paths relative to the folder of pictures."""
    prefix = f"{photos}/"
    with opened_world(tmp_path_factory.mktemp("truth") / "twinlens.db", photos) as world:
        world.scan()
        world.drain()
        shapes = list(groups(world.store.database, None))
    for shape in shapes:
        for member in shape["members"]:
            member["path"] = member["path"].removeprefix(prefix)
    return shapes


def _expected(truth: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(type, files that belong together)."""
    for pair in truth["raw_pairs"]:
        yield "raw_jpeg", (pair["raw"], pair["jpeg"], *pair.get("other", ()))
    for pair in truth["live_pairs"]:
        yield "live_photo", (pair["still"], pair["video"])
    for burst in truth["bursts"]:
        yield "burst", tuple(burst["members"])
    for one in truth["sidecars"]:
        yield "sidecar", (one["photo"], *one["sidecars"])
        if "edited" in one:
            yield "edited", (one["photo"], one["edited"])
    for link in truth["takeout"]:
        yield "sidecar", (link["photo"], link["json"])


def _paths(shape: dict[str, Any]) -> frozenset[str]:
    return frozenset(member["path"] for member in shape["members"])


def test_every_group_of_the_truth_is_found(
    found: list[dict[str, Any]], truth: dict[str, Any]
) -> None:
    figures: Counter[str] = Counter()
    missed = []
    for group_type, files in _expected(truth):
        is_found = any(
            group_type in shape["group_types"] and _paths(shape).issuperset(files)
            for shape in found
        )
        figures[f"{group_type}: {'found' if is_found else 'missed'}"] += 1
        if not is_found:
            missed.append((group_type, files))
    print("\n".join(f"{name}: {number}" for name, number in sorted(figures.items())))

    assert missed == []


def test_no_group_holds_files_that_the_truth_does_not_put_together(
    found: list[dict[str, Any]], truth: dict[str, Any]
) -> None:
    linked: dict[str, set[str]] = {}
    for _, files in _expected(truth):
        together = set(files).union(*(linked.get(path, set()) for path in files))
        for path in together:
            linked[path] = together

    wrong = [
        (shape["group_type"], sorted(_paths(shape)))
        for shape in found
        if _paths(shape) not in AGREED
        and not all(b in linked.get(a, ()) for a, b in combinations(_paths(shape), 2))
    ]

    assert wrong == []


def test_what_the_truth_forbids_is_in_no_group(
    found: list[dict[str, Any]], truth: dict[str, Any]
) -> None:
    wrong = [
        (pair["a"], pair["b"], pair["why"])
        for pair in truth["not_pairs"]
        if any({pair["a"], pair["b"]} <= _paths(shape) for shape in found)
    ]

    assert wrong == []


def test_a_burst_tells_its_span_camera_and_best_picture(
    found: list[dict[str, Any]], truth: dict[str, Any]
) -> None:
    bursts = {shape["members"][0]["path"]: shape for shape in found if "best" in shape}
    phone = bursts["burst/iphone/IMG_3001.JPG"]

    assert len(bursts) == len(truth["bursts"])
    assert phone["seconds"] == 0.875
    assert phone["started_at"].startswith("2015-12-12T09:59:26")
    assert "iPhone 6s" in phone["camera"]
    assert phone["best"].endswith(phone["primary"].rpartition("/")[2])
    assert [m["sequence"] for m in phone["members"]] == list(range(1, 9))
    assert phone["rule"].startswith("same burst identifier")


def test_a_motion_picture_is_marked(photos: Path, tmp_path: Path) -> None:
    with opened_world(tmp_path / "twinlens.db", photos / "live") as world:
        world.scan()
        with world.store.database.reading():
            marked = {
                view.path.rpartition(b"/")[2]
                for view in listing.files()
                if view.original and view.original.measurement.metadata.has_embedded_video
            }

    assert b"PXL_20210801_100000123.MP.jpg" in marked
    assert b"IMG_4711.JPG" not in marked
