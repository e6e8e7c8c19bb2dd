"""Originals: one row a content, its measurements, and the count of those who refer to it.

The row counts the live files of the content; what else refers to it is counted by `holds`. The
count changes only through `add_reference` and `remove_reference`, in the same transaction as the
file that refers. It is never negative, and one decrement too many does no harm.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from peewee import fn

from twinlens.model.originals import Dated, OriginalRecord
from twinlens.model.picture import (
    Confidence,
    DateCandidate,
    Fingerprint,
    Kind,
    Measurement,
    Metadata,
    Place,
    TakenAt,
)
from twinlens.store import candidates, holds, miniatures
from twinlens.store.integers import to_signed, to_unsigned
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import Original

_FACTS = tuple(field.name for field in fields(Metadata))
_MEASURED = (
    *("media_type", "kind", "width", "height", "orientation", "metadata"),
    *("phash", "dhash", "ahash", "whash", "degenerate", "algorithm_version", "quality_score"),
    *("latitude", "longitude", "geohash4", "geohash6", "geohash8", "candidates", "error"),
    *("image_digest", "burst_id", "content_identifier"),
)
_TAKEN = ("captured_at", "taken_at", "taken_at_source", "taken_at_confidence", "candidates")
_WHOLE = Statement(Original, lambda: Original.select().where(Original.id == slot("id")))
_MANY = Statement(
    Original,
    lambda: Original.select().where(Original.id.in_(any_of("ids"))).order_by(Original.id),
)
_DATED = Statement(
    Original,
    lambda: (
        Original.select(
            *(Original.id, Original.sha256, Original.candidates, Original.captured_at),
            *(Original.taken_at, Original.taken_at_source, Original.taken_at_confidence),
        )
        .where(Original.id.in_(any_of("ids")))
        .order_by(Original.id)
    ),
)
_VERSION = Statement(
    Original,
    lambda: Original.select(Original.id, Original.algorithm_version).where(
        Original.sha256 == slot("sha256")
    ),
)
_TALLY = Statement(
    Original,
    lambda: Original.select(Original.sha256, Original.reference_count).where(
        Original.id == slot("id")
    ),
)
_SHARED = Statement(
    Original,
    lambda: Original.select(Original.id).where(
        Original.id.in_(any_of("ids")) & (Original.reference_count > 1)
    ),
)
_OF_SIZE = Statement(
    Original,
    lambda: (
        Original.select(Original.sha256)
        .where((Original.size == slot("size")) & Original.algorithm_version.in_(any_of("versions")))
        .limit(slot("limit"))
    ),
)
_INSERT = Statement(
    Original,
    lambda: Original.insert({name: slot(name) for name in ("sha256", "size", *_MEASURED)}),
)
_MEASURE_AGAIN = Statement(
    Original,
    lambda: Original.update({name: slot(name) for name in _MEASURED}).where(
        Original.id == slot("id")
    ),
)
_SET_TAKEN = Statement(
    Original,
    lambda: Original.update({name: slot(name) for name in _TAKEN}).where(Original.id == slot("id")),
)
_ADD_REFERENCE = Statement(
    Original,
    lambda: (
        Original.update(reference_count=Original.reference_count + 1, orphaned_at=None)
        .where(Original.id == slot("id"))
        .returning(Original.reference_count)
    ),
)


def find(sha256: str) -> OriginalRecord | None:
    """The content with this digest."""
    row = Original.get_or_none(Original.sha256 == sha256)
    return None if row is None else record(row)


def find_id(sha256: str) -> int | None:
    """The id of the content with this digest, without reading its measurements."""
    found = version_of(sha256)
    return None if found is None else found[0]


def version_of(sha256: str) -> tuple[int, int] | None:
    """(id, algorithm version) of the content with this digest."""
    row = _VERSION.first(sha256=sha256)
    return None if row is None else (int(row.id), int(row.algorithm_version))


def get(original_id: int) -> OriginalRecord:
    """The content with this id."""
    row = _WHOLE.first(id=original_id)
    if row is None:
        raise LookupError(f"original {original_id} is not in the store")
    return record(row)


def get_many(ids: Iterable[int]) -> list[OriginalRecord]:
    """The contents with these ids, in the order of their ids."""
    return [record(row) for row in _MANY.all(ids=set(ids))]


def dated(ids: Iterable[int]) -> list[Dated]:
    """What is known of the capture times of these contents, in the order of their ids."""
    found = []
    for row in _DATED.all(ids=set(ids)):
        own, others = candidates.unpacked(row.candidates)
        found.append(Dated(row.id, row.sha256, own, row.captured_at, _taken(row, own + others)))
    return found


def digests_of_size(size: int, versions: Collection[int], limit: int = 64) -> frozenset[str]:
    """Digests of contents of this size that one of these versions of the analysis measured: a file
    among them needs no decoding."""
    rows = _OF_SIZE.all(size=size, versions=versions, limit=limit)
    return frozenset(row.sha256 for row in rows)


def put(sha256: str, size: int, measurement: Measurement) -> int:
    """Record a content and its measurements; one that is known is measured anew. Returns the id."""
    values = _columns(measurement)
    known = find_id(sha256)
    fingerprint = measurement.fingerprint
    is_telling = fingerprint is not None and not fingerprint.is_degenerate
    miniature = fingerprint.miniature if fingerprint is not None and is_telling else None
    if known is None:
        original_id = _INSERT.insert(sha256=sha256, size=size, **values)
    else:
        original_id = known
        _MEASURE_AGAIN.change(id=known, **values)
    if miniature is not None:
        miniatures.put(original_id, miniature)
    elif known is not None:
        miniatures.forget(known)
    return original_id


def set_taken(
    original_id: int,
    *,
    captured_at: str | None,
    taken: TakenAt,
    content: Sequence[DateCandidate],
    path: Sequence[DateCandidate],
) -> None:
    """Record the capture time that won, and what it was chosen from."""
    _SET_TAKEN.change(
        id=original_id,
        captured_at=captured_at,
        taken_at=taken.value,
        taken_at_source=taken.source,
        taken_at_confidence=taken.confidence.value,
        candidates=candidates.packed(content, path),
    )


def add_reference(original_id: int) -> int:
    """One more file refers to the content; returns the new count."""
    row = _ADD_REFERENCE.first(id=original_id)
    return 0 if row is None else int(row.reference_count)


def remove_reference(original_id: int, at: str) -> int:
    """One file less refers to the content; where nothing else does, it is an orphan from `at` on.
    Returns the new count of files."""
    Original.update(reference_count=Original.reference_count - 1).where(
        (Original.id == original_id) & (Original.reference_count > 0)
    ).execute()
    row = _TALLY.first(id=original_id)
    if row is None or row.reference_count:
        return 0 if row is None else int(row.reference_count)
    holds.settle([row.sha256], at)
    return 0


def shared(original_ids: Iterable[int | None]) -> set[int]:
    """Those of these contents that more than one file refers to."""
    return {original_id for (original_id,) in _SHARED.tuples(ids=original_ids)}


def counts() -> dict[int, int]:
    """Every content's stored count."""
    return dict(tuples(Original.select(Original.id, Original.reference_count)))


