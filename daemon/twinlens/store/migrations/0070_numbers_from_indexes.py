"""What `status` and the first screen of `duplicates` read stands in indexes, as it is told.

The groups of one class are counted in one index and the contents without a live file are found in
another, so that nobody looks for the files of every member to see whether they are still there.
"""

from typing import Any

UP = (
    """
    CREATE INDEX "duplicategroup_duplicate_class_key"
    ON "duplicate_group" ("duplicate_class", "key")
    """,
    """
    CREATE INDEX "original_unreferenced" ON "original" ("reference_count")
    WHERE ("reference_count" = 0)
    """,
    'DROP INDEX "original_shared"',
    """
    CREATE INDEX "original_shared" ON "original" ("sha256", "size", "reference_count")
    WHERE ("reference_count" > 1)
    """,
)

DOWN = (
    'DROP INDEX "original_shared"',
    """
    CREATE INDEX "original_shared" ON "original" ("reference_count", "size")
    WHERE ("reference_count" > 1)
    """,
    'DROP INDEX "original_unreferenced"',
    'DROP INDEX "duplicategroup_duplicate_class_key"',
)


def up(migrator: Any, db: Any) -> None:
    """Make the indexes."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take them away again."""
    for statement in DOWN:
        db.execute_sql(statement)
