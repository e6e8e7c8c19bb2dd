"""Keeps groups right as files come, change, move and go: what a change can touch is grouped anew.

Photographs first, then duplicates, so that a RAW and its own JPEG are never duplicates of each
other. The groups that stand afterwards are those that a rebuild from nothing would give: a bucket
holds all files that may be one photograph, and a component all contents that may be duplicates of
each other.

Runs inside a transaction of the writer. The index of perceptual hashes lives in memory, is loaded
at first need, and is dropped when a transaction fails.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from twinlens.analysis.kinds import as_named
from twinlens.analysis.names import parse_name
from twinlens.grouping.duplicates import Picture, SimilarityLimits, cliques, component
from twinlens.grouping.pairs import AmbiguousPair, PairCandidate, pair
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.ingest.recorder import Touched
from twinlens.model.files import FileRecord
from twinlens.model.groups import DuplicateGroup, FileGroup
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind, MediaType
from twinlens.store import duplicate_groups, file_groups
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store

logger = logging.getLogger(__name__)

RULES_VERSION = 2
"""Raised when the rules of pairs or duplicates change their meaning."""

LARGEST_LIVE_COMPONENT = 5000
"""Beyond it a change is not followed at once: pictures that hang together in such numbers are a
time lapse, and grouping them anew for each arrival would stop everything else."""

_PICTURES = frozenset({Kind.IMAGE, Kind.RAW})
"""A content that is only ever a sidecar (a THM) is nobody's duplicate."""


@dataclass(slots=True)
class Regrouped:
    """What is new after a change."""

    file_groups: list[FileGroup] = field(default_factory=list)
    duplicate_groups: list[DuplicateGroup] = field(default_factory=list)
    ambiguous: list[AmbiguousPair] = field(default_factory=list)


class Regrouper:
    """Groups anew what changes touch."""

    def __init__(self, limits: SimilarityLimits) -> None:
        self._limits = limits
        self._index: SimilarityIndex | None = None

    def forget_index(self) -> None:
        """The transaction that changed the index was rolled back: load it anew at next need."""
        self._index = None

    def regroup(self, touched: Touched) -> Regrouped:
        """Group anew the buckets and the contents that a batch of records touched."""
        result = Regrouped()
        disturbed = set(touched.originals)
        for root_id, bucket in sorted(touched.buckets):
            disturbed |= self._pair(root_id, bucket, result)
        self._find_duplicates(disturbed, result)
        return result

    def rebuild(self) -> Regrouped:
        """Group everything anew from what is stored, reading no picture."""
        self.forget_index()
        touched = Touched(file_groups.every_bucket(), originals_store.every_id())
        return self.regroup(touched)

    @property
    def rules(self) -> str:
        """What the stored groups were made by; another value calls for a rebuild."""
        limits = self._limits
        return f"{RULES_VERSION}:{limits.max_distance}:{limits.re_encoded_distance}"

    def _pair(self, root_id: int, bucket: str, result: Regrouped) -> set[int]:
        """Pair one bucket; returns the contents whose photograph changed."""
        stored = file_groups.of_bucket(root_id, bucket)
        if not stored and not file_groups.bucket_has_raw(root_id, bucket):
            return set()
        members = file_groups.bucket_members(root_id, bucket)
        pairing = pair([pair_candidate(record, original) for record, original in members])
        new, touched_files = file_groups.replace_bucket(root_id, bucket, pairing.groups)
        result.file_groups.extend(new)
        result.ambiguous.extend(pairing.ambiguous)
        return {original.id for record, original in members if record.id in touched_files}

    def _find_duplicates(self, disturbed: Iterable[int], result: Regrouped) -> None:
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
        self._group_components(index, seeds, stored, result)

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
        result: Regrouped,
    ) -> None:
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
        result.duplicate_groups.extend(duplicate_groups.replace(stored, wanted))

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
    pictures = []
    for original in originals_store.get_many(wanted):
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
                rejected_with=frozenset(),
            )
        )
    return pictures


def pair_candidate(record: FileRecord, original: OriginalRecord) -> PairCandidate:
    """What pairing has to know of a file."""
    directory, _, name = record.path.rpartition(b"/")
    parts = parse_name(name)
    measured = original.measurement
    media = as_named(MediaType(measured.media_type, measured.kind), name)
    fingerprint = measured.fingerprint
    return PairCandidate(
        file_id=record.id,
        directory=directory,
        name=name,
        radical=parts.radical,
        copy_mark=parts.copy_mark,
        kind=media.kind,
        media_type=media.media_type,
        captured_at=original.captured_at,
        has_subseconds=measured.metadata.has_subseconds,
        make=measured.metadata.make,
        model=measured.metadata.model,
        phash=fingerprint.phash if fingerprint else None,
        is_degenerate=bool(fingerprint and fingerprint.is_degenerate),
        width=measured.width,
        height=measured.height,
        quality_score=measured.quality_score,
        size=original.size,
    )
