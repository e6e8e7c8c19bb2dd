"""Exact copies in numbers: what is equal byte for byte, and what one copy of each would free.

What each content comes to is a row, reckoned when the next pass ends: a library of a million files
has many thousand copies, and `status` is asked while somebody waits. Triggers take the values out
of a row where anything changes that they were reckoned from, and what has none is reckoned by
whoever asks.

A sidecar frees nothing, as it is never acted on (`grouping/keep_rules.py`): two of equal bytes may
speak of two photographs. Nor do files of one photograph (`grouping/separate_copies.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from peewee import fn

from twinlens.grouping.separate_copies import separate_copies
from twinlens.model.files import FileStatus
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind
from twinlens.store.rows import tuples
from twinlens.store.tables import ExactCopy, File, FileGroup, GroupMember, Original, Root

AT_ONCE = 500
"""Numbers that one query asks for."""


_AGAIN = """
    ON CONFLICT ("original_id") DO UPDATE SET "is_several" = NULL, "spare_bytes" = NULL;
"""
_OF_FILE = """
    INSERT INTO "exact_copy" ("original_id") SELECT o."id" FROM "file" AS f
    JOIN "original" AS o ON o."id" = f."original_id"
    WHERE f."id" = {} AND o."reference_count" > 1
"""
_OLD_FILE, _NEW_FILE, _ITSELF = (
    _OF_FILE.format(which) + _AGAIN for which in ('OLD."file_id"', 'NEW."file_id"', 'NEW."id"')
)

TRIGGERS: Final = (
    f"""
    CREATE TRIGGER "exact_copy_count" AFTER UPDATE OF "reference_count" ON "original"
    WHEN OLD."reference_count" != NEW."reference_count"
    AND (OLD."reference_count" > 1 OR NEW."reference_count" > 1)
    BEGIN INSERT INTO "exact_copy" ("original_id") VALUES (NEW."id") {_AGAIN} END
    """,
    f"""
    CREATE TRIGGER "exact_copy_file" AFTER UPDATE ON "file"
    WHEN (OLD."root_id", OLD."status", OLD."kind", OLD."device", OLD."inode")
    IS NOT (NEW."root_id", NEW."status", NEW."kind", NEW."device", NEW."inode")
    BEGIN {_ITSELF} END
    """,
    f"""
    CREATE TRIGGER "exact_copy_joined" AFTER INSERT ON "group_member" BEGIN {_NEW_FILE} END
    """,
    f"""
    CREATE TRIGGER "exact_copy_left" AFTER DELETE ON "group_member" BEGIN {_OLD_FILE} END
    """,
    f"""
    CREATE TRIGGER "exact_copy_moved" AFTER UPDATE OF "group_id", "file_id" ON "group_member"
    BEGIN {_OLD_FILE} {_NEW_FILE} END
    """,
    f"""
    CREATE TRIGGER "exact_copy_group" AFTER UPDATE OF "group_type" ON "file_group"
    BEGIN INSERT INTO "exact_copy" ("original_id") SELECT o."id" FROM "group_member" AS m
    JOIN "file" AS f ON f."id" = m."file_id" JOIN "original" AS o ON o."id" = f."original_id"
    WHERE m."group_id" = NEW."id" AND o."reference_count" > 1 {_AGAIN} END
    """,
    """
    CREATE TRIGGER "exact_copy_root" AFTER UPDATE OF "is_active" ON "root"
    WHEN OLD."is_active" != NEW."is_active"
    BEGIN UPDATE "exact_copy" SET "is_several" = NULL, "spare_bytes" = NULL; END
    """,
)
"""What takes the values out of rows, as the migrations make it; peewee knows no triggers."""


def photographs_of(file_ids: Iterable[int]) -> dict[int, int]:
    """The group of one photograph that a file is in, by the file's id; bursts are none."""
    found: dict[int, int] = {}
    for some in _parts(sorted(set(file_ids))):
        found |= dict(tuples(_memberships().where(GroupMember.file.in_(some))))
    return found


def numbers() -> tuple[int, int]:
    """(contents with several files in watched folders that are not one inode, bytes more than one
    copy needs)."""
    query = ExactCopy.select(fn.SUM(ExactCopy.is_several), fn.SUM(ExactCopy.spare_bytes))
    several, spare = next(tuples(query))
    left = [row for some in _parts(_unreckoned()) for row in _reckoned(some)]
    return (
        int(several or 0) + sum(is_several for _, is_several, _ in left),
        int(spare or 0) + sum(spare for _, _, spare in left),
    )


def is_anything_unreckoned() -> bool:
    """Whether `reckon` has something to do. Inside a connection."""
    return bool(_unreckoned(1))


def reckon(most: int = AT_ONCE) -> int:
    """Note what the copies of some contents come to, where that may have changed; returns how many
    contents that were. In a transaction of the writer."""
    ids = _unreckoned(most)
    for some in _parts(ids):
        ExactCopy.delete().where(ExactCopy.original.in_(some)).execute()
        rows = _reckoned(some)
        if rows:
            fields = [ExactCopy.original, ExactCopy.is_several, ExactCopy.spare_bytes]
            ExactCopy.insert_many(rows, fields).execute()
    return len(ids)


def _unreckoned(most: int | None = None) -> list[int]:
    query = ExactCopy.select(ExactCopy.original).where(ExactCopy.is_several.is_null()).limit(most)
    return [int(original_id) for (original_id,) in tuples(query)]


def _reckoned(ids: Sequence[int]) -> list[tuple[int, bool, int]]:
    """(content, whether it has several inodes, bytes to spare) of those that several files share;
    by numbers, because in one query SQLite goes through every file or every group there is."""
    shared = Original.select(Original.id, Original.size).where(
        Original.id.in_(ids) & (Original.reference_count > 1) & (Original.size > 0)
    )
    sizes: dict[int, int] = dict(tuples(shared))
    query = (
        File.select(File.original, File.id, File.kind, File.device, File.inode)
        .join(Root)
        .where(
            File.original.in_(list(sizes)) & (File.status != FileStatus.GONE.value) & Root.is_active
        )
        .order_by(File.original)
    )
    rows = list(tuples(query))
    photographs = photographs_of(file_id for _, file_id, *_ in rows)
    # A content whose files all lie in folders that are not watched now has its row, too: it is the
    # row that a folder's return empties.
    found = dict.fromkeys(sizes, (False, 0))
    for original_id, those in groupby(rows, key=lambda row: row[0]):
        files = [
            (kind, (device, inode), photographs.get(file_id))
            for _, file_id, kind, device, inode in those
        ]
        copies = separate_copies((inode, group) for _, inode, group in files)
        is_sidecar = any(kind == Kind.SIDECAR.value for kind, _, _ in files)
        spare = 0 if is_sidecar else sizes[original_id] * copies.spare
        found[original_id] = (len({inode for _, inode, _ in files}) > 1, spare)
    return [(original_id, *reckoned) for original_id, reckoned in found.items()]


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _memberships() -> Any:
    return (
        GroupMember.select(GroupMember.file, GroupMember.group)
        .join(FileGroup)
        .where(FileGroup.group_type != GroupType.BURST.value)
        .switch(GroupMember)
    )
