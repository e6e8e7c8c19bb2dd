"""The nightly backup: one copy of the database a night, the newest ones kept.

A night is over at `hour` of the local clock. A machine that slept through it makes the copy up once
it is awake; a copy that claims to be from the future says nothing, for the clock was wrong then.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twinlens.store import backups, generation, meta
from twinlens.store.writer import Writer

LAST_BACKUP = "last_backup"
"""The fact that remembers the last copy that was made, by hand or by night."""

_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What one backup did."""

    path: Path
    size: int
    removed: int

    def as_result(self) -> dict[str, object]:
        """The object that is printed and kept."""
        return {"path": str(self.path), "bytes": self.size, "removed": self.removed}


def is_due(made_at: datetime | None, now: datetime, hour: int) -> bool:
    """Whether no copy was made since the last time the clock struck `hour`. Times are aware, `now`
    in the local zone."""
    if made_at is None or made_at > now + _CLOCKS_DIFFER:
        return True
    struck = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if struck > now:
        struck -= timedelta(days=1)
    return made_at < struck


def note(database: Path, writer: Writer, target: Path, at: str) -> None:
    """Remember that a copy was made, and count one further: putting the copy back is then seen."""
    facts = json.dumps({"path": str(target), "at": at})
    writer.call(lambda: meta.write(LAST_BACKUP, facts))
    generation.advance(database, writer.call, at)


def last() -> tuple[str, str] | None:
    """(path, time) of the last copy that was made. Inside a connection."""
    text = meta.read(LAST_BACKUP)
    if text is None:
        return None
    facts = json.loads(text)
    return str(facts["path"]), str(facts["at"])


@dataclass(frozen=True, slots=True)
class NightlyBackup:
    """Makes the copy when it is due. `clock` gives the time in the local zone, aware."""

    database: Path
    writer: Writer
    folder: Path
    keep: int
    hour: int
    clock: Callable[[], datetime]

    def run_if_due(self) -> BackupReport | None:
        """Make the night's copy unless it is there; raises StoreError where it cannot be made."""
        now = self.clock()
        known = backups.numbered(self.folder, self.database.name)
        if not is_due(known[-1].made_at if known else None, now, self.hour):
            return None
        backup, removed = backups.write_numbered(self.database, self.folder, now, self.keep)
        size = backup.path.stat().st_size
        at = backup.made_at.astimezone(UTC).isoformat(timespec="seconds")
        note(self.database, self.writer, backup.path, at)
        return BackupReport(backup.path, size, removed)
