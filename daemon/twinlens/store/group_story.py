"""What changed about groups, told in the story of the contents that it means something for.

That a group comes into being is no change: most do while a library is scanned for the first time.
When one changes its members or its primary, or is dissolved, the old and the new primary get a row,
and so does each content that is left without a group. Rows a change are few, however large a group.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from twinlens.model.files import FileStatus
from twinlens.model.groups import DuplicateGroup, FileGroup, GroupType
from twinlens.model.paths import join, to_text
from twinlens.store import revisions
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original, Root

MOST_NAMED = 8
"""Members of a group that a row names; of the others it gives the number."""

_MOST_ASKED = 8 * MOST_NAMED
"""Members that are asked for a name: files of some may be gone."""

PHOTOGRAPH = "photograph"
SERIES = "series"
DUPLICATES = "duplicates"


@dataclass(frozen=True, slots=True)
class _Standing:
    """A group by its members alone: the ids of files, or of contents."""

    what: str
    members: tuple[int, ...]
    primary: int | None


@dataclass(frozen=True, slots=True)
class _Named:
    """A member as a row tells it."""

    sha256: str
    path: str


def note_files(gone: Sequence[FileGroup], new: Sequence[FileGroup], at: str) -> None:
    """Photographs or series were replaced by others. In a transaction."""
    if gone:
        before, after = [_of_files(group) for group in gone], [_of_files(group) for group in new]
        _note(before, after, _files(_named_of(before, after)), at)


def note_contents(gone: Sequence[DuplicateGroup], new: Sequence[DuplicateGroup], at: str) -> None:
    """Groups of duplicates were replaced by others. In a transaction."""
    if gone:
        before = [_of_contents(group) for group in gone]
        after = [_of_contents(group) for group in new]
        _note(before, after, _contents(_named_of(before, after)), at)


def _note(
    gone: Sequence[_Standing], new: Sequence[_Standing], named: dict[int, _Named], at: str
) -> None:
    told: set[tuple[str, str, str | None]] = set()
    grouped = {member for group in new for member in group.members}
    for before in gone:
        after = _successor(before, new)
        if after is not None and (after.members, after.primary) == (before.members, before.primary):
            continue
        left = set(before.members) - grouped
        ends = {before.primary, after.primary if after else None}
        old, now = _told(before, named), None if after is None else _told(after, named)
        for member in sorted((left | ends) & named.keys(), key=lambda one: one or 0):
            sha256 = named[member].sha256 if member is not None else ""
            # One that left has nothing now, whatever became of the others.
            text = None if member in left else now
            if (sha256, old, text) not in told:
                told.add((sha256, old, text))
                revisions.add(
                    sha256, before.what, at, before=old, after=text, actor=revisions.RULES
                )


def _successor(before: _Standing, new: Sequence[_Standing]) -> _Standing | None:
    """The new group that holds most of the old one's members; its primary's where two hold as
    many."""
    shared = [
        (len(set(group.members) & set(before.members)), before.primary in group.members, -number)
        for number, group in enumerate(new)
    ]
    best = max(shared, default=(0, False, 0))
    return new[-best[2]] if best[0] else None


def _of_files(group: FileGroup) -> _Standing:
    return _Standing(
        SERIES if group.group_type is GroupType.BURST else PHOTOGRAPH,
        tuple(sorted(member.file_id for member in group.members)),
        next((member.file_id for member in group.members if member.is_primary), None),
    )


def _of_contents(group: DuplicateGroup) -> _Standing:
    return _Standing(
        DUPLICATES,
        tuple(sorted(member.original_id for member in group.members)),
        next((member.original_id for member in group.members if member.is_primary), None),
    )


def _named_of(gone: Sequence[_Standing], new: Sequence[_Standing]) -> list[int]:
    """Those whose names may be told: the first of each group, its primary, and who left; a large
    group is not read whole each time it grows."""
    grouped = {member for group in new for member in group.members}
    left = {member for group in gone for member in group.members} - grouped
    first = {
        member
        for group in (*gone, *new)
        for member in (*group.members[:_MOST_ASKED], group.primary)
        if member is not None
    }
    return sorted(left | first)


def _told(group: _Standing, named: dict[int, _Named]) -> str:
    shown = [member for member in group.members if member in named]
    told: dict[str, object] = {"files": [named[member].path for member in shown[:MOST_NAMED]]}
    if len(group.members) > len(shown[:MOST_NAMED]):
        told["more"] = len(group.members) - len(shown[:MOST_NAMED])
    if group.primary in named and group.primary is not None:
        told["primary"] = named[group.primary].path
    return json.dumps(told)


def _files(ids: Sequence[int]) -> dict[int, _Named]:
    """The live files among these; one that went has no story here."""
    found: dict[int, _Named] = {}
    for start in range(0, len(ids), 500):
        query = (
            File.select(File.id, Original.sha256, Root.path, File.directory, File.name)
            .join(Original)
            .switch(File)
            .join(Root)
            .where(File.id.in_(ids[start : start + 500]) & (File.status != FileStatus.GONE.value))
        )
        for file_id, sha256, root, directory, name in tuples(query):
            found[file_id] = _Named(sha256, _path(root, directory, name))
    return found


def _contents(ids: Sequence[int]) -> dict[int, _Named]:
    """The contents among these that have a live file, with the first by path."""
    found: dict[int, _Named] = {}
    for start in range(0, len(ids), 500):
        query = (
            File.select(File.original, Original.sha256, Root.path, File.directory, File.name)
            .join(Original)
            .switch(File)
            .join(Root)
            .where(
                File.original.in_(ids[start : start + 500]) & (File.status != FileStatus.GONE.value)
            )
            .order_by(Root.path, File.directory, File.name)
        )
        for original_id, sha256, root, directory, name in tuples(query):
            found.setdefault(original_id, _Named(sha256, _path(root, directory, name)))
    return found


def _path(root: bytes, directory: bytes, name: bytes) -> str:
    relative = b"/".join(bytes(part) for part in (directory, name) if part)
    return to_text(join(bytes(root), relative))
