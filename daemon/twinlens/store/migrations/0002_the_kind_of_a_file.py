"""The kind moves to the file: a name may decide it (THM, LRV, a RAW that looks like a TIFF)."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Add the column; what is known gets the kind of its content until it is looked at again."""
    db.execute_sql('ALTER TABLE "file" ADD COLUMN "kind" TEXT')
    db.execute_sql(
        'UPDATE "file" SET "kind" = '
        '(SELECT "kind" FROM "original" WHERE "original"."id" = "file"."original_id")'
    )


def down(migrator: Any, db: Any) -> None:
    """Drop the column."""
    db.execute_sql('ALTER TABLE "file" DROP COLUMN "kind"')
