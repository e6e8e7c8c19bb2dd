"""Groups of files that are one photograph, rebuilt bucket by bucket."""

from collections.abc import Iterable, Sequence
from typing import Any

from peewee import JOIN, fn

from twinlens.analysis.sidecar_names import BUCKET_LENGTH, sidecar_target
from twinlens.analysis.sidecar_names import bucket_of as name_bucket
from twinlens.model.files import FileRecord, FileStatus
from twinlens.model.groups import BurstSpan, FileGroup, FileMember, GroupType
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind
from twinlens.store import files as files_store
from twinlens.store import group_story
from twinlens.store import originals as originals_store
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import File, GroupMember, Original
from twinlens.store.tables import FileGroup as GroupRow
from twinlens.store.tables_owner import Burst as BurstRow

_Other = GroupMember.alias()
_OtherFile = File.alias()
_OF_BUCKET = Statement(
    GroupRow,
    lambda: GroupRow.select().where(
        (GroupRow.root == slot("root"))
        & (GroupRow.bucket == slot("bucket"))
        & (GroupRow.group_type != GroupType.BURST.value)
    ),
)
_NAMES = Statement(
    File,
    lambda: (
        File.select(File.name, File.kind, Original.content_identifier)
        .join(Original)
        .where(
            (File.root == slot("root"))
            & (File.radical == slot("bucket"))
            & (File.status != FileStatus.GONE.value)
        )
    ),
)
# SQLite cannot know that a bucket holds a handful of files and a root all of them: it would look
# through the whole root. A cross join is carried out in the order in which it is written.
_WITH_IDENTIFIER = Statement(
    Original,
    lambda: (
        Original.select(File.radical)
        .join(File, JOIN.CROSS)
        .where(
            (Original.content_identifier == slot("identifier"))
            & (File.original == Original.id)
            & (File.root == slot("root"))
            & (File.status != FileStatus.GONE.value)
        )
        .distinct()
    ),
)
_GROUPED_WITH = Statement(
    File,
    lambda: (
        File.select(GroupRow.bucket, _OtherFile.radical)
        .join(GroupMember, JOIN.CROSS)
        .join(GroupRow, JOIN.CROSS)
        .join(_Other, JOIN.CROSS)
        .join(_OtherFile, JOIN.CROSS)
        .where(
            (File.root == slot("root"))
            & (File.radical == slot("bucket"))
            & (GroupMember.file == File.id)
            & (GroupRow.id == GroupMember.group)
            & (GroupRow.root == slot("root"))
            & (GroupRow.group_type != GroupType.BURST.value)
            & (_Other.group == GroupRow.id)
            & (_OtherFile.id == _Other.file)
        )
        .distinct()
    ),
)
_MEMBERS_UNDER = Statement(
    GroupRow,
    lambda: (
        GroupRow.select(File.radical)
        .join(GroupMember, JOIN.CROSS)
        .join(File, JOIN.CROSS)
        .where(
            (GroupRow.root == slot("root"))
            & (GroupRow.bucket == slot("bucket"))
            & (GroupRow.group_type != GroupType.BURST.value)
            & (GroupMember.group == GroupRow.id)
            & (File.id == GroupMember.file)
            & (File.root == slot("root"))
        )
        .distinct()
    ),
)


_MEMBERS = Statement(
    GroupMember,
    lambda: GroupMember.select().where(GroupMember.group == slot("group")).order_by(GroupMember.id),
)
_GROUPS_OF = Statement(
    File,
    lambda: (
        File.select(File.original, GroupMember.group)
        .join(GroupMember, JOIN.CROSS)
        .where(
            File.original.in_(any_of("originals"))
            & (File.status != FileStatus.GONE.value)
            & (GroupMember.file == File.id)
        )
    ),
)
_VERSIONS = Statement(
    File,
    lambda: File.select(File.name, File.radical).where(
        (File.root == slot("root"))
        & (File.radical >= slot("from"))
        & (File.radical < slot("to"))
        & (fn.LENGTH(File.radical) == slot("length"))
        & (File.kind == Kind.SIDECAR.value)
        & (File.status != FileStatus.GONE.value)
    ),
)


