"""Which buckets hang together, so that their files have to be grouped together.

Files of one root meet under a bucket, the key that their names give. Buckets hang together by a
live photo's identifier under other names, by sidecars of a picture's further versions, and by the
groups that were recorded. All is asked for many buckets at once, and only names are read: nearly
all pictures stand alone.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from peewee import JOIN, SQL, Join, fn

from twinlens.analysis.sidecar_names import BUCKET_LENGTH, bucket_of, sidecar_target
from twinlens.model.files import FileStatus
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind
from twinlens.store.statements import Statement, any_of, each_of, slot
from twinlens.store.tables import File, GroupMember, Original
from twinlens.store.tables import FileGroup as GroupRow

_Other = GroupMember.alias()
_OtherFile = File.alias()

# SQLite cannot know that a bucket holds a handful of files and a root all of them: it would look
# through the whole root. A cross join is carried out in the order in which it is written.
_NAMES = Statement(
    File,
    lambda: (
        File.select(File.radical, File.name, File.kind, Original.content_identifier)
        .join(Original)
        .where(
            (File.root == slot("root"))
            & File.radical.in_(any_of("buckets"))
            & (File.status != FileStatus.GONE.value)
        )
    ),
)
_WITH_IDENTIFIER = Statement(
    Original,
    lambda: (
        Original.select(Original.content_identifier, File.radical)
        .join(File, JOIN.CROSS)
        .where(
            Original.content_identifier.in_(any_of("identifiers"))
            & (File.original == Original.id)
            & (File.root == slot("root"))
            & (File.status != FileStatus.GONE.value)
        )
    ),
)
_RECORDED = Statement(
    GroupRow,
    lambda: GroupRow.select(GroupRow.bucket).where(
        (GroupRow.root == slot("root"))
        & GroupRow.bucket.in_(any_of("buckets"))
        & (GroupRow.group_type != GroupType.BURST.value)
    ),
)
_MEMBERS_UNDER = Statement(
    GroupRow,
    lambda: (
        GroupRow.select(GroupRow.bucket, File.radical)
        .join(GroupMember, JOIN.CROSS)
        .join(File, JOIN.CROSS)
        .where(
            (GroupRow.root == slot("root"))
            & GroupRow.bucket.in_(any_of("buckets"))
            & (GroupRow.group_type != GroupType.BURST.value)
            & (GroupMember.group == GroupRow.id)
            & (File.id == GroupMember.file)
            & (File.root == slot("root"))
        )
    ),
)
_GROUPED_WITH = Statement(
    File,
    lambda: (
        File.select(File.radical, GroupRow.bucket, _OtherFile.radical)
        .join(GroupMember, JOIN.CROSS)
        .join(GroupRow, JOIN.CROSS)
        .join(_Other, JOIN.CROSS)
        .join(_OtherFile, JOIN.CROSS)
        .where(
            (File.root == slot("root"))
            & File.radical.in_(any_of("buckets"))
            & (GroupMember.file == File.id)
            & (GroupRow.id == GroupMember.group)
            & (GroupRow.root == slot("root"))
            & (GroupRow.group_type != GroupType.BURST.value)
            & (_Other.group == GroupRow.id)
            & (_OtherFile.id == _Other.file)
        )
    ),
)
_VERSIONS = Statement(
    File,
    lambda: (
        File.select(SQL("one.value"), File.radical, File.name)
        .from_(Join(each_of("buckets", "one"), File, JOIN.CROSS))
        .where(
            (File.root == slot("root"))
            & (File.radical >= SQL("one.value || '_'"))
            & (File.radical < SQL("one.value || '`'"))  # the letter behind the underscore
            & (
                fn.LENGTH(File.radical)
                == fn.MIN(fn.LENGTH(SQL("one.value")) + len("_01"), BUCKET_LENGTH)
            )
            & (File.kind == Kind.SIDECAR.value)
            & (File.status != FileStatus.GONE.value)
        )
    ),
)


class Name(NamedTuple):
    """What is asked first of a live file."""

    name: bytes
    kind: str | None
    content_identifier: str | None


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Buckets that hang together, the names of their live files, and whether groups other than
    bursts are recorded under any of them."""

    buckets: frozenset[str]
    names: tuple[Name, ...]
    has_groups: bool


@dataclass(slots=True)
class _Bucket:
    names: list[Name] = field(default_factory=list)
    near: set[str] = field(default_factory=set)
    has_groups: bool = False


def neighbourhoods(root_id: int, buckets: Iterable[str]) -> list[Neighbourhood]:
    """These buckets and all that hang together with them, each neighbourhood once."""
    wanted = sorted(set(buckets))
    known: dict[str, _Bucket] = {}
    waiting = set(wanted)
    while waiting:
        known |= _read(root_id, waiting)
        waiting = {other for bucket in waiting for other in known[bucket].near} - known.keys()
    found: list[Neighbourhood] = []
    done: set[str] = set()
    for bucket in wanted:
        if bucket not in done:
            together = _together(bucket, known)
            done |= together
            found.append(_neighbourhood({name: known[name] for name in sorted(together)}))
    return found


def _neighbourhood(together: dict[str, _Bucket]) -> Neighbourhood:
    return Neighbourhood(
        frozenset(together),
        tuple(name for bucket in together.values() for name in bucket.names),
        any(bucket.has_groups for bucket in together.values()),
    )


def _together(bucket: str, known: dict[str, _Bucket]) -> set[str]:
    together, waiting = {bucket}, [bucket]
    while waiting:
        near = known[waiting.pop()].near - together
        together |= near
        waiting += near
    return together


def _read(root_id: int, buckets: Collection[str]) -> dict[str, _Bucket]:
    """These buckets with their names and what is near each."""
    found = {bucket: _Bucket() for bucket in buckets}
    of_identifier: dict[str, list[_Bucket]] = {}
    for bucket, name, kind, identifier in _NAMES.tuples(root=root_id, buckets=buckets):
        found[bucket].names.append(Name(bytes(name), kind, identifier))
        if identifier:
            of_identifier.setdefault(identifier, []).append(found[bucket])
        # The pictures whose further versions a sidecar may be of.
        target = sidecar_target(bytes(name)) if kind == Kind.SIDECAR.value else None
        if target is not None and target.version_of is not None:
            found[bucket].near.add(bucket_of(target.version_of.encode()))
    if of_identifier:
        rows = _WITH_IDENTIFIER.tuples(root=root_id, identifiers=of_identifier)
        for identifier, other in rows:
            for one in of_identifier[identifier]:
                one.near.add(other)
    for (bucket,) in _RECORDED.tuples(root=root_id, buckets=buckets):
        found[bucket].has_groups = True
    for bucket, other in _MEMBERS_UNDER.tuples(root=root_id, buckets=buckets):
        found[bucket].near.add(other)
    for bucket, *others in _GROUPED_WITH.tuples(root=root_id, buckets=buckets):
        found[bucket].near.update(others)
    for bucket, other, name in _VERSIONS.tuples(root=root_id, buckets=buckets):
        # Sidecars that may be of a further version of the bucket's pictures.
        target = sidecar_target(bytes(name))
        version_of = None if target is None else target.version_of
        if version_of is not None and bucket_of(version_of.encode()) == bucket:
            found[bucket].near.add(other)
    return found
