"""Keeps the duplicate groups right: the contents that a change touched are judged anew, with all
that hang together with them.

A component holds all contents that may be duplicates of each other, so the groups that stand
afterwards are those that a rebuild from nothing would give. The index of perceptual hashes lives in
memory, is loaded at first need, and is dropped when a transaction fails.
"""

import logging
from collections.abc import Iterable, Sequence

from twinlens.grouping.duplicates import Picture, SimilarityLimits, cliques, component
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.model.groups import DuplicateGroup
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind
from twinlens.store import decisions, duplicate_groups, file_groups
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store

logger = logging.getLogger(__name__)

LARGEST_LIVE_COMPONENT = 5000
"""Beyond it a change is not followed at once: pictures that hang together in such numbers are a
time lapse, and grouping them anew for each arrival would stop everything else."""

_PICTURES = frozenset({Kind.IMAGE, Kind.RAW})
"""A content that is only ever a sidecar (a THM) is nobody's duplicate."""


class Lookalikes:
    """Finds near duplicates among the contents of the store."""

    def __init__(self, limits: SimilarityLimits) -> None:
        self._limits = limits
        self._index: SimilarityIndex | None = None

    def forget_index(self) -> None:
        """The transaction that changed the index was rolled back: load it anew at next need."""
        self._index = None

    def regroup(self, disturbed: Iterable[int]) -> list[DuplicateGroup]:
        """Judge these contents anew, where they hang together with others; returns what is new."""
        index = self._loaded_index()
        seeds: set[int] = set()
        contents = {o.id: o for o in originals_store.get_many(disturbed)}
        for original_id, original in sorted(contents.items()):
            phash = _comparable_hash(original)
            if phash is None:
                index.remove(original_id)
            else:
                index.add(original_id, phash)
            seeds |= self._around(index, original)
        missing = set(disturbed) - set(contents)
        for original_id in missing:
            index.remove(original_id)
        stored = duplicate_groups.touching(set(disturbed))
        seeds |= {m.original_id for group in stored.values() for m in group.members}
        return self._group_components(index, seeds, stored)

    def _around(self, index: SimilarityIndex, original: OriginalRecord) -> set[int]:
        """The contents near this one, whether it is still in the index or has just left it."""
        fingerprint = original.measurement.fingerprint
        if fingerprint is None or fingerprint.is_degenerate:
            return set()
        near = index.within(fingerprint.phash, self._limits.max_distance)
        return {other for other, _ in near}

    def _group_components(
        self,
        index: SimilarityIndex,
        seeds: set[int],
        stored: dict[str, DuplicateGroup],
    ) -> list[DuplicateGroup]:
        waiting = sorted(seed for seed in seeds if seed in index)
        affected: set[int] = set()
        wanted: list[DuplicateGroup] = []
        while waiting:
            seed = waiting.pop()
            if seed in affected:
                continue
            together = component(seed, self._near, most=LARGEST_LIVE_COMPONENT)
            if not together:
                logger.warning("more than %d pictures hang together", LARGEST_LIVE_COMPONENT)
                affected.add(seed)
                continue
            affected |= together
            if len(together) > 1:
                wanted.extend(cliques(_pictures(together), self._limits))
        stored = stored | duplicate_groups.touching(affected)
        return duplicate_groups.replace(stored, wanted)

    def _near(self, original_id: int) -> list[int]:
        index = self._loaded_index()
        phash = index.hash_of(original_id)
        return [other for other, _ in index.within(phash, self._limits.max_distance)]

    def _loaded_index(self) -> SimilarityIndex:
        if self._index is None:
            index = SimilarityIndex()
            pairs = list(originals_store.hashes())
            index.load([i for i, _ in pairs], [h for _, h in pairs])
            self._index = index
        return self._index


def _comparable_hash(original: OriginalRecord) -> int | None:
    fingerprint = original.measurement.fingerprint
    if original.reference_count <= 0 or fingerprint is None or fingerprint.is_degenerate:
        return None
    return fingerprint.phash


def _pictures(ids: Iterable[int]) -> Sequence[Picture]:
    wanted = list(ids)
    groups = file_groups.group_ids_of_originals(wanted)
    kinds = files_store.kinds_of(wanted)
    originals = originals_store.get_many(wanted)
    rejected = decisions.rejected_with(original.sha256 for original in originals)
    pictures = []
    for original in originals:
        measured = original.measurement
        is_shown = not _PICTURES.isdisjoint(kinds.get(original.id, ()))
        if measured.fingerprint is None or not is_shown:
            continue
        metadata = measured.metadata
        camera = " ".join(part for part in (metadata.make, metadata.model) if part) or None
        pictures.append(
            Picture(
                original_id=original.id,
                sha256=original.sha256,
                kind=measured.kind,
                fingerprint=measured.fingerprint,
                width=measured.width,
                height=measured.height,
                orientation=measured.orientation,
                quality_score=measured.quality_score,
                size=original.size,
                captured_at=original.captured_at,
                has_subseconds=metadata.has_subseconds,
                camera=camera,
                photograph_ids=groups.get(original.id, frozenset()),
                rejected_with=rejected.get(original.sha256, frozenset()),
            )
        )
    return pictures