def bucket_names(root_id: int, bucket: str) -> list[tuple[bytes, str | None, str | None]]:
    """(name, kind, live photo's identifier) of the bucket's live files, reading nothing else."""
    return [
        (bytes(row.name), row.kind, row.content_identifier)
        for row in _NAMES.all(root=root_id, bucket=bucket)
    ]


def neighbourhood(root_id: int, bucket: str) -> set[str]:
    """The bucket and all that hang together with it: files that share a live photo's identifier
    under other names, sidecars of a picture's further versions, and members of groups that were
    recorded."""
    found: set[str] = set()
    waiting = {bucket}
    while waiting:
        name = waiting.pop()
        found.add(name)
        near = {str(row.radical) for row in _MEMBERS_UNDER.all(root=root_id, bucket=name)}
        for row in _GROUPED_WITH.all(root=root_id, bucket=name):
            near |= {str(row.bucket), str(row.radical)}
        for identifier in {one for _, _, one in bucket_names(root_id, name) if one}:
            rows = _WITH_IDENTIFIER.all(root=root_id, identifier=identifier)
            near |= {str(row.radical) for row in rows}
        near |= _of_versions(root_id, name)
        waiting |= near - found
    return found


def _of_versions(root_id: int, bucket: str) -> set[str]:
    """The buckets of the pictures whose further versions the bucket's sidecars may be, and of
    sidecars that may be of a further version of its pictures."""
    near = set()
    for name, kind, _ in bucket_names(root_id, bucket):
        target = sidecar_target(name) if kind == Kind.SIDECAR.value else None
        if target is not None and target.version_of is not None:
            near.add(name_bucket(target.version_of.encode()))
    rows = _VERSIONS.all(
        root=root_id,
        **{"from": f"{bucket}_", "to": f"{bucket}`"},  # the letter behind the underscore
        length=min(len(bucket) + len("_01"), BUCKET_LENGTH),
    )
    for row in rows:
        target = sidecar_target(bytes(row.name))
        version_of = None if target is None else target.version_of
        if version_of is not None and name_bucket(version_of.encode()) == bucket:
            near.add(str(row.radical))
    return near


def every_bucket() -> set[tuple[int, str]]:
    """Each (root id, bucket) under which a live file or a group stands."""
    files = (
        File.select(File.root, File.radical).where(File.status != FileStatus.GONE.value).distinct()
    )
    groups = (
        GroupRow.select(GroupRow.root, GroupRow.bucket)
        .where(GroupRow.group_type != GroupType.BURST.value)
        .distinct()
    )
    return {(root, bucket) for query in (files, groups) for root, bucket in tuples(query)}


def buckets_around(file_id: int) -> set[tuple[int, str]]:
    """(root id, bucket) of all files that stand in a group with this one, for when its row goes."""
    query = (
        GroupMember.select(File.root, File.radical)
        .join(_Other, on=(_Other.group == GroupMember.group))
        .switch(GroupMember)
        .join(File)
        .where(_Other.file == file_id)
        .distinct()
    )
    return {(root, bucket) for root, bucket in tuples(query)}


def bucket_of(file_id: int) -> str | None:
    """The radical under which a file meets others."""
    row = File.get_or_none(File.id == file_id)
    return None if row is None else str(row.radical)


def bucket_members(root_id: int, bucket: str) -> list[tuple[FileRecord, OriginalRecord]]:
    """The bucket's live files with their contents, in the order of their paths."""
    query = (
        File.select()
        .where(
            (File.root == root_id)
            & (File.radical == bucket)
            & (File.status != FileStatus.GONE.value)
            & File.original.is_null(False)
        )
        .order_by(File.directory, File.name)
    )
    records = files_store.from_rows(query)
    contents = {
        o.id: o for o in originals_store.get_many(r.original_id for r in records if r.original_id)
    }
    return [(r, contents[r.original_id]) for r in records if r.original_id in contents]


