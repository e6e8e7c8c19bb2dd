"""The key under which the files of one photograph meet, and the key that a burst's names share.

Sidecars meet the file that they name, and long names meet under their beginning. What is recorded
is named anew from the paths, without opening a file; the groups follow, for their rules changed.
"""

from collections.abc import Callable
from typing import Any

from twinlens.analysis.names import parse_name
from twinlens.analysis.sidecar_names import bucket_of

_BATCH = 1000


def up(migrator: Any, db: Any) -> None:
    """Name the buckets and bursts of every file by today's rules."""
    _rename(db, lambda name: (bucket_of(name), parse_name(name).burst_key))


def down(migrator: Any, db: Any) -> None:
    """A file's bucket is its own radical again."""
    _rename(db, lambda name: (parse_name(name).radical, None))


def _rename(db: Any, keys: Callable[[bytes], tuple[str, str | None]]) -> None:
    last = 0
    while True:
        rows = db.execute_sql(
            'SELECT "id", "name" FROM "file" WHERE "id" > ? ORDER BY "id" LIMIT ?', (last, _BATCH)
        ).fetchall()
        if not rows:
            return
        for file_id, name in rows:
            radical, burst_key = keys(bytes(name))
            db.execute_sql(
                'UPDATE "file" SET "radical" = ?, "burst_key" = ? WHERE "id" = ?',
                (radical, burst_key, file_id),
            )
        last = rows[-1][0]
