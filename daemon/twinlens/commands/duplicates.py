"""`duplicates`: contents that show the same; exact copies first, never mixed with the others."""

from collections.abc import Iterator
from typing import Any

from twinlens.commands.shapes import exact_shape, perceptual_shape
from twinlens.errors import UsageError
from twinlens.model.groups import DuplicateClass, DuplicateType
from twinlens.store import decisions, exact_copies, listing
from twinlens.store.database import Database


def duplicates(database: Database, wanted: str | None) -> Iterator[dict[str, Any]]:
    """Duplicate groups, all or of one class or type (exact, perceptual, re_encoded, similar).

    `re-encoded`, as people are shown it, is understood too.
    """
    known = {*DuplicateClass, *DuplicateType}
    asked, wanted = wanted, None if wanted is None else wanted.replace("-", "_")
    if wanted is not None and wanted not in known:
        raise UsageError(
            f"there is no kind of duplicates {asked!r}", f"known: {', '.join(sorted(known))}"
        )
    with database.reading():
        spoken = decisions.spoken()
        if wanted in (None, "exact"):
            for files in listing.shared_originals():
                photographs = exact_copies.photographs_of(view.file.id for view in files)
                shape = exact_shape(files, photographs, spoken)
                if shape is not None:
                    yield shape
        if wanted != "exact":
            for view in listing.perceptual_groups():
                shape = perceptual_shape(view, spoken)
                if wanted in (None, "perceptual", shape["class"]):
                    yield shape
