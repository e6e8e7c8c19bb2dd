"""Keeps groups right as files come, change, move and go: what a change can touch is grouped anew.

Photographs first, then duplicates, so that a RAW and its own JPEG are never duplicates of each
other. The groups that stand afterwards are those that a rebuild from nothing would give. Runs
inside a transaction of the writer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from twinlens.grouping.duplicates import SimilarityLimits
from twinlens.grouping.pairs import AmbiguousPair
from twinlens.ingest.capture_time import settle_capture_time
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.ingest.photographs import regroup_bucket
from twinlens.ingest.recorder import Touched
from twinlens.model.groups import DuplicateGroup, FileGroup
from twinlens.store import file_groups
from twinlens.store import originals as originals_store

RULES_VERSION = 4
"""Raised when the rules of groups or duplicates change their meaning."""


@dataclass(slots=True)
class Regrouped:
    """What is new after a change."""

    file_groups: list[FileGroup] = field(default_factory=list)
    duplicate_groups: list[DuplicateGroup] = field(default_factory=list)
    ambiguous: list[AmbiguousPair] = field(default_factory=list)


class Regrouper:
    """Groups anew what changes touch."""

    def __init__(
        self, limits: SimilarityLimits, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._lookalikes = Lookalikes(limits)

    def forget_index(self) -> None:
        """The transaction that changed the index was rolled back: load it anew at next need."""
        self._lookalikes.forget_index()

    def regroup(self, touched: Touched) -> Regrouped:
        """Group anew the buckets and the contents that a batch of records touched."""
        result = Regrouped()
        disturbed = set(touched.originals)
        done: set[tuple[int, str]] = set()
        for root_id, bucket in sorted(touched.buckets):
            if (root_id, bucket) in done:
                continue
            photographs = regroup_bucket(root_id, bucket)
            done |= {(root_id, name) for name in photographs.buckets}
            result.file_groups.extend(photographs.found.groups)
            result.ambiguous.extend(photographs.found.ambiguous)
            disturbed |= photographs.changed
            for original_id in sorted(photographs.grouped):
                settle_capture_time(original_id, self._clock)
        result.duplicate_groups.extend(self._lookalikes.regroup(disturbed))
        return result

    def rebuild(self) -> Regrouped:
        """Group everything anew from what is stored, reading no picture."""
        self.forget_index()
        return self.regroup(Touched(file_groups.every_bucket(), originals_store.every_id()))

    @property
    def rules(self) -> str:
        """What the stored groups were made by; another value calls for a rebuild."""
        limits = self._limits
        return f"{RULES_VERSION}:{limits.max_distance}:{limits.re_encoded_distance}"
