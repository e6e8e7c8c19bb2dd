"""That two contents have equal coded pixels stands in their rows; it was a verdict on each pair,
which for thousands of exports of one picture are millions.

The way back takes what remembers the rules of the verdicts: all are made anew then.
"""

from typing import Any

UP = (
    """
    DELETE FROM "lookalike" WHERE (
        SELECT "image_digest" FROM "original" WHERE "id" = "lookalike"."first_id"
    ) = (
        SELECT "image_digest" FROM "original" WHERE "id" = "lookalike"."second_id"
    )
    """,
)

DOWN = ("""UPDATE "meta" SET "value" = 'none' WHERE "key" = 'verdict_rules'""",)


def up(migrator: Any, db: Any) -> None:
    """Take out the verdicts that say nothing else."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Let every verdict be made anew."""
    for statement in DOWN:
        db.execute_sql(statement)
