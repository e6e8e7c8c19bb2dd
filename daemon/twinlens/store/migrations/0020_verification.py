"""What reading files again proved."""

from typing import Any

UP = (
    """
    CREATE TABLE "verification" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "file_id" INTEGER NOT NULL,
        "verdict" TEXT NOT NULL,
        "sha256" TEXT NOT NULL,
        "found_sha256" TEXT,
        "error" TEXT,
        "size" INTEGER NOT NULL,
        "mtime_ns" INTEGER NOT NULL,
        "read_at" TEXT NOT NULL,
        "sound_at" TEXT,
        "found_at" TEXT,
        FOREIGN KEY ("file_id") REFERENCES "file" ("id") ON DELETE CASCADE
    )
    """,
    'CREATE UNIQUE INDEX "verification_file_id" ON "verification" ("file_id")',
    'CREATE INDEX "verification_damaged" ON "verification" ("verdict")'
    ' WHERE ("found_at" IS NOT NULL)',
)


def up(migrator: Any, db: Any) -> None:
    """Make the table; nothing was read again yet."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Drop it."""
    db.execute_sql('DROP TABLE "verification"')
