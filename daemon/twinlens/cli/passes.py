"""Verbs that change the store: done here under the lock, or by the daemon where one runs."""

import os
from pathlib import Path
from typing import Any

from twinlens.commands import migrate
from twinlens.commands.scan import request
from twinlens.config.schema import Config
from twinlens.host.lock import ProcessLock, holder
from twinlens.service.engine import regrouper_of
from twinlens.service.requests import Holder
from twinlens.service.supervisor import load_checked
from twinlens.store.database import Database
from twinlens.store.schema import Schema
from twinlens.store.writer import Writer


def run_pass(path: Path, verb: str, argument: dict[str, Any] | None = None) -> dict[str, Any]:
    """Carry out one verb of `service.requests`."""
    config, _ = load_checked(path, os.environ)
    if holder(config.database.path) is not None:
        return request(config.database.path, verb, argument or {})
    with ProcessLock(config.database.path):
        database = Database(config.database.path)
        Schema(database).require_current()
        writer = Writer(database, patience_seconds=30.0)
        regroup = regrouper_of(config).regroup
        writer.start()
        try:
            return Holder(config, database, writer, regroup).answer(verb, argument or {})
        finally:
            writer.stop()
            writer.join(10.0)


def migrate_locked(config: Config, direction: str, target: str | None) -> dict[str, Any]:
    """Change the schema while nobody else has the database."""
    with ProcessLock(config.database.path):
        database = Database(config.database.path)
        change = migrate.up if direction == "up" else migrate.down
        return change(database, target)
