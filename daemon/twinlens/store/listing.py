"""Reading for the verbs that show: files, groups, duplicates, and the numbers of `status`.

Only files of active roots are shown: those of a root that the config no longer names are known,
but no longer watched.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from peewee import JOIN

from twinlens.model.files import FileStatus
from twinlens.model.groups import (
    GroupType,
)
from twinlens.model.views import DuplicateView, FileGroupView, FileView, Summary
from twinlens.store import duplicate_groups, exact_copies, tallies
from twinlens.store import file_groups as file_groups_store
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store.rows import tuples
from twinlens.store.tables import (
    DuplicateGroup as DuplicateGroupRow,
)
from twinlens.store.tables import (
    DuplicateMember as DuplicateMemberRow,
)
from twinlens.store.tables import (
    File,
    FileGroup,
    GroupMember,
    Original,
    Root,
)

AT_ONCE = 100
"""Contents whose files one query reads."""


def files() -> Iterator[FileView]:
    """Every live file, in the order of roots and paths; streamed."""
    query = _live().order_by(Root.path, File.directory, File.name)
    for row in query.iterator():
        yield _view(row)


def file_at(path: bytes) -> FileView | None:
    """The file at an absolute path, gone or not."""
    # A root that is no longer watched may hold a watched one.
    for root in Root.select().order_by(Root.is_active.desc(), Root.path.desc()):
        prefix = bytes(root.path).rstrip(b"/") + b"/"
        if path.startswith(prefix):
            record = files_store.find(root.id, path[len(prefix) :])
            if record is not None:
                original = originals_store.get(record.original_id) if record.original_id else None
                return FileView(path, record, original)
    return None


def gone_since(file_id: int) -> str | None:
    """When a file was found to be gone; None where it is not."""
    row = File.get_or_none(File.id == file_id)
    return None if row is None or row.deleted_at is None else str(row.deleted_at)


def file_groups(group_type: str | None = None) -> Iterator[FileGroupView]:
    """File groups in the order of their first member's path; those in which one type of tie is
    among the ties, where it is named."""
    query = FileGroup.select().join(Root).where(Root.is_active)
    if group_type is not None:
        # The names of types hold no blank, and none is part of another.
        query = query.where(FileGroup.aspects.contains(group_type))
    views = [_group_view(row) for row in query]
    yield from sorted(views, key=lambda view: view.paths[:1])


def groups_of_file(file_id: int) -> list[FileGroupView]:
    """The groups that a file is in."""
    query = FileGroup.select().join(GroupMember).where(GroupMember.file == file_id)
    return [_group_view(row) for row in query]


def shared_originals() -> Iterator[tuple[FileView, ...]]:
    """For each content with more than one live file: those files, in the order of their paths.
    Contents come by their digests; the first do not wait for what is behind them."""
    shared = (
        Original.select(Original.sha256, Original.id)
        .where((Original.reference_count > 1) & (Original.size > 0))
        .order_by(Original.sha256)
        .limit(AT_ONCE)
    )
    last = ""
    while some := list(tuples(shared.where(Original.sha256 > last))):
        last = some[-1][0]
        query = (
            _live()
            .where(File.original.in_([original_id for _, original_id in some]))
            .order_by(Original.sha256, Root.path, File.directory, File.name)
        )
        for _, rows in groupby(query, key=lambda row: row.original_id):
            yield tuple(_view(row) for row in rows)


def files_of_original(original_id: int, *, most: int | None = None) -> tuple[FileView, ...]:
    """The live files of a content, in the order of their paths; the first of them where `most` is
    given."""
    query = (
        _live()
        .where(File.original == original_id)
        .order_by(Root.path, File.directory, File.name)
        .limit(most)
    )
    return tuple(_view(row) for row in query)


def paths_of_files(ids: Iterable[int]) -> list[bytes]:
    """The absolute paths of files, in the order of their ids' paths."""
    query = (
        File.select(File, Root).join(Root).where(File.id.in_(list(ids))).order_by(File.directory)
    )
    found = []
    for row in query:
        record = files_store.from_rows([row])[0]
        found.append(bytes(row.root.path).rstrip(b"/") + b"/" + record.path)
    return found


def perceptual_groups(original_id: int | None = None) -> Iterator[DuplicateView]:
    """Perceptual duplicate groups by class, then key; those of one content where it is named.

    Contents without a file to show are left out, and groups of which less than two are left.
    """
    query = DuplicateGroupRow.select().order_by(
        DuplicateGroupRow.duplicate_class, DuplicateGroupRow.key
    )
    if original_id is not None:
        query = query.join(DuplicateMemberRow).where(DuplicateMemberRow.original == original_id)
    for row in query:
        rows = (
            DuplicateMemberRow.select()
            .where(DuplicateMemberRow.group == row.id)
            .order_by(DuplicateMemberRow.id)
        )
        shown = [(m, files) for m in rows if (files := files_of_original(m.original_id))]
        if len(shown) < 2:
            continue
        yield DuplicateView(
            id=row.key,
            group=duplicate_groups.value_of(row, [member for member, _ in shown]),
            reviewed=bool(row.reviewed),
            files=tuple(files for _, files in shown),
        )


def summary() -> Summary:
    """The numbers of `status`: what is large is counted as it changes, and what is a duplicate is
    read."""
    by_status: dict[str, int] = {}
    by_kind: dict[str, int] = {}
    size = 0
    for status, kind, _, count, _, total in tallies.live_files():
        by_status[status] = by_status.get(status, 0) + count
        by_kind[kind or "unread"] = by_kind.get(kind or "unread", 0) + count
        size += total
    duplicates, reclaimable = exact_copies.numbers()
    classes = duplicate_groups.shown_by_class()
    groups = tallies.groups_by_type()
    return Summary(
        files=sum(by_status.values()),
        by_status=by_status,
        by_kind=by_kind,
        originals=tallies.contents(),
        bytes_total=size,
        groups={kind.value: groups.get(kind.value, 0) for kind in GroupType},
        duplicates={
            "exact": duplicates,
            "re_encoded": classes.get("re_encoded", 0),
            "similar": classes.get("similar", 0),
        },
        reclaimable_bytes=reclaimable,
        orphans=Original.select().where(Original.orphaned_at.is_null(False)).count(),
    )


def _live() -> Any:
    return (
        File.select(File, Original, Root)
        .join(Original, JOIN.LEFT_OUTER)
        .switch(File)
        .join(Root)
        .where((File.status != FileStatus.GONE.value) & Root.is_active)
    )


def _view(row: File) -> FileView:
    record = files_store.from_rows([row])[0]
    original = originals_store.record(row.original) if row.original is not None else None
    root = bytes(row.root.path).rstrip(b"/")
    return FileView(root + b"/" + record.path, record, original)


def _group_view(row: FileGroup) -> FileGroupView:
    members = list(
        GroupMember.select(GroupMember, File, Root)
        .join(File)
        .join(Root)
        .where(GroupMember.group == row.id)
        .order_by(GroupMember.id)
    )
    group = file_groups_store.value_of(row, members)
    paths, best = [], None
    for member in members:
        record = files_store.from_rows([member.file])[0]
        path = bytes(member.file.root.path).rstrip(b"/") + b"/" + record.path
        paths.append(path)
        if group.burst and record.original_id == group.burst.best_original_id:
            best = best or path
    return FileGroupView(id=row.id, group=group, paths=tuple(paths), best=best)
