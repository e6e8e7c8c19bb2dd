"""Groups of files that are one photograph, rebuilt bucket by bucket."""

from collections.abc import Iterable, Sequence
from typing import Any

from peewee import JOIN

from twinlens.model.files import FileRecord, FileStatus
from twinlens.model.groups import BurstSpan, FileGroup, FileMember, GroupType
from twinlens.model.originals import OriginalRecord
from twinlens.store import files as files_store
from twinlens.store import group_story
from twinlens.store import originals as originals_store
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import File, GroupMember
from twinlens.store.tables import FileGroup as GroupRow
from twinlens.store.tables_owner import Burst as BurstRow

_Other = GroupMember.alias()
_OF_BUCKETS = Statement(
    GroupRow,
    lambda: (
        GroupRow.select()
        .where(
            (GroupRow.root == slot("root"))
            & GroupRow.bucket.in_(any_of("buckets"))
            & (GroupRow.group_type != GroupType.BURST.value)
        )
        .order_by(GroupRow.id)
    ),
)
_FILES_UNDER = Statement(
    File,
    lambda: (
        File.select()
        .where(
            (File.root == slot("root"))
            & File.radical.in_(any_of("buckets"))
            & (File.status != FileStatus.GONE.value)
            & File.original.is_null(False)
        )
        .order_by(File.radical, File.directory, File.name)
    ),
)
_MEMBERS = Statement(
    GroupMember,
    lambda: GroupMember.select().where(GroupMember.group == slot("group")).order_by(GroupMember.id),
)
_INSERT_MEMBER = Statement(
    GroupMember,
    lambda: GroupMember.insert(
        {
            GroupMember.group: slot("group"),
            GroupMember.file: slot("file"),
            GroupMember.file_type: slot("file_type"),
            GroupMember.is_primary: slot("is_primary"),
            GroupMember.evidence: slot("evidence"),
            GroupMember.rule: slot("rule"),
            GroupMember.runner_up: slot("runner_up"),
            GroupMember.sequence: slot("sequence"),
        }
    ),
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


def members_under(
    root_id: int, buckets: Iterable[str]
) -> list[tuple[str, FileRecord, OriginalRecord]]:
    """The live files of these buckets with their buckets and contents, in the order of buckets and
    paths."""
    rows = _FILES_UNDER.all(root=root_id, buckets=buckets)
    records = files_store.from_rows(rows)
    contents = {
        o.id: o for o in originals_store.get_many(r.original_id for r in records if r.original_id)
    }
    return [
        (str(row.radical), record, contents[record.original_id])
        for row, record in zip(rows, records, strict=True)
        if record.original_id in contents
    ]


def of_buckets(root_id: int, buckets: Iterable[str]) -> dict[int, FileGroup]:
    """The photographs recorded under these buckets, by id."""
    rows = _OF_BUCKETS.all(root=root_id, buckets=buckets)
    return {row.id: value_of(row, members_of(row.id)) for row in rows}


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
    waiting: dict[FileGroup, list[int]] = {}
    for number, (_, group) in enumerate(wanted):
        waiting.setdefault(group, []).append(number)
    kept: set[int] = set()
    touched: set[int] = set()
    gone: list[FileGroup] = []
    for group_id, group in stored.items():
        known = waiting.get(group)
        if known:
            kept.add(known.pop(0))
        else:
            gone.append(group)
            touched |= {member.file_id for member in group.members}
            GroupRow.delete().where(GroupRow.id == group_id).execute()
    left = [one for number, one in enumerate(wanted) if number not in kept]
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
    for member in group.members:
        _INSERT_MEMBER.insert(
            group=group_id,
            file=member.file_id,
            file_type=member.file_type,
            is_primary=member.is_primary,
            evidence=member.evidence,
            rule=member.rule,
            runner_up=member.runner_up,
            sequence=member.sequence,
        )
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
