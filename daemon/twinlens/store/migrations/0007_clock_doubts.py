"""Contents that are part of a fault of their camera's clock: their dates are believed less."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Make the table, and have the faults looked for in what is recorded already."""
    db.execute_sql(
        """
        CREATE TABLE "clock_doubt" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "original_id" INTEGER NOT NULL,
            "fault" TEXT NOT NULL,
            "stated" TEXT NOT NULL,
            "evidence" TEXT NOT NULL,
            FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
        )
        """
    )
    db.execute_sql('CREATE UNIQUE INDEX "clockdoubt_original_id" ON "clock_doubt" ("original_id")')
    db.execute_sql(
        """
        INSERT INTO "meta" ("key", "value")
        SELECT 'clock_changes', '1' WHERE EXISTS (SELECT 1 FROM "file")
        """
    )


def down(migrator: Any, db: Any) -> None:
    """Drop it."""
    db.execute_sql('DROP TABLE "clock_doubt"')
    db.execute_sql("""DELETE FROM "meta" WHERE "key" LIKE 'clock_changes%'""")
