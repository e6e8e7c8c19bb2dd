"""Keeps the file groups right: the bucket of every file that changed is grouped anew.

A bucket holds all files of one root that may be one photograph, so the groups that stand afterwards
are those that a rebuild from nothing would give.
"""

from twinlens.analysis.kinds import as_named
from twinlens.analysis.names import parse_name
from twinlens.grouping.pairs import PairCandidate, Pairing, pair
from twinlens.model.files import FileRecord
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import MediaType
from twinlens.store import file_groups


def regroup_bucket(root_id: int, bucket: str) -> tuple[Pairing, set[int]]:
    """Group one bucket anew. Returns the groups that are new, with what stays open, and the
    contents whose photograph changed."""
    stored = file_groups.of_bucket(root_id, bucket)
    if not stored and not file_groups.bucket_has_raw(root_id, bucket):
        return Pairing((), ()), set()
    members = file_groups.bucket_members(root_id, bucket)
    found = pair([pair_candidate(record, original) for record, original in members])
    new, touched_files = file_groups.replace_bucket(root_id, bucket, found.groups)
    changed = {original.id for record, original in members if record.id in touched_files}
    return Pairing(tuple(new), found.ambiguous), changed


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
