"""The part of `why` about duplicates: the groups, the verdict on each member, and what came near
without being called a duplicate."""

from heapq import nsmallest
from typing import Any

from twinlens.commands.shapes import exact_shape, perceptual_shape
from twinlens.grouping.doubts import why_not
from twinlens.grouping.verdicts import EQUAL_PIXELS, Picture, SimilarityLimits, judge
from twinlens.ingest.lookalikes import MOST_ALIKE, pictures_of
from twinlens.model.paths import to_text
from twinlens.model.views import DuplicateView, FileView
from twinlens.store import decisions, exact_copies, listing, lookalikes
from twinlens.store import originals as originals_store

MOST_NEAR_MISSES = 5
FARTHEST_BITS = 16
"""Bits of pHash beyond which two pictures are not near in any sense: unrelated ones begin at 14."""


def duplicates_of(view: FileView, limits: SimilarityLimits | None) -> list[dict[str, Any]]:
    """The duplicate groups of a file's content, exact copies first; with `limits` also the verdict
    on the content and each other member."""
    if view.original is None:
        return []
    spoken = decisions.spoken()
    found: list[dict[str, Any]] = []
    copies = listing.files_of_original(view.original.id)
    if len(copies) > 1:
        photographs = exact_copies.photographs_of(copy.file.id for copy in copies)
        shape = exact_shape(copies, photographs, spoken)
        if shape is not None:
            found.append(shape | {"verdicts": []})
    for group in listing.perceptual_groups(view.original.id):
        verdicts = [] if limits is None else _verdicts(view.original.id, group, limits)
        found.append(perceptual_shape(group, spoken) | {"verdicts": verdicts})
    return found


def near_misses(view: FileView, limits: SimilarityLimits) -> list[dict[str, Any]]:
    """The pictures that come nearest to it and stand in no duplicate group with it, nearest first,
    and why."""
    own = view.original
    if own is None or own.measurement.fingerprint is None:
        return []
    phash = own.measurement.fingerprint.phash
    together = {
        member.original_id
        for group in listing.perceptual_groups(own.id)
        for member in group.group.members
    }
    distances = (
        ((phash ^ other).bit_count(), original_id)
        for original_id, other in originals_store.hashes()
        if original_id != own.id and original_id not in together
    )
    nearest = nsmallest(MOST_NEAR_MISSES, (d for d in distances if d[0] <= FARTHEST_BITS))
    pictures = {p.original_id: p for p in pictures_of([own.id, *(i for _, i in nearest)])}
    crowded = lookalikes.crowded(pictures)
    found = []
    for bits, original_id in nearest:
        files = listing.files_of_original(original_id)
        if own.id in pictures and original_id in pictures and files:
            is_in_crowd = not crowded.isdisjoint((own.id, original_id))
            because = _because(pictures[own.id], pictures[original_id], limits, is_in_crowd)
            found.append({"path": to_text(files[0].path), "bits": bits, "because": because})
    return found


def _because(one: Picture, other: Picture, limits: SimilarityLimits, is_in_crowd: bool) -> str:
    verdict = judge(one, other, limits)
    if verdict is None:
        return why_not(one, other, limits)
    if is_in_crowd and verdict is not EQUAL_PIXELS:
        return (
            f"one of them looks like more than {MOST_ALIKE} others, as the frames of a fixed "
            "camera do: no look tells such frames from copies"
        )
    return f"{verdict.rule}; but no group holds both, since each member must match every other"


def _verdicts(
    original_id: int, group: DuplicateView, limits: SimilarityLimits
) -> list[dict[str, Any]]:
    """What the rules say of the content and each other member, asked again."""
    members = [member.original_id for member in group.group.members]
    pictures = {p.original_id: p for p in pictures_of(members)}
    found = []
    for other_id, files in zip(members, group.files, strict=True):
        if other_id == original_id or not {original_id, other_id} <= pictures.keys():
            continue
        verdict = judge(pictures[original_id], pictures[other_id], limits)
        if verdict is not None:
            found.append(
                {
                    "path": to_text(files[0].path),
                    "class": verdict.duplicate_class.value,
                    "similarity": verdict.similarity,
                    "confidence": verdict.confidence,
                    "because": verdict.rule,
                }
            )
    return found
