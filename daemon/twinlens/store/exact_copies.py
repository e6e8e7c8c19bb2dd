"""Exact copies in numbers: what is equal byte for byte, and what one copy of each would free.

A sidecar frees nothing, as it is never acted on (`grouping/keep_rules.py`): two of equal bytes may
speak of two photographs. Nor do files of one photograph (`grouping/separate_copies.py`).
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


def photographs_of(file_ids: Iterable[int]) -> dict[int, int]:
    """The group of one photograph that a file is in, by the file's id; bursts are none."""
    wanted = sorted(set(file_ids))
    found: dict[int, int] = {}
    for start in range(0, len(wanted), 500):
        query = _memberships().where(GroupMember.file.in_(wanted[start : start + 500]))
        found |= dict(tuples(query))
    return found


def numbers(*, is_watched_only: bool) -> tuple[int, int]:
    """(contents with several files that are not one inode, bytes more than one copy needs)."""
    query = (
        File.select(File.original, Original.size, File.id, File.kind, File.device, File.inode)
        .join(Original)
        .switch(File)
        .join(Root)
        .where(
            (File.status != FileStatus.GONE.value)
            & (Original.reference_count > 1)
            & (Original.size > 0)
        )
        .order_by(File.original)
    )
    if is_watched_only:
        query = query.where(Root.is_active)
    shared = _memberships().join(File).join(Original).where(Original.reference_count > 1)
    photographs = dict(tuples(shared))
    contents = spare_bytes = 0
    for (_, size), rows in groupby(tuples(query), key=lambda row: (row[0], row[1])):
        files = [
            (kind, (device, inode), photographs.get(i)) for _, _, i, kind, device, inode in rows
        ]
        contents += len({inode for _, inode, _ in files}) > 1
        if not any(kind == Kind.SIDECAR.value for kind, _, _ in files):
            spare_bytes += size * separate_copies((i, group) for _, i, group in files).spare
    return contents, spare_bytes


def _memberships() -> Any:
    return (
        GroupMember.select(GroupMember.file, GroupMember.group)
        .join(FileGroup)
        .where(FileGroup.group_type != GroupType.BURST.value)
        .switch(GroupMember)
    )
