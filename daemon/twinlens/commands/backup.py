"""`backup`: a complete, checked copy of the database, and how old the last one is."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from twinlens.config.roots import root_holding
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.maintenance import backup as nightly
from twinlens.store import backups
from twinlens.store.database import Database
from twinlens.store.writer import Writer

_BESIDE = ("", "-wal", "-shm", "-journal", ".lock", ".generation", ".requests")
"""What the names of the live database's own files end in."""

OLD_DAYS = 3
"""A backup older than this, and nobody will be glad of it."""


def backup(config: Config, file: str, *, force: bool) -> dict[str, Any]:
    """Copy the database to `file`. UsageError for a place where no copy may lie."""
    target = Path(os.path.realpath(os.path.dirname(os.path.abspath(file)))) / os.path.basename(file)
    _refuse(config, target, file, force=force)
    size = backups.write(Path(os.path.realpath(config.database.path)), target, replace=force)
    return {"path": str(target), "bytes": size}


def note(
    database: Database, writer: Writer, clock: Callable[[], str], argument: dict[str, Any]
) -> dict[str, Any]:
    """Remember a copy that was made by hand."""
    at = clock()
    nightly.note(database.path, writer, Path(str(argument["path"])), at)
    return {"at": at}


def folder_of(config: Config) -> Path:
    """Where the nightly copies lie."""
    return config.backup.folder or config.database.path.with_name("backups")


def age_days(now: datetime) -> tuple[str, float] | None:
    """(path, days) of the last copy; None where there never was one. Inside a connection."""
    last = nightly.last()
    if last is None:
        return None
    path, at = last
    return path, (now - datetime.fromisoformat(at)).total_seconds() / 86_400


def _refuse(config: Config, target: Path, file: str, *, force: bool) -> None:
    live = Path(os.path.realpath(config.database.path))
    if not os.path.basename(file) or target.is_dir():
        raise UsageError(f"{file} is a folder", "name a file in it")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is no folder", "make it first")
    if target.parent == live.parent and target.name in {f"{live.name}{end}" for end in _BESIDE}:
        raise UsageError(f"{file} is the live database's own", "name another file")
    if (root := root_holding(config, target)) is not None:
        raise UsageError(
            f"{file} lies within the root {root}; nothing is ever written there",
            "name a file elsewhere, best on another disk",
        )
    if not os.path.lexists(target):
        return
    if not force:
        raise UsageError(f"{file} exists already", "name another file, or add --force")
    # First: to open and close a name of the live database would drop SQLite's locks on it.
    if os.path.exists(target) and os.path.samefile(target, live):
        raise UsageError(f"{file} is the live database", "name another file")
    if target.is_symlink() or not target.is_file() or not backups.is_database(target):
        raise UsageError(f"{file} is no earlier backup: it is not replaced", "name another file")
