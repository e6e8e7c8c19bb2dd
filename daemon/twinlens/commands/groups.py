"""`groups`: files that are one photograph."""

from collections.abc import Iterator
from typing import Any

from twinlens.commands.shapes import group_shape
from twinlens.errors import UsageError
from twinlens.model.groups import GroupType
from twinlens.store import listing
from twinlens.store.database import Database


def groups(database: Database, group_type: str | None) -> Iterator[dict[str, Any]]:
    """File groups, all or those that one type of tie is part of."""
    if group_type is not None and group_type not in set(GroupType):
        raise UsageError(
            f"there is no group type {group_type!r}", f"known: {', '.join(sorted(GroupType))}"
        )
    with database.reading():
        for view in listing.file_groups(group_type):
            yield group_shape(view)
