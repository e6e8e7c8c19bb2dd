"""Bursts: the pictures around one, and the groups that are recorded of them.

Read by the second and by folder; nothing heavier than a row of an index is touched until the shots
that hang together are known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import JOIN

from twinlens.model.files import FileRecord, FileStatus
from twinlens.model.groups import FileGroup, GroupType
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store.file_groups import members_of, value_of
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import File, GroupMember, Original
from twinlens.store.tables import FileGroup as GroupRow

_PICTURES = (Kind.IMAGE.value, Kind.RAW.value)
_FIELDS = (
    *(File.id, File.directory, File.original, File.burst_key),
    *(Original.captured_at, Original.burst_id),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A live picture, as far as it tells what it hangs together with."""

    file_id: int
    directory: bytes
    original_id: int
    captured_at: str | None
    burst_id: str | None
    burst_key: str | None


class Stored(NamedTuple):
    """A file that was recorded in a burst, by the burst's id."""

    group_id: int
    directory: bytes
    original_id: int | None


def _is_live_picture() -> Any:
    return (
        (File.root == slot("root"))
        & (File.status != FileStatus.GONE.value)
        & File.kind.in_(_PICTURES)
    )


_UNDER = Statement(
    File,
    lambda: (
        File.select(*_FIELDS)
        .join(Original)
        .where(_is_live_picture() & File.radical.in_(any_of("buckets")))
        .order_by(File.id)
    ),
)
# The contents of a span of seconds are few, the files of a folder may be many: hence the order.
_BETWEEN = Statement(
    Original,
    lambda: (
        Original.select(*_FIELDS)
        .join(File, JOIN.CROSS)
        .where(
            (Original.captured_at >= slot("first"))
            & (Original.captured_at <= slot("last"))
            & (File.original == Original.id)
            & _is_live_picture()
            & (File.directory == slot("directory"))
        )
    ),
)
_WITH_ID = Statement(
    Original,
    lambda: (
        Original.select(*_FIELDS)
        .join(File, JOIN.CROSS)
        .where(
            (Original.burst_id == slot("burst_id"))
            & (File.original == Original.id)
            & _is_live_picture()
            & (File.directory == slot("directory"))
        )
    ),
)
_WITH_KEY = Statement(
    File,
    lambda: (
        File.select(*_FIELDS)
        .join(Original)
        .where(
            (File.burst_key == slot("burst_key"))
            & _is_live_picture()
            & (File.directory == slot("directory"))
        )
    ),
)
_STORED_UNDER = Statement(
    File,
    lambda: (
        File.select(GroupMember.group, File.directory, File.original)
        .join(GroupMember, JOIN.CROSS)
        .join(GroupRow, JOIN.CROSS)
        .where(
            (File.root == slot("root"))
            & File.radical.in_(any_of("buckets"))
            & (GroupMember.file == File.id)
            & (GroupRow.id == GroupMember.group)
            & (GroupRow.group_type == GroupType.BURST.value)
        )
    ),
)
_STORED_OF = Statement(
    GroupMember,
    lambda: (
        GroupMember.select(GroupMember.group)
        .join(GroupRow)
        .where(
            GroupMember.file.in_(any_of("files")) & (GroupRow.group_type == GroupType.BURST.value)
        )
        .distinct()
    ),
)
_FRAMES_OF = Statement(
    GroupMember,
    lambda: (
        GroupMember.select(*_FIELDS)
        .join(File, JOIN.CROSS)
        .join(Original, JOIN.CROSS)
        .where(
            GroupMember.group.in_(any_of("groups"))
            & (File.id == GroupMember.file)
            & _is_live_picture()
            & (Original.id == File.original)
        )
    ),
)
_GROUPS = Statement(GroupRow, lambda: GroupRow.select().where(GroupRow.id.in_(any_of("groups"))))
_PHOTOGRAPHS = Statement(
    GroupMember,
    lambda: (
        GroupMember.select(GroupMember.file, GroupMember.group)
        .join(GroupRow)
        .where(
            GroupMember.file.in_(any_of("files")) & (GroupRow.group_type != GroupType.BURST.value)
        )
        .order_by(GroupMember.id)
    ),
)
_LIVE = Statement(
    File,
    lambda: (
        File.select()
        .where(File.id.in_(any_of("files")) & (File.status != FileStatus.GONE.value))
        .order_by(File.id)
    ),
)


def under(root_id: int, buckets: Iterable[str]) -> list[Frame]:
    """The pictures of these buckets."""
    return [_frame(row) for row in _UNDER.all(root=root_id, buckets=buckets)]


def between(root_id: int, directory: bytes, first: str, last: str) -> list[Frame]:
    """The folder's pictures taken from `first` to `last`, both as clock faces."""
    rows = _BETWEEN.all(root=root_id, directory=directory, first=first, last=last)
    return [_frame(row) for row in rows]


def with_id(root_id: int, directory: bytes, burst_id: str) -> list[Frame]:
    """The folder's pictures that carry an identifier."""
    rows = _WITH_ID.all(root=root_id, directory=directory, burst_id=burst_id)
    return [_frame(row) for row in rows]


def with_key(root_id: int, directory: bytes, burst_key: str) -> list[Frame]:
    """The folder's pictures whose names are of one burst."""
    rows = _WITH_KEY.all(root=root_id, directory=directory, burst_key=burst_key)
    return [_frame(row) for row in rows]


def stored_under(root_id: int, buckets: Iterable[str]) -> list[Stored]:
    """The files of these buckets, gone or not, that were recorded in a burst."""
    rows = _STORED_UNDER.tuples(root=root_id, buckets=buckets)
    return [Stored(group, bytes(directory), content) for group, directory, content in rows]


def stored_of(file_ids: Iterable[int]) -> set[int]:
    """The ids of the bursts that these files were recorded in."""
    return {group_id for (group_id,) in _STORED_OF.tuples(files=file_ids)}


def frames_of(root_id: int, group_ids: Iterable[int]) -> list[Frame]:
    """The pictures that were recorded in these bursts, where they are still live in the root."""
    return [_frame(row) for row in _FRAMES_OF.all(root=root_id, groups=group_ids)]


def groups(group_ids: Iterable[int]) -> dict[int, FileGroup]:
    """The recorded bursts with these ids."""
    rows = _GROUPS.all(groups=group_ids)
    return {row.id: value_of(row, members_of(row.id)) for row in rows}


def photographs_of(file_ids: Iterable[int]) -> dict[int, FileGroup]:
    """For each of these files that stands in one: its photograph's group."""
    group_of = dict(_PHOTOGRAPHS.tuples(files=file_ids))
    found = groups(set(group_of.values()))
    return {file_id: found[group_id] for file_id, group_id in group_of.items()}


def contents(file_ids: Iterable[int]) -> dict[int, tuple[FileRecord, OriginalRecord]]:
    """These live files with their contents, by the file's id."""
    records = files_store.from_rows(_LIVE.all(files=file_ids))
    by_id = {
        o.id: o for o in originals_store.get_many(r.original_id for r in records if r.original_id)
    }
    return {r.id: (r, by_id[r.original_id]) for r in records if r.original_id in by_id}


def _frame(row: Any) -> Frame:
    return Frame(
        int(row.id),
        bytes(row.directory),
        int(row.original_id),
        row.captured_at,
        row.burst_id,
        row.burst_key,
    )
