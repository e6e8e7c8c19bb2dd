"""Keeps the file groups right: whatever a change touches is grouped anew.

Files of one root meet under a bucket, the key that their names give, and under a live photo's
identifier; a neighbourhood holds every bucket that hangs together so, now or by what is recorded.
So the groups that stand afterwards are those that a rebuild from nothing would give.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from twinlens.analysis.kinds import as_named
from twinlens.analysis.names import folded, parse_name
from twinlens.analysis.sidecar_names import sidecar_target
from twinlens.grouping.pairs import PairCandidate, Pairing
from twinlens.grouping.photographs import photographs
from twinlens.model.files import FileRecord
from twinlens.model.groups import FileGroup
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind, MediaType
from twinlens.store import decisions, file_groups
from twinlens.store.neighbourhoods import Name, Neighbourhood, neighbourhoods


@dataclass(slots=True)
class RegroupedBuckets:
    """What grouping a neighbourhood anew came to.

    `found` has the groups that are new, with what stays open. `changed` are the contents of files
    whose membership changed, and `grouped` those of all files that stand or stood in a group: what
    a sidecar says may be new.
    """

    found: Pairing = field(default_factory=lambda: Pairing((), ()))
    changed: set[int] = field(default_factory=set)
    grouped: set[int] = field(default_factory=set)


def regroup_photographs(
    root_id: int,
    neighbourhood: Neighbourhood,
    at: str | None = None,
    *,
    disturbed: Collection[int] | None = None,
) -> RegroupedBuckets:
    """Group all files of a neighbourhood anew; with the time `at`, what changed is noted.

    With the contents that were `disturbed`, only groups that changed or hold one of them count as
    grouped anew: a camera gives the same name again and again, in thousands of folders.
    """
    if not neighbourhood.has_groups and not _may_hold_groups(neighbourhood.names):
        return RegroupedBuckets()
    stored = file_groups.of_buckets(root_id, neighbourhood.buckets)
    members = file_groups.members_under(root_id, neighbourhood.buckets)
    bucket_by_file = {record.id: bucket for bucket, record, _ in members}
    found = photographs(_candidates(members))
    wanted = [
        (min(bucket_by_file[member.file_id] for member in group.members), group)
        for group in found.groups
    ]
    new, touched = file_groups.replace_groups(root_id, stored, wanted, at)
    content_of = {record.id: original.id for _, record, original in members}
    in_groups = {
        member.file_id
        for group in found.groups
        if disturbed is None or _is_concerned(group, touched, content_of, disturbed)
        for member in group.members
    } | touched
    return RegroupedBuckets(
        Pairing(tuple(new), found.ambiguous),
        {content_of[file_id] for file_id in touched & content_of.keys()},
        {content_of[file_id] for file_id in in_groups & content_of.keys()},
    )


def _is_concerned(
    group: FileGroup,
    touched: Collection[int],
    content_of: Mapping[int, int],
    disturbed: Collection[int],
) -> bool:
    return any(
        member.file_id in touched or content_of[member.file_id] in disturbed
        for member in group.members
    )


def left_open(root_id: int, bucket: str, file_id: int) -> list[str]:
    """What the rules could not decide about a file, in words."""
    (neighbourhood,) = neighbourhoods(root_id, [bucket])
    found = photographs(_candidates(file_groups.members_under(root_id, neighbourhood.buckets)))
    return [open_.reason for open_ in found.ambiguous if file_id in open_.file_ids]


def _candidates(
    members: Sequence[tuple[str, FileRecord, OriginalRecord]],
) -> list[PairCandidate]:
    chosen = decisions.choices_of(original.sha256 for *_, original in members)
    return [
        candidate(record, original, is_chosen=original.sha256 in chosen)
        for _, record, original in members
    ]


def candidate(
    record: FileRecord, original: OriginalRecord, *, is_chosen: bool = False
) -> PairCandidate:
    """What grouping has to know of a file; `is_chosen` where the owner chose its content as the
    primary."""
    directory, _, name = record.path.rpartition(b"/")
    parts = parse_name(name)
    target = sidecar_target(name)
    measured = original.measurement
    media = as_named(MediaType(measured.media_type, measured.kind), name)
    fingerprint = measured.fingerprint
    title = measured.metadata.tags.get("JSON:Title")
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
        plain_name=folded(f"{parts.stem}.{parts.extension}" if parts.extension else parts.stem),
        plain_stem=folded(parts.stem),
        extension=parts.extension,
        edit_mark=parts.edit_mark,
        is_surely_edited=parts.is_surely_edited,
        facet=parts.facet,
        content_identifier=measured.metadata.content_identifier,
        target=target.name if target else None,
        target_form=target.form.value if target else "",
        target_number=target.number if target else "",
        version_of=target.version_of if target else None,
        title=folded(title) if title else None,
        is_chosen=is_chosen,
    )


def _may_hold_groups(names: Sequence[Name]) -> bool:
    """Whether there is anything to tie: most pictures stand alone, and hundreds may be called
    `name (1)` and so on, so nothing is read of them for nothing."""
    if len(names) < 2:
        return False
    kinds = {one.kind for one in names}
    if kinds != {Kind.IMAGE.value}:
        return not kinds.isdisjoint({kind.value for kind in (Kind.IMAGE, Kind.RAW, Kind.VIDEO)})
    return any(_is_marked_edit(one.name) for one in names)


def _is_marked_edit(name: bytes) -> bool:
    parts = parse_name(name)
    return parts.edit_mark is not None or "~" in (parts.copy_mark or "")
