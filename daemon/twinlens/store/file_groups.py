"""Groups of files that are one photograph, rebuilt bucket by bucket."""

from collections.abc import Iterable, Sequence
from typing import Any

from twinlens.model.files import FileRecord, FileStatus
from twinlens.model.groups import FileGroup, FileMember, GroupType
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, slot
from twinlens.store.tables import File, GroupMember
from twinlens.store.tables import FileGroup as GroupRow

_A_RAW = Statement(
    File,
    lambda: (
        File.select(File.id)
        .where(
            (File.root == slot("root"))
            & (File.radical == slot("bucket"))
            & (File.status != FileStatus.GONE.value)
            & (File.kind == Kind.RAW.value)
        )
        .limit(1)
    ),
)
_OF_BUCKET = Statement(
    GroupRow,
    lambda: GroupRow.select().where(
        (GroupRow.root == slot("root")) & (GroupRow.bucket == slot("bucket"))
    ),
)


def bucket_has_raw(root_id: int, bucket: str) -> bool:
    """Whether any live file of the bucket is a RAW: without one there is nothing to pair."""
    return _A_RAW.first(root=root_id, bucket=bucket) is not None


def every_bucket() -> set[tuple[int, str]]:
    """Each (root id, radical) under which a RAW or a group stands."""
    raws = (
        File.select(File.root, File.radical)
        .where((File.kind == Kind.RAW.value) & (File.status != FileStatus.GONE.value))
        .distinct()
    )
    groups = GroupRow.select(GroupRow.root, GroupRow.bucket).distinct()
    return {(root, bucket) for query in (raws, groups) for root, bucket in tuples(query)}


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


def of_bucket(root_id: int, bucket: str) -> dict[int, FileGroup]:
    """The bucket's groups as recorded, by id."""
    return {
        row.id: value_of(row, _members(row)) for row in _OF_BUCKET.all(root=root_id, bucket=bucket)
    }


def replace_bucket(
    root_id: int, bucket: str, groups: Sequence[FileGroup]
) -> tuple[list[FileGroup], set[int]]:
    """Make the bucket hold exactly `groups`.

    A group that is already there keeps its id. Returns the groups that are new, and the ids of all
    files whose membership changed.
    """
    stored = of_bucket(root_id, bucket)
    wanted = list(groups)
    touched: set[int] = set()
    for group_id, group in stored.items():
        if group in wanted:
            wanted.remove(group)
        else:
            touched |= {member.file_id for member in group.members}
            GroupRow.delete().where(GroupRow.id == group_id).execute()
    for group in wanted:
        touched |= {member.file_id for member in group.members}
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
    return wanted, touched


def group_ids_of_originals(ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """For each content: the ids of the groups that its live files are in."""
    query = (
        GroupMember.select(File.original, GroupMember.group)
        .join(File)
        .where(File.original.in_(list(ids)) & (File.status != FileStatus.GONE.value))
    )
    found: dict[int, set[int]] = {}
    for original_id, group_id in tuples(query):
        found.setdefault(original_id, set()).add(group_id)
    return {original_id: frozenset(groups) for original_id, groups in found.items()}


def value_of(row: Any, members: Iterable[GroupMember]) -> FileGroup:
    """The value of a group's row and its members."""
    return FileGroup(
        GroupType(row.group_type),
        row.rule,
        tuple(_member(member) for member in members),
        tuple(GroupType(aspect) for aspect in row.aspects.split()),
    )


def _member(row: GroupMember) -> FileMember:
    return FileMember(
        row.file_id,
        row.file_type,
        bool(row.is_primary),
        row.evidence,
        row.rule,
        row.runner_up,
        row.sequence,
    )


def _members(row: Any) -> list[GroupMember]:
    query = GroupMember.select().where(GroupMember.group == row.id).order_by(GroupMember.id)
    return list(query)
