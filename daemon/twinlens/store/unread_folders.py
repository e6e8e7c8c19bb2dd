"""Folders that a scan could not read: they stand here by name until a scan reads them.

Nothing is known of what is new in them, and that must be said for as long as it is so, also when
the scan has long ended. Paths are relative to the root; all functions run inside a connection of
the database.
"""

from collections.abc import Mapping

from twinlens.model.paths import join
from twinlens.model.roots import UnreadFolder as Folder
from twinlens.store.tables import Root
from twinlens.store.tables_care import UnreadFolder


def note(root_id: int, under: bytes, unread: Mapping[bytes, str], at: str) -> None:
    """A scan of all that lies in the folder `under` (empty: the whole root) came to its end, and
    these folders it could not read, with the reason of each. In a transaction; writes nothing
    where nothing has changed."""
    known = {
        bytes(row.directory): row
        for row in UnreadFolder.select().where(UnreadFolder.root == root_id)
        if _is_within(bytes(row.directory), under)
    }
    for directory, row in known.items():
        if directory not in unread:
            row.delete_instance()
        elif row.reason != unread[directory]:
            row.reason = unread[directory]
            row.save()
    for directory, reason in unread.items():
        if directory not in known:
            UnreadFolder.create(root=root_id, directory=directory, reason=reason, since=at)


def count(root_id: int) -> int:
    """How many folders of a root could not be read."""
    return int(UnreadFolder.select().where(UnreadFolder.root == root_id).count())


def of_root(root_id: int, limit: int) -> list[Folder]:
    """The folders of a root that could not be read, by name, at most so many."""
    query = (
        UnreadFolder.select(UnreadFolder, Root)
        .join(Root)
        .where(UnreadFolder.root == root_id)
        .order_by(UnreadFolder.directory)
        .limit(limit)
    )
    return [_folder(row) for row in query]


def around(root_id: int, path: bytes) -> Folder | None:
    """The folder because of which nothing new is known of a path; None where there is none. A path
    is in itself too: it may be the folder."""
    above = [path]
    while above[-1]:
        above.append(above[-1].rpartition(b"/")[0])
    query = (
        UnreadFolder.select(UnreadFolder, Root)
        .join(Root)
        .where((UnreadFolder.root == root_id) & UnreadFolder.directory.in_(above))
        .order_by(UnreadFolder.directory)
    )
    row = query.first()
    return None if row is None else _folder(row)


def _is_within(directory: bytes, under: bytes) -> bool:
    return not under or directory == under or directory.startswith(under + b"/")


def _folder(row: UnreadFolder) -> Folder:
    directory, root = bytes(row.directory), bytes(row.root.path)
    return Folder(join(root, directory) if directory else root, row.reason, row.since)
