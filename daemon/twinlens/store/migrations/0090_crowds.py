"""A content that looks like hundreds of others has no verdicts on its looks, and is noted instead.

The crowds that older verdicts tell of are noted here; another is found when one of it is judged
anew. The way back lets every verdict be made anew.
"""

from typing import Any

UP = (
    """
    CREATE TABLE "crowded" (
        "original_id" INTEGER NOT NULL PRIMARY KEY,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
    """,
    """
    INSERT INTO "crowded" SELECT "pair"."id" FROM (
        SELECT "first_id" AS "id", "second_id" AS "other" FROM "lookalike"
        UNION ALL SELECT "second_id", "first_id" FROM "lookalike"
    ) AS "pair" JOIN "original" AS "o" ON "o"."id" = "pair"."other"
    GROUP BY "pair"."id" HAVING COUNT(DISTINCT COALESCE("o"."image_digest", "o"."id")) > 200
    """,
    """
    DELETE FROM "lookalike" WHERE "first_id" IN (SELECT "original_id" FROM "crowded")
    OR "second_id" IN (SELECT "original_id" FROM "crowded")
    """,
)

DOWN = (
    'DROP TABLE "crowded"',
    """UPDATE "meta" SET "value" = 'none' WHERE "key" = 'verdict_rules'""",
)


def up(migrator: Any, db: Any) -> None:
    """Note the crowds that are known."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Let every verdict be made anew."""
    for statement in DOWN:
        db.execute_sql(statement)
