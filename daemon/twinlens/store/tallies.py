"""How many files and groups there are, of each kind: kept by SQLite itself as they change.

To count a million files reads a million rows, and `status` is asked while somebody waits. So the
numbers are rows, and triggers change them in the very transaction that changes what they count:
nothing that writes has to think of them, and nothing can forget to. A reconcile counts anew.
"""

from typing import Any, Final

from peewee import SQL, fn

from twinlens.model.files import FileStatus
from twinlens.store.rows import tuples
from twinlens.store.tables import File, FileGroup, FileTally, GroupTally, Original, Root

_OF_FILE = """
    {row}."root_id", {row}."status", COALESCE({row}."kind", ''), COALESCE({row}."verdict", '')
"""
_ONE_FILE_MORE = f"""
    INSERT INTO "file_tally"
    ("root_id", "status", "kind", "verdict", "files", "contents", "bytes")
    VALUES ({_OF_FILE.format(row="NEW")}, 1, NEW."original_id" IS NOT NULL, NEW."size")
    ON CONFLICT ("root_id", "status", "kind", "verdict") DO UPDATE SET
    "files" = "files" + 1, "contents" = "contents" + excluded."contents",
    "bytes" = "bytes" + excluded."bytes";
"""
_ONE_FILE_LESS = f"""
    UPDATE "file_tally" SET "files" = "files" - 1,
    "contents" = "contents" - (OLD."original_id" IS NOT NULL), "bytes" = "bytes" - OLD."size"
    WHERE ("root_id", "status", "kind", "verdict") = ({_OF_FILE.format(row="OLD")});
"""
_ONE_GROUP_MORE = """
    INSERT INTO "group_tally" ("root_id", "group_type", "groups")
    VALUES (NEW."root_id", NEW."group_type", 1)
    ON CONFLICT ("root_id", "group_type") DO UPDATE SET "groups" = "groups" + 1;
"""
_ONE_GROUP_LESS = """
    UPDATE "group_tally" SET "groups" = "groups" - 1
    WHERE ("root_id", "group_type") = (OLD."root_id", OLD."group_type");
"""
_FILE_CHANGED = """
    (OLD."root_id", OLD."status", OLD."kind", OLD."verdict", OLD."original_id", OLD."size")
    IS NOT
    (NEW."root_id", NEW."status", NEW."kind", NEW."verdict", NEW."original_id", NEW."size")
"""

TRIGGERS: Final = (
    f'CREATE TRIGGER "file_tally_more" AFTER INSERT ON "file" BEGIN {_ONE_FILE_MORE} END',
    f'CREATE TRIGGER "file_tally_less" AFTER DELETE ON "file" BEGIN {_ONE_FILE_LESS} END',
    f"""
    CREATE TRIGGER "file_tally_change" AFTER UPDATE ON "file" WHEN {_FILE_CHANGED}
    BEGIN {_ONE_FILE_LESS} {_ONE_FILE_MORE} END
    """,
    f'CREATE TRIGGER "group_tally_more" AFTER INSERT ON "file_group" BEGIN {_ONE_GROUP_MORE} END',
    f'CREATE TRIGGER "group_tally_less" AFTER DELETE ON "file_group" BEGIN {_ONE_GROUP_LESS} END',
    f"""
    CREATE TRIGGER "group_tally_change" AFTER UPDATE OF "root_id", "group_type" ON "file_group"
    BEGIN {_ONE_GROUP_LESS} {_ONE_GROUP_MORE} END
    """,
)
"""What keeps the numbers, as the migrations make it; peewee knows no triggers."""


def live_files() -> list[tuple[str, str, str, int, int, int]]:
    """(status, kind or "", verdict or "", files, files with a content, bytes) of the files that are
    not gone, of all active roots."""
    query = (
        FileTally.select(
            FileTally.status,
            FileTally.kind,
            FileTally.verdict,
            fn.SUM(FileTally.files),
            fn.SUM(FileTally.contents),
            fn.SUM(FileTally.bytes),
        )
        .join(Root, on=(Root.id == FileTally.root_id))
        .where((FileTally.status != FileStatus.GONE.value) & Root.is_active)
        .group_by(FileTally.status, FileTally.kind, FileTally.verdict)
        .having(fn.SUM(FileTally.files) > 0)
    )
    return [tuple(row) for row in tuples(query)]


def files_by_status() -> dict[str, int]:
    """How many files are in which state, of all roots, watched or not."""
    query = FileTally.select(FileTally.status, fn.SUM(FileTally.files)).group_by(FileTally.status)
    return {status: int(files) for status, files in tuples(query) if files}


def groups_by_type() -> dict[str, int]:
    """How many photographs and series there are in active roots, by their strongest tie."""
    query = (
        GroupTally.select(GroupTally.group_type, fn.SUM(GroupTally.groups))
        .join(Root, on=(Root.id == GroupTally.root_id))
        .where(Root.is_active)
        .group_by(GroupTally.group_type)
    )
    return {group_type: int(groups) for group_type, groups in tuples(query) if groups}


def contents() -> int:
    """How many contents the live files of active roots refer to."""
    live = FileTally.status != FileStatus.GONE.value
    referring = FileTally.select(fn.SUM(FileTally.contents)).where(live).scalar() or 0
    further = (
        Original.select(fn.SUM(Original.reference_count - 1))
        .where(Original.reference_count > 1)
        .scalar()
    )
    unwatched = only_unwatched().columns(fn.COUNT(fn.DISTINCT(File.original))).scalar()
    return int(referring) - int(further or 0) - int(unwatched or 0)


def only_unwatched() -> Any:
    """A query for the contents whose live files all lie below roots that are no longer watched; one
    comes for each such file."""
    other, other_root = File.alias(), Root.alias()
    watched = (
        other.select(SQL("1"))
        .join(other_root)
        .where(
            (other.original == File.original)
            & (other.status != FileStatus.GONE.value)
            & other_root.is_active
        )
    )
    return (
        File.select(File.original)
        .where(File.root.in_(Root.select(Root.id).where(~Root.is_active)))
        .where((File.status != FileStatus.GONE.value) & ~fn.EXISTS(watched))
    )


def are_off() -> bool:
    """Whether counting gives other numbers. Reads every file and every group."""
    files = {tuple(row) for row in tuples(FileTally.select().where(FileTally.files > 0))}
    groups = {tuple(row) for row in tuples(GroupTally.select().where(GroupTally.groups > 0))}
    return files != {tuple(r) for r in tuples(_counted_files())} or groups != {
        tuple(r) for r in tuples(_counted_groups())
    }


def count_anew() -> None:
    """Make the numbers what is counted. Inside a transaction of the writer."""
    FileTally.delete().execute()
    FileTally.insert_from(_counted_files(), list(FileTally._meta.sorted_fields)).execute()
    GroupTally.delete().execute()
    GroupTally.insert_from(_counted_groups(), list(GroupTally._meta.sorted_fields)).execute()


def _counted_files() -> Any:
    kind, verdict = fn.COALESCE(File.kind, ""), fn.COALESCE(File.verdict, "")
    return File.select(
        File.root,
        File.status,
        kind,
        verdict,
        fn.COUNT(File.id),
        fn.COUNT(File.original),
        fn.SUM(File.size),
    ).group_by(File.root, File.status, kind, verdict)


def _counted_groups() -> Any:
    return FileGroup.select(FileGroup.root, FileGroup.group_type, fn.COUNT(FileGroup.id)).group_by(
        FileGroup.root, FileGroup.group_type
    )
