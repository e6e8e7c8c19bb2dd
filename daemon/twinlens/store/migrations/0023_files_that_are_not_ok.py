"""The files that are not well are counted without reading all files."""

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Add the index."""
    db.execute_sql('CREATE INDEX "file_not_ok" ON "file" ("status") WHERE ("status" != \'ok\')')


def down(migrator: Any, db: Any) -> None:
    """Take it away again."""
    db.execute_sql('DROP INDEX "file_not_ok"')
