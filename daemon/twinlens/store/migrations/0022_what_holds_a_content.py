"""What refers to a content beside its files; and how long an orphan was seen, by no wall clock."""

from typing import Any

UP = (
    'DROP TABLE "orphan"',
    """
    CREATE TABLE "orphan" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "original_id" INTEGER NOT NULL,
        "since" TEXT NOT NULL,
        "lived" REAL NOT NULL,
        "passes" INTEGER NOT NULL,
        "is_reconciled" INTEGER NOT NULL,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
    """,
    'CREATE UNIQUE INDEX "orphan_original_id" ON "orphan" ("original_id")',
    """
    CREATE TABLE "hold" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "sha256" TEXT NOT NULL,
        "holder" TEXT NOT NULL,
        "key" TEXT NOT NULL
    )
    """,
    'CREATE UNIQUE INDEX "hold_sha256_holder_key" ON "hold" ("sha256", "holder", "key")',
    'CREATE INDEX "hold_holder_key" ON "hold" ("holder", "key")',
)

DOWN = (
    'DROP TABLE "hold"',
    'DROP TABLE "orphan"',
    """
    CREATE TABLE "orphan" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "original_id" INTEGER NOT NULL,
        "since" TEXT NOT NULL,
        "passes" INTEGER NOT NULL,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
    """,
    'CREATE UNIQUE INDEX "orphan_original_id" ON "orphan" ("original_id")',
)


def up(migrator: Any, db: Any) -> None:
    """Make the tables; each orphan begins anew, and nothing is held by what runs no more."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take the holds away, and let each orphan begin anew."""
    for statement in DOWN:
        db.execute_sql(statement)
