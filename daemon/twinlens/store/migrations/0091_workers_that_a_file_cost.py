"""Only a file that cost workers is treated as one: an error of a disk is another matter."""

from typing import Any

CAREFULLY = "not decoded: it has stopped workers before%"


def up(migrator: Any, db: Any) -> None:
    """Count the lost workers of each file; what was treated carefully for whatever failure is
    measured again by the next scan, as what an earlier version measured."""
    db.execute_sql('ALTER TABLE "work_item" ADD COLUMN "workers_lost" INTEGER NOT NULL DEFAULT 0')
    db.execute_sql(
        'UPDATE "original" SET "algorithm_version" = 1 WHERE "algorithm_version" = 0 '
        'AND "error" IS NOT NULL AND "error" LIKE ?',
        (CAREFULLY,),
    )


def down(migrator: Any, db: Any) -> None:
    """Drop the count."""
    db.execute_sql('ALTER TABLE "work_item" DROP COLUMN "workers_lost"')
    db.execute_sql(
        'UPDATE "original" SET "algorithm_version" = 0 WHERE "algorithm_version" = 1 '
        'AND "error" IS NOT NULL AND "error" LIKE ?',
        (CAREFULLY,),
    )
