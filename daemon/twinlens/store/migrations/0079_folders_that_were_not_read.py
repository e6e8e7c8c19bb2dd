"""A folder that a scan could not read is named until a scan reads it."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Make the table; the next scan fills it."""
    db.execute_sql(
        """
        CREATE TABLE "unread_folder" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "root_id" INTEGER NOT NULL,
            "directory" BLOB NOT NULL,
            "reason" TEXT NOT NULL,
            "since" TEXT NOT NULL,
            FOREIGN KEY ("root_id") REFERENCES "root" ("id") ON DELETE CASCADE
        )
        """
    )
    db.execute_sql(
        'CREATE UNIQUE INDEX "unreadfolder_root_id_directory" '
        'ON "unread_folder" ("root_id", "directory")'
    )


def down(migrator: Any, db: Any) -> None:
    """Drop it."""
    db.execute_sql('DROP TABLE "unread_folder"')
