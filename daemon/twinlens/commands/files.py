"""`files`: every live file."""

from collections.abc import Iterator
from typing import Any

from twinlens.commands.shapes import file_shape
from twinlens.errors import UsageError
from twinlens.model.files import FileStatus
from twinlens.store import listing
from twinlens.store.database import Database


def files(database: Database, state: str | None = None) -> Iterator[dict[str, Any]]:
    """Live files in the order of paths, all or those in one state; streamed, inside one reading of
    the store."""
    known = {status.value for status in FileStatus if status is not FileStatus.GONE}
    if state is not None and state not in known:
        raise UsageError(f"there is no state {state!r}", f"known: {', '.join(sorted(known))}")
    with database.reading():
        for view in listing.files():
            if state in (None, view.file.status.value):
                yield file_shape(view)
