"""Exact copies in numbers: what is equal byte for byte, and what one copy of each would free.

A sidecar frees nothing, as it is never acted on (`grouping/keep_rules.py`): two of equal bytes may
speak of two photographs. Nor do files of one photograph (`grouping/separate_copies.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from twinlens.grouping.separate_copies import separate_copies
from twinlens.model.files import FileStatus
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind
from twinlens.store.rows import tuples
from twinlens.store.tables import File, FileGroup, GroupMember, Original, Root

AT_ONCE = 500
"""Numbers that one query asks for."""


def photographs_of(file_ids: Iterable[int]) -> dict[int, int]:
    """The group of one photograph that a file is in, by the file's id; bursts are none."""
    found: dict[int, int] = {}
    for some in _parts(sorted(set(file_ids))):
        found |= dict(tuples(_memberships().where(GroupMember.file.in_(some))))
    return found


def numbers(*, is_watched_only: bool) -> tuple[int, int]:
    """(contents with several files that are not one inode, bytes more than one copy needs)."""
    shared = Original.select(Original.id, Original.size).where(
        (Original.reference_count > 1) & (Original.size > 0)
    )
    sizes: dict[int, int] = dict(tuples(shared))
    contents = spare_bytes = 0
    # By numbers: asked in one query, SQLite goes through every file or every group there is.
    for some in _parts(sorted(sizes)):
        query = (
            File.select(File.original, File.id, File.kind, File.device, File.inode)
            .where(File.original.in_(some) & (File.status != FileStatus.GONE.value))
            .order_by(File.original)
        )
        if is_watched_only:
            query = query.join(Root).where(Root.is_active)
        rows = list(tuples(query))
        photographs = photographs_of(file_id for _, file_id, *_ in rows)
        for original_id, those in groupby(rows, key=lambda row: row[0]):
            files = [
                (kind, (device, inode), photographs.get(i)) for _, i, kind, device, inode in those
            ]
            contents += len({inode for _, inode, _ in files}) > 1
            if not any(kind == Kind.SIDECAR.value for kind, _, _ in files):
                copies = separate_copies((inode, group) for _, inode, group in files)
                spare_bytes += sizes[original_id] * copies.spare
    return contents, spare_bytes


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _memberships() -> Any:
    return (
        GroupMember.select(GroupMember.file, GroupMember.group)
        .join(FileGroup)
        .where(FileGroup.group_type != GroupType.BURST.value)
        .switch(GroupMember)
    )
