"""The part of `why` about duplicates: the groups, the verdict on each member, and what came near
without being called a duplicate."""

from typing import Any

from twinlens.commands.shapes import exact_shape, perceptual_shape
from twinlens.grouping.duplicates import SimilarityLimits
from twinlens.model.views import FileView
from twinlens.store import decisions, listing

MOST_NEAR_MISSES = 5


def duplicates_of(view: FileView) -> list[dict[str, Any]]:
    """The duplicate groups of a file's content, exact copies first."""
    if view.original is None:
        return []
    spoken = decisions.spoken()
    found: list[dict[str, Any]] = []
    copies = listing.files_of_original(view.original.id)
    if len(copies) > 1:
        shape = exact_shape(copies, spoken)
        if shape is not None:
            found.append(shape)
    groups = listing.perceptual_groups(view.original.id)
    found.extend(perceptual_shape(group, spoken) for group in groups)
    return found


def near_misses(view: FileView, limits: SimilarityLimits) -> list[dict[str, Any]]:
    return []
