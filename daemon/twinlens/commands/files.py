"""`files`: every live file."""

from collections.abc import Iterator
from typing import Any

from twinlens.commands.shapes import file_shape
from twinlens.store import listing
from twinlens.store.database import Database


def files(database: Database) -> Iterator[dict[str, Any]]:
    """Every live file in the order of paths; streamed, inside one reading of the store."""
    with database.reading():
        for view in listing.files():
            yield file_shape(view)
