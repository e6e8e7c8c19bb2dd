"""The section `database`: the bytes that are kept of a file, all told."""

import contextlib
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from corpus import A_FOLDER, MANY, prepared
from measuring import cost_of
from options import Options
from progress import say
from rows import Row
from running import Household
from subject import SubjectError

SECTION = "database"
_PICTURES = 2500
_MOST_BYTES = 2500.0
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class _Size:
    """What a database takes; `parts` are its largest tables and indexes, where SQLite tells."""

    files: int
    bytes_total: int
    parts: tuple[tuple[str, int], ...]


def measure(options: Options) -> list[Row]:
    """The size of the database after a real first scan, by the number of files."""
    corpus, photos = prepared(MANY, options)
    folders = sorted((photos / "DCIM").iterdir())[: -(-_PICTURES // A_FOLDER)]
    files = min(corpus.pictures, A_FOLDER * len(folders))
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        folder = Path(place)
        household = Household(
            folder / "config.toml",
            folder / "state" / "twinlens.db",
            folders,
            processes=options.processes,
        )
        household.write()
        say(f"database: a first scan of {files} pictures")
        cost_of(household.command("scan", "--json"))
        found = _size_of(household.database)
    if found.files != files:
        raise SubjectError(f"the scan of {files} pictures recorded {found.files}")
    return [
        Row(
            SECTION,
            "the database, a file",
            found.bytes_total / files,
            "B",
            target=_MOST_BYTES,
            note=f"{files:,} pictures of a camera without maker notes",
        ),
        *(
            Row(SECTION, f"of these in {name}, a file", size / files, "B")
            for name, size in found.parts
        ),
    ]


def _size_of(database: Path) -> _Size:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (files,) = connection.execute("SELECT COUNT(*) FROM file").fetchone()
        # Pages that stand empty count: the disk has them, too.
        (size,) = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        try:
            parts = connection.execute(
                "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT ?",
                (_SHOWN,),
            ).fetchall()
        except sqlite3.OperationalError:
            parts = []
    return _Size(files, size, tuple(parts))
