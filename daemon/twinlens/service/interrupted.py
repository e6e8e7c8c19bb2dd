"""Brings the actions that a crash has left half done to an end, before anything is looked at."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from twinlens.commands.acting import ActionRoom
from twinlens.config.schema import Config
from twinlens.ingest.recorder import Touched
from twinlens.maintenance.trust import Look
from twinlens.store.database import Database
from twinlens.store.writer import Writer

logger = logging.getLogger(__name__)


def end_interrupted(
    config: Config,
    database: Database,
    writer: Writer,
    regroup: Callable[[Touched], object],
    look: Look,
) -> None:
    """Take back or finish every open step; a root that is away keeps its own for later."""
    room = ActionRoom(config, database, writer, regroup, lambda: datetime.now(UTC), look=look)
    found = room.recover()
    if found:
        logger.warning("%d interrupted actions were brought to an end", len(found))
