"""What could not be judged for want of a tool is no longer called broken, and what exiftool would
have told more of is known by its version."""

from typing import Any

REASONS = (
    *("exiftool %", "% is no exiftool %", "no decoder for %", "too large to decode%"),
    *("needs more memory than a worker may use%", "not decoded: it has stopped workers before%"),
    *("could not be measured%", "XMP larger than allowed%", "JSON larger than allowed%"),
)


def up(migrator: Any, db: Any) -> None:
    """Give such files the state `unjudged`; the numbers of `status` follow by their triggers."""
    likes = " OR ".join('"error" LIKE ?' for _ in REASONS)
    db.execute_sql(
        f"""
        UPDATE "file" SET "status" = 'unjudged' WHERE "status" = 'broken' AND "error" IS NULL
        AND "original_id" IN
        (SELECT "id" FROM "original" WHERE "error" IS NOT NULL AND ({likes}))
        """,
        REASONS,
    )
    for before, after in ((6, 1006), (-6, -1006)):
        db.execute_sql(
            'UPDATE "original" SET "algorithm_version" = ? WHERE "algorithm_version" = ? '
            'AND "error" IS NOT NULL AND "error" LIKE ?',
            (after, before, "exiftool is needed for this%"),
        )


def down(migrator: Any, db: Any) -> None:
    """Call them broken again."""
    db.execute_sql("""UPDATE "file" SET "status" = 'broken' WHERE "status" = 'unjudged'""")
    for before, after in ((6, 1006), (-6, -1006)):
        db.execute_sql(
            'UPDATE "original" SET "algorithm_version" = ? WHERE "algorithm_version" = ?',
            (before, after),
        )
