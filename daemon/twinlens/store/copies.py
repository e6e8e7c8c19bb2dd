"""The files that an action may concern: exact copies, and all that belongs together with them."""

from collections.abc import Iterable, Iterator
from typing import Any

from peewee import JOIN

from twinlens.model.actions import Place
from twinlens.model.copies import Copy
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState
from twinlens.store.integers import to_unsigned
from twinlens.store.rows import tuples
from twinlens.store.tables import Catalog, File, GroupMember, Original, Root

_BATCH = 400


def exact_copies() -> tuple[list[Copy], list[frozenset[int]]]:
    """Every live file that has an exact copy, with all files that are tied to such by groups or by
    name; and the file groups among them, as sets of file ids."""
    known: set[int] = set()
    fresh = _shared()
    while fresh:
        known |= fresh
        fresh = (_mates(fresh) | _namesakes(fresh)) - known
    copies = [copy for batch in _batches(known) for copy in _read(batch)]
    return copies, _groups(known)


def live_places(sha256: str) -> list[Place]:
    """Where a content lies now, in the order of the paths; roots that are away are left out."""
    query = (
        File.select(Root.path, File.directory, File.name)
        .join(Root)
        .switch(File)
        .join(Original)
        .where(
            (Original.sha256 == sha256)
            & (File.status == FileStatus.OK.value)
            & Root.is_active
            & (Root.state == RootState.ONLINE.value)
        )
        .order_by(Root.path, File.directory, File.name)
    )
    return [Place(bytes(root), _path(folder, name)) for root, folder, name in tuples(query)]


def root_ids() -> dict[bytes, int]:
    """The id of every root ever named, by its path."""
    return {bytes(row.path): row.id for row in Root.select()}


def _shared() -> set[int]:
    query = (
        File.select(File.id)
        .join(Original)
        .switch(File)
        .join(Root)
        .where(
            (File.status != FileStatus.GONE.value)
            & Root.is_active
            & (Original.reference_count > 1)
            & (Original.size > 0)
        )
    )
    return {file_id for (file_id,) in tuples(query)}


def _mates(ids: set[int]) -> set[int]:
    """The files of the groups that these are in."""
    found: set[int] = set()
    other = GroupMember.alias()
    for batch in _batches(ids):
        query = (
            other.select(other.file)
            .join(GroupMember, on=(GroupMember.group == other.group))
            .where(GroupMember.file.in_(batch))
        )
        found |= {file_id for (file_id,) in tuples(query)}
    return found


def _namesakes(ids: set[int]) -> set[int]:
    """The live files of one folder and radical with these."""
    found: set[int] = set()
    other = File.alias()
    for batch in _batches(ids):
        query = (
            other.select(other.id)
            .join(
                File,
                on=(
                    (File.root == other.root)
                    & (File.radical == other.radical)
                    & (File.directory == other.directory)
                ),
            )
            .where(File.id.in_(batch) & (other.status != FileStatus.GONE.value))
        )
        found |= {file_id for (file_id,) in tuples(query)}
    return found


def _groups(ids: set[int]) -> list[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for batch in _batches(ids):
        query = GroupMember.select(GroupMember.group, GroupMember.file).where(
            GroupMember.file.in_(batch)
        )
        for group_id, file_id in tuples(query):
            found.setdefault(group_id, set()).add(file_id)
    return [frozenset(found[group_id]) for group_id in sorted(found)]


def _read(ids: list[int]) -> Iterator[Copy]:
    query = (
        File.select(File, Original, Root, Catalog)
        .join(Original, JOIN.LEFT_OUTER)
        .switch(File)
        .join(Root)
        .join(Catalog)
        .where(File.id.in_(ids) & (File.status != FileStatus.GONE.value))
    )
    for row in query:
        original = row.original
        yield Copy(
            file_id=row.id,
            catalog=row.root.catalog.name,
            place=Place(bytes(row.root.path), _path(row.directory, row.name)),
            # A file that was never read is equal to no other.
            sha256=f"unread {row.id}" if original is None else original.sha256,
            size=row.size,
            identity=(to_unsigned(row.device), to_unsigned(row.inode)),
            mtime_ns=row.mtime_ns,
            kind=row.kind or "",
            radical=row.radical,
            quality=None if original is None else original.quality_score,
            pixels=None if original is None else (original.width or 0) * (original.height or 0),
            obstacle="it lies on another mount than its root" if row.is_nested else None,
            doubt=_doubt(row),
        )


def _doubt(row: Any) -> str | None:
    if RootState(row.root.state) is not RootState.ONLINE or not row.root.is_active:
        return f"its folder is {row.root.state if row.root.is_active else 'not watched any more'}"
    if FileStatus(row.status) is not FileStatus.OK:
        return f"the file is {row.status}"
    return None


def _path(directory: Any, name: Any) -> bytes:
    return bytes(directory) + b"/" + bytes(name) if directory else bytes(name)


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]