def of_buckets(root_id: int, buckets: Iterable[str]) -> dict[int, FileGroup]:
    """The photographs recorded under these buckets, by id."""
    return {
        row.id: value_of(row, members_of(row.id))
        for bucket in buckets
        for row in _OF_BUCKET.all(root=root_id, bucket=bucket)
    }


def of_bucket(root_id: int, bucket: str) -> dict[int, FileGroup]:
    """The photographs recorded under one bucket, by id."""
    return of_buckets(root_id, [bucket])


def replace_bucket(
    root_id: int, bucket: str, groups: Iterable[FileGroup]
) -> tuple[list[FileGroup], set[int]]:
    """Make one bucket hold exactly these groups; see `replace_groups`."""
    stored = of_bucket(root_id, bucket)
    return replace_groups(root_id, stored, [(bucket, group) for group in groups])


def replace_groups(
    root_id: int,
    stored: dict[int, FileGroup],
    wanted: Sequence[tuple[str, FileGroup]],
    at: str | None = None,
) -> tuple[list[FileGroup], set[int]]:
    """Put these groups, each under its bucket, in the place of the stored ones; with `at`, what
    changed is noted in the story of their contents.

    A group that is already there keeps its id. Returns the groups that are new, and the ids of all
    files whose membership changed.
    """
    left = list(wanted)
    touched: set[int] = set()
    gone: list[FileGroup] = []
    for group_id, group in stored.items():
        known = next((one for one in left if one[1] == group), None)
        if known is not None:
            left.remove(known)
        else:
            gone.append(group)
            touched |= {member.file_id for member in group.members}
            GroupRow.delete().where(GroupRow.id == group_id).execute()
    for bucket, group in left:
        touched |= {member.file_id for member in group.members}
        _insert(root_id, bucket, group)
    if at is not None:
        group_story.note_files(gone, [group for _, group in left], at)
    return [group for _, group in left], touched


def _insert(root_id: int, bucket: str, group: FileGroup) -> None:
    group_id = GroupRow.insert(
        root=root_id,
        bucket=bucket,
        group_type=group.group_type.value,
        aspects=" ".join(group.aspects),
        rule=group.rule,
    ).execute()
    GroupMember.insert_many(
        [
            {
                "group": group_id,
                "file": member.file_id,
                "file_type": member.file_type,
                "is_primary": member.is_primary,
                "evidence": member.evidence,
                "rule": member.rule,
                "runner_up": member.runner_up,
                "sequence": member.sequence,
            }
            for member in group.members
        ]
    ).execute()
    if group.burst is not None:
        BurstRow.insert(
            group=group_id,
            started_at=group.burst.started_at,
            ended_at=group.burst.ended_at,
            camera=group.burst.camera,
            best_original=group.burst.best_original_id,
        ).execute()


def group_ids_of_originals(ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """For each content: the ids of the groups that its live files are in."""
    found: dict[int, set[int]] = {}
    for original_id, group_id in _GROUPS_OF.tuples(originals=ids):
        found.setdefault(original_id, set()).add(group_id)
    return {original_id: frozenset(groups) for original_id, groups in found.items()}


def value_of(row: Any, members: Iterable[Any]) -> FileGroup:
    """The value of a group's row and its members, models' or a statement's."""
    return FileGroup(
        GroupType(row.group_type),
        row.rule,
        tuple(_member(member) for member in members),
        tuple(GroupType(aspect) for aspect in row.aspects.split()),
        _burst(row.id) if row.group_type == GroupType.BURST.value else None,
    )


def _burst(group_id: int) -> BurstSpan | None:
    row = BurstRow.get_or_none(BurstRow.group == group_id)
    if row is None:
        return None
    return BurstSpan(row.started_at, row.ended_at, row.camera, row.best_original_id)


def _member(row: Any) -> FileMember:
    return FileMember(
        row.file_id,
        row.file_type,
        bool(row.is_primary),
        row.evidence,
        row.rule,
        row.runner_up,
        row.sequence,
    )


def members_of(group_id: int) -> list[Any]:
    """The rows of a group's members, in their order."""
    return _MEMBERS.all(group=group_id)
