"""What lies in the vault."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Make the table; a vault that is there is looked through by its next pass."""
    db.execute_sql(
        """
        CREATE TABLE "blob" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "sha256" TEXT NOT NULL,
            "size" INTEGER NOT NULL,
            "how" TEXT NOT NULL,
            "state" TEXT NOT NULL,
            "stored_at" TEXT NOT NULL,
            "verified_at" TEXT,
            "checked_at" TEXT,
            "error" TEXT,
            "passes" INTEGER NOT NULL,
            "waits_at" TEXT,
            "waits_lived" REAL,
            "waits_reconciled" TEXT
        )
        """
    )
    db.execute_sql('CREATE UNIQUE INDEX "blob_sha256" ON "blob" ("sha256")')
    db.execute_sql('CREATE INDEX "blob_state_checked_at" ON "blob" ("state", "checked_at")')


def down(migrator: Any, db: Any) -> None:
    """Drop it; the vault itself stays as it is."""
    db.execute_sql('DROP TABLE "blob"')
