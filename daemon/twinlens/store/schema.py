"""Schema versions: what is applied, what is pending, up and down, each in one transaction.

The migrations are numbered files in the package. A copy of the database is made beside it before
an existing one is changed, one for each version: an upgrade that fails again and again, for want of
room perhaps, leaves one.
"""

import importlib.resources
import logging
from dataclasses import dataclass
from pathlib import Path

from playhouse.migrations import MigrationError, Runner

from twinlens.errors import StoreError, UsageError
from twinlens.store import backups
from twinlens.store.database import Database, translated

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration: `is_known` is False where the database has one that this program has not."""

    name: str
    applied_at: str | None
    is_known: bool


class Schema:
    """The versions of one database's schema. Use inside no other connection.

    `folder` holds the migrations; None for those of the package.
    """

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        self._database = database
        own = importlib.resources.files("twinlens.store") / "migrations"
        self._folder = Path(str(own)) if folder is None else folder

    def status(self) -> list[MigrationStatus]:
        """Every migration, in order. Reads only."""
        with self._database.reading():
            return [
                MigrationStatus(m.name, str(m.applied) if m.applied else None, m.path is not None)
                for m in self._runner().status()
            ]

    def require_current(self) -> None:
        """Raise StoreError unless the schema is exactly this program's."""
        rows = self.status()
        newer = [row.name for row in rows if not row.is_known]
        if newer:
            raise StoreError(
                f"{self._database.path}: written by a newer twinlens ({', '.join(newer)})",
                "install that version again, or restore the backup made before the upgrade",
            )
        pending = [row.name for row in rows if row.applied_at is None]
        if pending:
            raise StoreError(
                f"{self._database.path}: the schema lacks {', '.join(pending)}",
                "run: twinlens migrate up",
            )

    def up(self, target: str | None = None) -> list[str]:
        """Apply what is pending; returns the names. Refuses a database from a newer program."""
        rows = self.status() if self._database.path.exists() else []
        newer = [row.name for row in rows if not row.is_known]
        if newer:
            self.require_current()
        applied = [row.name for row in rows if row.applied_at]
        is_pending = not rows or any(row.applied_at is None for row in rows)
        if not is_pending:
            return []
        with self._database.connected(), _readable_errors():
            if applied:
                logger.info(
                    "the database is brought up to date, after a copy of it was made; with a "
                    "million pictures that takes minutes: %s",
                    self._database.path,
                )
                self._backup(applied[-1], "before-up")
            return list(self._runner().up(target))

    def down(self, target: str | None = None) -> list[str]:
        """Revert the newest migration, or all back through `target`, after a backup."""
        applied = [row.name for row in self.status() if row.applied_at]
        with self._database.connected(), _readable_errors():
            self._backup(applied[-1] if applied else "nothing", "before-down")
            return list(self._runner().down(target))

    def _runner(self) -> Runner:
        return Runner(self._database.peewee, str(self._folder))

    def _backup(self, version: str, why: str) -> None:
        path = self._database.path
        # Strays are no reason to refuse: what mends them wants this program's schema.
        target = path.with_name(f"{path.name}.{version}.{why}")
        backups.write(path, target, replace=True, are_strays_refused=False)


class _readable_errors:  # noqa: N801 - a context manager used like a keyword
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MigrationError):
            raise UsageError(str(error)) from error


def prepare(database: Database) -> list[str]:
    """Bring the schema up to date; returns what was applied. For whoever is about to write."""
    with translated(database.path):
        return Schema(database).up()
