"""Groups of different contents that show the same picture."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from peewee import SQL, chunked, fn

from twinlens.model.groups import (
    DuplicateClass,
    DuplicateGroup,
    DuplicateMember,
    DuplicateType,
)
from twinlens.store import group_story, tallies
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import DuplicateGroup as GroupRow
from twinlens.store.tables import DuplicateMember as MemberRow
from twinlens.store.tables import File, Original

_AT_ONCE: Final = 500

_TOUCHING = Statement(
    GroupRow,
    lambda: (
        GroupRow.select()
        .where(
            GroupRow.id.in_(
                MemberRow.select(MemberRow.group).where(MemberRow.original.in_(any_of("originals")))
            )
        )
        .order_by(GroupRow.id)
    ),
)

_INSERT_MEMBER = Statement(
    MemberRow,
    lambda: MemberRow.insert(
        {
            MemberRow.group: slot("group"),
            MemberRow.original: slot("original"),
            MemberRow.similarity: slot("similarity"),
            MemberRow.is_primary: slot("is_primary"),
        }
    ),
)
_MEMBERS = Statement(
    MemberRow,
    lambda: MemberRow.select().where(MemberRow.group == slot("group")).order_by(MemberRow.id),
)


def touching(original_ids: Iterable[int]) -> dict[str, DuplicateGroup]:
    """The groups that hold any of these contents, by key."""
    rows = _TOUCHING.all(originals=original_ids)
    return {row.key: value_of(row, _members(row.id)) for row in rows}


def every_member() -> set[int]:
    """The contents that are in any group."""
    query = MemberRow.select(MemberRow.original).distinct()
    return {int(original_id) for (original_id,) in tuples(query)}


def shown_by_class() -> dict[str, int]:
    """How many groups of each class there are, of which at least two contents have a file to show.

    All are counted, less those that have not: which are few, and are found from the contents that
    have no file or none in a watched root. To ask each member for its files takes a hundred times
    as long.
    """
    counted = GroupRow.select(GroupRow.duplicate_class, fn.COUNT(GroupRow.id))
    found = dict(tuples(counted.group_by(GroupRow.duplicate_class)))
    for duplicate_class, count in tuples(_hidden_by_class()):
        found[duplicate_class] -= count
    return {duplicate_class: count for duplicate_class, count in found.items() if count}


def _hidden_by_class() -> Any:
    other, every = MemberRow.alias(), MemberRow.alias()
    # Not as a list of the members, which SQLite would then go through.
    is_member = fn.EXISTS(other.select(SQL("1")).where(other.original == File.original))
    without_file = Original.select(Original.id).where(Original.reference_count == 0)
    not_shown = without_file.union_all(tallies.only_unwatched().where(is_member))
    hidden = (
        MemberRow.select(MemberRow.group.alias("group"), fn.COUNT(MemberRow.id).alias("members"))
        .where(MemberRow.original.in_(not_shown))
        .group_by(MemberRow.group)
    )
    all_but_two = every.select(fn.COUNT(every.id) - 2).where(every.group == GroupRow.id)
    return (
        GroupRow.select(GroupRow.duplicate_class, fn.COUNT(GroupRow.id))
        .join(hidden, on=(hidden.c.group == GroupRow.id))
        .where(hidden.c.members > all_but_two)
        .group_by(GroupRow.duplicate_class)
    )


def replace(
    stored: dict[str, DuplicateGroup], wanted: Sequence[DuplicateGroup], at: str | None = None
) -> list[DuplicateGroup]:
    """Turn the groups `stored` into `wanted`; one that did not change keeps its row and its review.
    With `at`, what changed is noted in the story of their contents.

    Returns the groups that are new.
    """
    keep = {group.key for group in wanted if stored.get(group.key) == group}
    gone = [key for key in stored if key not in {group.key for group in wanted}]
    for some in chunked(gone, _AT_ONCE):
        GroupRow.delete().where(GroupRow.key.in_(some)).execute()
    for group in wanted:
        if group.key not in keep:
            _write(group)
    if at is not None:
        changed = [group for key, group in stored.items() if key not in keep]
        group_story.note_contents(changed, [one for one in wanted if one.key not in keep], at)
    return [group for group in wanted if group.key not in stored]


def _write(group: DuplicateGroup) -> None:
    values = {
        "duplicate_type": group.duplicate_type.value,
        "duplicate_class": group.duplicate_class.value,
        "confidence": group.confidence,
        "rule": group.rule,
    }
    row = GroupRow.get_or_none(GroupRow.key == group.key)
    if row is None:
        group_id = GroupRow.insert(key=group.key, **values).execute()
    else:
        group_id = row.id
        GroupRow.update(**values).where(GroupRow.id == group_id).execute()
        MemberRow.delete().where(MemberRow.group == group_id).execute()
    for member in group.members:
        _INSERT_MEMBER.insert(
            group=group_id,
            original=member.original_id,
            similarity=member.similarity,
            is_primary=member.is_primary,
        )


def value_of(row: Any, members: Iterable[Any]) -> DuplicateGroup:
    """The value of a group's row with these of its members."""
    return DuplicateGroup(
        key=row.key,
        duplicate_type=DuplicateType(row.duplicate_type),
        duplicate_class=DuplicateClass(row.duplicate_class),
        confidence=row.confidence,
        rule=row.rule,
        members=tuple(
            DuplicateMember(m.original_id, m.similarity, bool(m.is_primary)) for m in members
        ),
    )


def _members(group_id: int) -> list[Any]:
    return _MEMBERS.all(group=group_id)
