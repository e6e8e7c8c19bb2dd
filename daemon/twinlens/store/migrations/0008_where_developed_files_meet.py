"""The key under which files meet, for what Lightroom develops: `a-Enhanced-NR.dng` meets `a.dng`.

Files are named anew from their paths, without opening one; the groups follow, for their rules
changed. A way back is not needed: the older rules name every file anew where they find it changed.
"""

from typing import Any

from twinlens.analysis.names import parse_name
from twinlens.analysis.sidecar_names import bucket_of

_BATCH = 1000


def up(migrator: Any, db: Any) -> None:
    """Name the buckets and bursts of every file by today's rules."""
    last = 0
    while True:
        rows = db.execute_sql(
            'SELECT "id", "name", "radical", "burst_key" FROM "file" WHERE "id" > ? '
            'ORDER BY "id" LIMIT ?',
            (last, _BATCH),
        ).fetchall()
        if not rows:
            return
        for file_id, name, radical, burst_key in rows:
            found = bucket_of(bytes(name)), parse_name(bytes(name)).burst_key
            if found != (radical, burst_key):
                db.execute_sql(
                    'UPDATE "file" SET "radical" = ?, "burst_key" = ? WHERE "id" = ?',
                    (*found, file_id),
                )
        last = rows[-1][0]


def down(migrator: Any, db: Any) -> None:
    """Nothing: a key of the newer rules does no harm under the older ones."""
