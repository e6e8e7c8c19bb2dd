"""Writes the metrics file by the clock, and leaves a disk that sleeps asleep.

Nothing is asked while the database's files have not changed, and nothing is written while the text
is the same. Figures that read many rows are asked at most for a twentieth of the time.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from twinlens.commands.exposition import exposition
from twinlens.commands.metrics import cheap, costly
from twinlens.host.textfile import publish
from twinlens.model.metrics import Metric
from twinlens.store.database import Database

logger = logging.getLogger(__name__)

MOST_SHARE = 0.05
"""The share of the time that costly figures may take."""


class MetricsFile:
    """The file at `path`, for the textfile collector of the node exporter."""

    def __init__(self, database: Database, path: Path, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._path = path
        self._monotonic = monotonic
        self._seen: object = None
        self._text = ""
        self._costly: tuple[Metric, ...] = ()
        self._not_before = float("-inf")
        self._is_stale = True
        self._is_failing = False

    def step(self) -> None:
        """What the schedule calls."""
        self.write()

    def write(self) -> bool:
        """Look, and write where something changed; returns whether it did. A file that cannot be
        written stops nothing."""
        seen = self._look()
        is_same = seen == self._seen and self._path.exists()
        if is_same and not (self._is_stale and self._monotonic() >= self._not_before):
            return False
        with self._database.reading():
            metrics = cheap(self._database.path)
            self._ask_costly()
        text = exposition((*metrics, *self._costly))
        self._seen = seen
        if text == self._text and self._path.exists():
            return False
        try:
            publish(self._path, text)
        except OSError as error:
            if not self._is_failing:
                logger.warning("the metrics cannot be written (%s): %s", error.strerror, self._path)
            self._is_failing = True
            return False
        self._text, self._is_failing = text, False
        return True

    def _ask_costly(self) -> None:
        started = self._monotonic()
        self._is_stale = started < self._not_before
        if self._is_stale:
            return
        self._costly = costly()
        took = self._monotonic() - started
        self._not_before = started + took / MOST_SHARE

    def _look(self) -> object:
        """What tells that the database was written to: nothing of it is read."""
        found = []
        for end in ("", "-wal"):
            try:
                status = os.stat(self._database.path.with_name(self._database.path.name + end))
            except OSError:
                continue
            found.append((status.st_size, status.st_mtime_ns))
        return found
