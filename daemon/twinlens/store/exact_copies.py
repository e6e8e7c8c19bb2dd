"""Exact copies: which files of a content may be offered as copies of each other, and the numbers.

A sidecar is never offered, as it is never acted on (`grouping/keep_rules.py`): two of equal bytes
may speak of two photographs. Nor are files of one photograph (`grouping/separate_copies.py`).
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from twinlens.grouping.separate_copies import separate_copies
from twinlens.model.files import FileStatus
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind
from twinlens.store.rows import tuples
from twinlens.store.tables import File, FileGroup, GroupMember, Original, Root


def is_offered() -> Any:
    """The condition on a file: it holds what can be a copy by itself."""
    return File.kind.is_null() | (File.kind != Kind.SIDECAR.value)


def photographs_of(file_ids: Iterable[int]) -> dict[int, int]:
    """The group of one photograph that a file is in, by the file's id; bursts are none."""
    wanted = sorted(set(file_ids))
    found: dict[int, int] = {}
    for start in range(0, len(wanted), 500):
        query = _memberships().where(GroupMember.file.in_(wanted[start : start + 500]))
        found |= dict(tuples(query))
    return found


def numbers(*, is_watched_only: bool) -> tuple[int, int]:
    """(contents with separate copies, bytes that are more than one copy of each needs)."""
    query = (
        File.select(File.original, Original.size, File.id, File.device, File.inode)
        .join(Original)
        .switch(File)
        .join(Root)
        .where(
            (File.status != FileStatus.GONE.value)
            & (Original.reference_count > 1)
            & (Original.size > 0)
            & is_offered()
        )
        .order_by(File.original)
    )
    if is_watched_only:
        query = query.where(Root.is_active)
    shared = _memberships().join(File).join(Original).where(Original.reference_count > 1)
    photographs = dict(tuples(shared))
    contents = spare_bytes = 0
    for (_, size), rows in groupby(tuples(query), key=lambda row: (row[0], row[1])):
        found = separate_copies(((row[3], row[4]), photographs.get(row[2])) for row in rows)
        if len(found.copies) > 1:
            contents += 1
            spare_bytes += size * found.spare
    return contents, spare_bytes


def _memberships() -> Any:
    return (
        GroupMember.select(GroupMember.file, GroupMember.group)
        .join(FileGroup)
        .where(FileGroup.group_type != GroupType.BURST.value)
        .switch(GroupMember)
    )
