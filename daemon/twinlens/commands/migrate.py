"""`migrate`: the schema's versions, up and down."""

from typing import Any

from twinlens.store.database import Database
from twinlens.store.schema import Schema


def status(database: Database) -> dict[str, Any]:
    """Which migrations are applied and which are pending."""
    rows = Schema(database).status()
    return {
        "database": str(database.path),
        "applied": [row.name for row in rows if row.applied_at is not None],
        "pending": [row.name for row in rows if row.applied_at is None],
        "unknown": [row.name for row in rows if not row.is_known],
    }


def up(database: Database, target: str | None) -> dict[str, Any]:
    """Apply what is pending."""
    return {"applied": Schema(database).up(target)}


def down(database: Database, target: str | None) -> dict[str, Any]:
    """Revert the newest migration, or all back through the target; a copy is kept."""
    return {"reverted": Schema(database).down(target)}