def outdated(versions: Collection[int]) -> frozenset[int]:
    """Referenced contents that none of these versions of the analysis measured.

    Version 0 stands for a content that could not be measured at all; it is not tried for ever.
    """
    found: set[int] = set()
    for version in _versions():
        if version != 0 and version not in versions:
            query = Original.select(Original.id).where(
                (Original.algorithm_version == version) & (Original.reference_count > 0)
            )
            found |= {int(original_id) for (original_id,) in tuples(query)}
    return frozenset(found)


def _versions() -> Iterator[int]:
    """Every version that a content was measured by; each is one step in an index."""
    query = Original.select(fn.MIN(Original.algorithm_version))
    version = query.scalar()
    while version is not None:
        yield int(version)
        version = query.where(Original.algorithm_version > version).scalar()


def delete(ids: Iterable[int]) -> int:
    """Forget contents and all that was derived from them; returns how many."""
    wanted = list(ids)
    return int(Original.delete().where(Original.id.in_(wanted)).execute()) if wanted else 0


def every_id() -> set[int]:
    """The ids of all contents."""
    return {int(original_id) for (original_id,) in tuples(Original.select(Original.id))}


def hashes() -> Iterator[tuple[int, int]]:
    """(id, pHash) of every referenced content whose hash means something."""
    query = Original.select(Original.id, Original.phash).where(
        Original.phash.is_null(False)
        & Original.degenerate.is_null()
        & (Original.reference_count > 0)
    )
    for original_id, phash in tuples(query):
        yield original_id, to_unsigned(phash)


