"""What must hold after any fault: all that is said of a folder is true, and nothing is missing."""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from support.drift import counted_links
from support.world import World
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply, shown
from twinlens.commands.duplicates import duplicates
from twinlens.commands.files import files
from twinlens.config.schema import Config
from twinlens.store import originals

OWN = ".twinlens"
"""The folder that twinlens itself makes below a root, for its trash."""


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every regular file below a folder, by relative path, but for our own."""
    found = {}
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != OWN]
        for name in names:
            path = os.path.join(above, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                found[os.path.relpath(path, folder)] = digest
    return found


def require_truth(
    rows: Mapping[str, Mapping[str, Any]], folder: Path, but: Iterable[str] = ()
) -> None:
    """Every file is known by its content, and nothing else is; `but` are the paths that are meant
    to be unknown."""
    told = {name: row["sha256"] for name, row in rows.items()}
    there = digests(folder)
    for name in but:
        del there[name]
    assert told == there


def rows_of(world: World) -> dict[str, dict[str, Any]]:
    """What `files --json` shows, by path relative to the root."""
    found = files(world.store.database)
    return {os.path.relpath(row["path"], world.photos): row for row in found}


def exact(world: World) -> list[set[str]]:
    """The names of each group of exact duplicates."""
    groups = duplicates(world.store.database, "exact")
    return [
        {os.path.relpath(member["path"], world.photos) for member in group["members"]}
        for group in groups
    ]


def require_world(world: World, but: Iterable[str] = ()) -> None:
    """What is said is true, the counts of references hold, and nothing waits for ever."""
    require_truth(rows_of(world), world.photos, but)
    with world.store.database.reading():
        counts = {i: n for i, n in originals.counts().items() if n}
        assert counts == {i: n for i, n in counted_links().items() if n}
    require_sound(world.store.path)


def require_sound(database: Path) -> None:
    """The database is whole, and no row refers to nothing."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        negative = "SELECT count(*) FROM original WHERE reference_count < 0"
        assert connection.execute(negative).fetchone() == (0,)
    finally:
        connection.close()


def action_room(world: World, action: str = "trash", **more: Any) -> ActionRoom:
    """What `apply` and `undo` work with, for a world whose only catalog has this policy."""
    catalog = {"name": "family", "roots": [str(world.photos)], "action": action}
    config = {"catalog": [catalog], "database": {"path": str(world.store.path)}, **more}
    return ActionRoom(
        Config.model_validate(config),
        world.store.database,
        world.store.writer,
        world.absorber.regroup,
        world.clock,
    )


def acted(world: World, action: str = "trash", **more: Any) -> dict[str, Any]:
    """Carry out what there is to do; the action as it is shown, with all its steps."""
    answer = apply(action_room(world, action, **more))
    if answer["action"] is None:
        return {"steps": []}
    return shown(world.store.database, answer["action"])
