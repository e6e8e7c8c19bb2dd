"""Keeps groups right as files come, change, move and go: what a change can touch is grouped anew.

Photographs first, then duplicates, so that a RAW and its own JPEG are never duplicates of each
other. The groups that stand afterwards are those that a rebuild from nothing would give. Runs
inside a transaction of the writer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from twinlens.grouping.bursts import BurstLimits
from twinlens.grouping.duplicates import SimilarityLimits
from twinlens.grouping.pairs import AmbiguousPair
from twinlens.ingest.bursts import Concerned, regroup_bursts
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.ingest.photographs import regroup_photographs
from twinlens.ingest.recorder import Touched
from twinlens.model.groups import DuplicateGroup, FileGroup
from twinlens.store import clock_doubts, file_groups
from twinlens.store import originals as originals_store
from twinlens.store.neighbourhoods import neighbourhoods

RULES_VERSION = 11
"""Raised when the rules of groups or of dates from beside the content change their meaning; for
those of verdicts see `lookalikes`."""

_USUAL_BURSTS = BurstLimits()


@dataclass(slots=True)
class Regrouped:
    """What is new after a change."""

    file_groups: list[FileGroup] = field(default_factory=list)
    duplicate_groups: list[DuplicateGroup] = field(default_factory=list)
    ambiguous: list[AmbiguousPair] = field(default_factory=list)


class Regrouper:
    """Groups anew what changes touch."""

    def __init__(
        self,
        limits: SimilarityLimits,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        bursts: BurstLimits = _USUAL_BURSTS,
    ) -> None:
        self._limits = limits
        self._bursts = bursts
        self._clock = clock
        self._lookalikes = Lookalikes(limits)

    def warm(self) -> None:
        """Load what a first arrival would wait for. Needs a connection."""
        self._lookalikes.warm()

    def rest(self) -> None:
        """Give back what only work in numbers is quicker by."""
        self._lookalikes.rest()

    def forget_index(self) -> None:
        """The transaction that changed the index was rolled back: load it anew at next need."""
        self._lookalikes.forget_index()

    def regroup(self, touched: Touched) -> Regrouped:
        """Group anew the buckets and the contents that a batch of records touched."""
        result = Regrouped()
        at = self._clock().isoformat(timespec="seconds")
        if touched.buckets or touched.originals:
            clock_doubts.note_change()
        disturbed = set(touched.originals)
        grouped: set[int] = set()
        regrouped: set[int] = set()
        for root_id in sorted({root_id for root_id, _ in touched.buckets}):
            buckets: set[str] = set()
            for neighbourhood in neighbourhoods(
                root_id, (name for root, name in touched.buckets if root == root_id)
            ):
                photographs = regroup_photographs(
                    root_id,
                    neighbourhood,
                    at,
                    disturbed=None if touched.folders is None else touched.originals,
                )
                buckets |= neighbourhood.buckets
                result.file_groups.extend(photographs.found.groups)
                result.ambiguous.extend(photographs.found.ambiguous)
                regrouped |= photographs.changed
                grouped |= photographs.grouped
            # Photographs first: a shot of a burst is all files of its photograph.
            # A copy elsewhere says nothing new of the files that are in their folders already.
            concerned = Concerned.of(root_id, touched.folders, regrouped | grouped)
            new, changed = regroup_bursts(root_id, sorted(buckets), self._bursts, at, concerned)
            result.file_groups.extend(new)
            # Frames of one burst are no duplicates of each other.
            disturbed |= changed
            if new or changed:
                # A burst that was made anew has another id, and an old id may be given again.
                self._lookalikes.forget_facts()
        disturbed |= regrouped
        settle_capture_times(grouped, self._clock, fresh=touched.fresh)
        result.duplicate_groups.extend(self._lookalikes.regroup(disturbed, at))
        return result

    def settle_dates(self, original_ids: Iterable[int]) -> set[int]:
        """Choose the capture times of contents anew; what was forgotten meanwhile is passed over.
        Returns those whose own time changed, by which verdicts go. Inside a transaction of the
        writer."""
        before = originals_store.get_many(original_ids)
        settle_capture_times((original.id for original in before), self._clock)
        after = originals_store.get_many(original.id for original in before)
        return {
            new.id
            for old, new in zip(before, after, strict=True)
            if new.captured_at != old.captured_at
        }

    def regroup_as_judged(self, original_ids: Iterable[int]) -> Regrouped:
        """Group anew what hangs together with these contents by the verdicts that stand."""
        at = self._clock().isoformat(timespec="seconds")
        return Regrouped(duplicate_groups=self._lookalikes.regroup_as_judged(original_ids, at))

    def rebuild(self) -> Regrouped:
        """Group everything anew from what is stored, reading no picture."""
        self.forget_index()
        return self.regroup(Touched(file_groups.every_bucket(), originals_store.every_id()))

    @property
    def verdict_rules(self) -> str:
        """What the stored verdicts were made by; another value calls for judging all anew."""
        return self._lookalikes.rules

    @property
    def rules(self) -> str:
        """What the stored groups were made by; another value calls for a rebuild."""
        limits = self._limits
        bursts = self._bursts
        of_bursts = (
            f"{bursts.gap_seconds:g}:{bursts.least_pictures}:{bursts.least_seconds:g}"
            f":{bursts.primary}"
        )
        return f"{RULES_VERSION}:{of_bursts}:{limits.max_distance}:{limits.re_encoded_distance}"