def _columns(measurement: Measurement) -> dict[str, object]:
    fingerprint, place = measurement.fingerprint, measurement.place
    degenerate = None
    if fingerprint and fingerprint.is_degenerate:
        degenerate = fingerprint.reason or "degenerate"
    return {
        "media_type": measurement.media_type,
        "kind": measurement.kind.value,
        "width": measurement.width,
        "height": measurement.height,
        "orientation": measurement.orientation,
        "metadata": json.dumps(
            {k: v for k in _FACTS if (v := getattr(measurement.metadata, k))},
            ensure_ascii=True,
            separators=(",", ":"),
        ),
        "phash": to_signed(fingerprint.phash) if fingerprint else None,
        "dhash": to_signed(fingerprint.dhash) if fingerprint else None,
        "ahash": to_signed(fingerprint.ahash) if fingerprint else None,
        "whash": to_signed(fingerprint.whash) if fingerprint else None,
        "degenerate": degenerate,
        "algorithm_version": measurement.algorithm_version,
        "quality_score": measurement.quality_score,
        "latitude": place.latitude if place else None,
        "longitude": place.longitude if place else None,
        "geohash4": place.geohash4 if place else None,
        "geohash6": place.geohash6 if place else None,
        "geohash8": place.geohash8 if place else None,
        "candidates": candidates.packed(measurement.date_candidates, ()),
        "image_digest": measurement.image_digest,
        "burst_id": measurement.metadata.burst_id,
        "content_identifier": measurement.metadata.content_identifier,
        "error": " ".join(measurement.error.split()) if measurement.error else None,
    }


def record(row: Any) -> OriginalRecord:
    """The value of a row, a model's or a statement's, for the modules of this room; without the
    miniature, which `miniatures` gives to those who compare."""
    own, others = candidates.unpacked(row.candidates)
    return OriginalRecord(
        id=row.id,
        sha256=row.sha256,
        size=row.size,
        measurement=Measurement(
            media_type=row.media_type,
            kind=Kind(row.kind),
            width=row.width,
            height=row.height,
            orientation=row.orientation,
            metadata=Metadata(**json.loads(row.metadata)),
            date_candidates=own,
            fingerprint=_fingerprint(row),
            quality_score=row.quality_score,
            place=_place(row),
            image_digest=row.image_digest,
            error=row.error,
            algorithm_version=row.algorithm_version,
        ),
        captured_at=row.captured_at,
        taken=_taken(row, own + others),
        reference_count=row.reference_count,
        orphaned_at=row.orphaned_at,
    )


def _taken(row: Any, weighed: tuple[DateCandidate, ...]) -> TakenAt:
    confidence = Confidence(row.taken_at_confidence)
    return TakenAt(row.taken_at, row.taken_at_source, confidence, weighed)


def _fingerprint(row: Any) -> Fingerprint | None:
    if row.phash is None or row.dhash is None or row.ahash is None or row.whash is None:
        return None
    return Fingerprint(
        phash=to_unsigned(row.phash),
        dhash=to_unsigned(row.dhash),
        ahash=to_unsigned(row.ahash),
        whash=to_unsigned(row.whash),
        is_degenerate=row.degenerate is not None,
        reason=row.degenerate,
    )


def _place(row: Any) -> Place | None:
    if row.latitude is None or row.longitude is None:
        return None
    return Place(
        row.latitude, row.longitude, row.geohash4 or "", row.geohash6 or "", row.geohash8 or ""
    )
