"""The verdict on each pair of contents that look alike: groups are made of these."""

from typing import Any

UP = (
    """
    CREATE TABLE "lookalike" (
        "first_id" INTEGER NOT NULL,
        "second_id" INTEGER NOT NULL,
        "duplicate_class" TEXT NOT NULL,
        "similarity" REAL NOT NULL,
        "distance" INTEGER NOT NULL,
        "confidence" REAL NOT NULL,
        "rule" TEXT NOT NULL,
        "needs_witness" INTEGER NOT NULL,
        PRIMARY KEY ("first_id", "second_id"),
        FOREIGN KEY ("first_id") REFERENCES "original" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("second_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
    """,
    'CREATE INDEX "lookalike_second_id" ON "lookalike" ("second_id")',
)


def up(migrator: Any, db: Any) -> None:
    """Add the table; the next rebuild fills it."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take it away again."""
    db.execute_sql('DROP TABLE "lookalike"')
