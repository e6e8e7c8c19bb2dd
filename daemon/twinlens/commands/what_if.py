"""`duplicates --what-if PRESET`: what another threshold would change, before anything is changed.

Everything is judged again from the stored fingerprints; no picture is read, nothing is written.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from twinlens.commands.shapes import perceptual_shape
from twinlens.errors import UsageError
from twinlens.grouping.duplicates import PRESETS, SimilarityLimits
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.model.groups import DuplicateGroup
from twinlens.model.views import DuplicateView
from twinlens.store import decisions, listing
from twinlens.store.database import Database


def what_if(database: Database, now: SimilarityLimits, preset: str) -> dict[str, Any]:
    """The object of `duplicates --what-if --json`: the groups that would be new, those that would
    be gone, and how many there are of each class now and then. `now` are the limits in force.
    """
    if preset not in PRESETS:
        raise UsageError(f"there is no preset {preset!r}", f"known: {', '.join(PRESETS)}")
    with database.reading():
        spoken = decisions.spoken()
        stand = {view.id: view for view in listing.perceptual_groups()}
        then = {view.id: view for view in _shown(Lookalikes(now).groups_under(PRESETS[preset]))}
        new, gone = sorted(then.keys() - stand.keys()), sorted(stand.keys() - then.keys())
        return {
            "what_if": preset,
            "now": _numbers(stand.values()),
            "then": _numbers(then.values()),
            "new": [perceptual_shape(then[key], spoken) for key in new],
            "gone": [perceptual_shape(stand[key], spoken) for key in gone],
        }


def _shown(groups: Iterable[DuplicateGroup]) -> Iterator[DuplicateView]:
    """Groups as they would be listed: a content without a file to show is left out."""
    for group in groups:
        files = [(m, listing.files_of_original(m.original_id)) for m in group.members]
        shown = tuple(found for _, found in files if found)
        if len(shown) == len(group.members):
            yield DuplicateView(id=group.key, group=group, reviewed=False, files=shown)


def _numbers(views: Iterable[DuplicateView]) -> dict[str, int]:
    numbers = {"re_encoded": 0, "similar": 0}
    for view in views:
        numbers[view.group.duplicate_class.value] += 1
    return numbers
