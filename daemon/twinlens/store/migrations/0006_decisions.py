"""What was said of two contents is found from either of them."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Add the index."""
    db.execute_sql(
        'CREATE INDEX "userdecision_other_sha256_verb" ON "user_decision" ("other_sha256", "verb")'
    )


def down(migrator: Any, db: Any) -> None:
    """Take it away again."""
    db.execute_sql('DROP INDEX "userdecision_other_sha256_verb"')
