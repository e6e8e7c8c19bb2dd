"""An opened store for tests: the schema made, the writer running, and a short way to both."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from twinlens.model.roots import RootRecord
from twinlens.store import roots
from twinlens.store.database import Database
from twinlens.store.schema import prepare
from twinlens.store.writer import Writer

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Store:
    """A database and its writer."""

    database: Database
    writer: Writer

    @property
    def path(self) -> Path:
        """Where the database lies."""
        return self.database.path

    def write(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a transaction."""
        return self.writer.call(work)

    def read(self, work: Callable[[], Result]) -> Result:
        """Run `work` on a reading connection."""
        with self.database.reading():
            return work()

    def adopt(self, *paths: Path, catalog: str = "family") -> list[RootRecord]:
        """Make these, and no others, the watched folders."""
        wanted = [os.fsencode(path) for path in paths]
        return self.write(lambda: roots.adopt([(catalog, "report", wanted)]))


@contextmanager
def opened_store(path: Path) -> Iterator[Store]:
    """A new or existing store, closed at the end."""
    database = Database(path)
    prepare(database)
    writer = Writer(database)
    writer.start()
    try:
        yield Store(database, writer)
    finally:
        writer.stop()
        assert writer.join(10.0)
