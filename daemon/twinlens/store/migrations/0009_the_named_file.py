"""The path that the owner named when a decision was made: people look for it in the list."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Add the columns; of what was decided before, the path is not known."""
    for column in ("named", "other_named"):
        db.execute_sql(f'ALTER TABLE "user_decision" ADD COLUMN "{column}" BLOB')


def down(migrator: Any, db: Any) -> None:
    """Drop them."""
    for column in ("named", "other_named"):
        db.execute_sql(f'ALTER TABLE "user_decision" DROP COLUMN "{column}"')
