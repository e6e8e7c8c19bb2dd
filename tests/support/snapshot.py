"""What a database says of the files on the disk, without what depends on the order of arrival.

Two databases over the same files have equal snapshots, whatever happened on the way. It is read by
plain SQL: a mistake of the store must not hide itself.
"""

import sqlite3
from pathlib import Path
from typing import Any

FILES = """
    SELECT CAST(root.path || '/' || iif(directory = x'', x'', directory || '/') || name AS BLOB),
           sha256, file.status, file.error, original.error, media_type, width, height,
           taken_at, taken_at_source, taken_at_confidence, phash, dhash
    FROM file
    JOIN root ON root.id = file.root_id
    LEFT JOIN original ON original.id = file.original_id
    WHERE file.deleted_at IS NULL
"""
COUNTS = "SELECT sha256, reference_count FROM original WHERE reference_count > 0"
GROUPS = """
    SELECT file_group.id, group_type, aspects, file_group.rule,
           CAST(root.path || '/' || iif(directory = x'', x'', directory || '/') || name AS BLOB),
           file.kind, file_type, is_primary, evidence, group_member.rule, runner_up, sequence
    FROM group_member
    JOIN file_group ON file_group.id = group_member.group_id
    JOIN file ON file.id = group_member.file_id
    JOIN root ON root.id = file.root_id
"""
DUPLICATES = """
    SELECT key, duplicate_type, duplicate_class, duplicate_group.rule, confidence, sha256,
           similarity, is_primary
    FROM duplicate_member
    JOIN duplicate_group ON duplicate_group.id = duplicate_member.group_id
    JOIN original ON original.id = duplicate_member.original_id
"""


def snapshot(database: Path) -> dict[str, Any]:
    """Files, reference counts, groups and duplicates, comparable with `==`."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = {name: connection.execute(sql).fetchall() for name, sql in _QUERIES.items()}
    finally:
        connection.close()
    groups: dict[int, set[object]] = {}
    for group_id, *member in rows["groups"]:
        groups.setdefault(group_id, set()).add(tuple(member))
    return {
        "files": {row[0]: row[1:] for row in rows["files"]},
        "counts": dict(rows["counts"]),
        "groups": {frozenset(members) for members in groups.values()},
        "duplicates": set(rows["duplicates"]),
    }


def leftovers(database: Path) -> dict[str, Any]:
    """What a quiet and healthy database has none of; empty for such a one."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        found = {
            "damages": [r for (r,) in connection.execute("PRAGMA integrity_check") if r != "ok"],
            "references": connection.execute("PRAGMA foreign_key_check").fetchall(),
            "work items": connection.execute("SELECT path, state, error FROM work_item").fetchall(),
            "jobs": connection.execute(
                "SELECT id, state FROM job WHERE state IN ('pending', 'running')"
            ).fetchall(),
        }
    finally:
        connection.close()
    return {name: rows for name, rows in found.items() if rows}


_QUERIES = {"files": FILES, "counts": COUNTS, "groups": GROUPS, "duplicates": DUPLICATES}


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What two snapshots do not agree on; empty where they are equal."""
    found: dict[str, Any] = {}
    for name, mine in one.items():
        theirs = other[name]
        if isinstance(mine, dict):
            keys = [k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k)]
            different = {key: (mine.get(key), theirs.get(key)) for key in keys}
        else:
            different = {"alone": mine - theirs, "other alone": theirs - mine}
        if mine != theirs:
            found[name] = different
    return found
