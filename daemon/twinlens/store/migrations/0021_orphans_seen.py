"""How often a content was seen without a file: it takes more than one pass to forget it."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Make the table; the next pass sees each orphan for the first time."""
    db.execute_sql(
        """
        CREATE TABLE "orphan" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "original_id" INTEGER NOT NULL,
            "since" TEXT NOT NULL,
            "passes" INTEGER NOT NULL,
            FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
        )
        """
    )
    db.execute_sql('CREATE UNIQUE INDEX "orphan_original_id" ON "orphan" ("original_id")')


def down(migrator: Any, db: Any) -> None:
    """Drop it."""
    db.execute_sql('DROP TABLE "orphan"')
