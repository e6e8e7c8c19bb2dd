"""`why`: every fact, candidate and rule behind what is said of a file."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twinlens.commands.shapes import exact_shape, file_shape, group_shape, perceptual_shape
from twinlens.errors import UsageError
from twinlens.ingest.photographs import left_open
from twinlens.model.paths import printable
from twinlens.model.views import FileView
from twinlens.store import file_groups, listing
from twinlens.store.database import Database


def why(
    database: Database, path: str, ignored: Callable[[bytes], str | None] = lambda path: None
) -> dict[str, Any]:
    """The object of `why --json` for one path (absolute, or relative to the current folder).

    `ignored` tells whose junk a path is, where it is not looked at.
    """
    absolute = os.fsencode(os.path.normpath(Path.cwd() / path))
    with database.reading():
        view = listing.file_at(absolute)
        if view is None:
            raise UsageError(*_unknown(absolute, ignored))
        return {
            "file": file_shape(view) | _seen(view),
            "content": _content(view),
            "taken_at": _taken(view),
            "groups": [group_shape(group) for group in listing.groups_of_file(view.file.id)],
            "left_open": _left_open(view),
            "duplicates": _duplicates(view),
        }


def _unknown(path: bytes, ignored: Callable[[bytes], str | None]) -> tuple[str, str]:
    """Why nothing is known of a path, and what to do."""
    shown = printable(path)
    if os.path.isdir(path):
        return f"it is a folder: {shown}", "name a file; `twinlens scan FOLDER` looks at a folder"
    if not os.path.lexists(path):
        return f"there is no such file: {shown}", "`twinlens files` lists what is known"
    if os.path.islink(path):
        return f"it is a symbolic link, and links are not followed: {shown}", "name its target"
    reason = ignored(path)
    if reason is not None:
        return f"it is not looked at ({reason}): {shown}", "see include and exclude in the config"
    return (
        f"nothing is known of it yet: {shown}",
        "is it below a watched folder? `twinlens status` names them; `twinlens scan` looks now",
    )


def _seen(view: FileView) -> dict[str, Any]:
    stat = view.file.stat
    return {
        "inode": stat.inode,
        "device": stat.device,
        "mtime_ns": stat.mtime_ns,
        "ctime_ns": stat.ctime_ns,
        "is_on_another_mount": view.file.is_nested,
    }


def _content(view: FileView) -> dict[str, Any] | None:
    original = view.original
    if original is None:
        return None
    measured = original.measurement
    fingerprint = measured.fingerprint
    return {
        "reference_count": original.reference_count,
        "orphaned_at": original.orphaned_at,
        "algorithm_version": measured.algorithm_version,
        "fingerprint": None
        if fingerprint is None
        else {
            "phash": f"{fingerprint.phash:016x}",
            "dhash": f"{fingerprint.dhash:016x}",
            "ahash": f"{fingerprint.ahash:016x}",
            "whash": f"{fingerprint.whash:016x}",
            "is_degenerate": fingerprint.is_degenerate,
            "reason": fingerprint.reason,
        },
        "place": None if measured.place is None else asdict(measured.place),
        "metadata": asdict(measured.metadata),
    }


def _taken(view: FileView) -> dict[str, Any] | None:
    if view.original is None:
        return None
    taken = view.original.taken
    return {
        "value": taken.value,
        "source": taken.source,
        "confidence": taken.confidence.value,
        "from_content_alone": view.original.captured_at,
        "candidates": [asdict(candidate) for candidate in taken.candidates],
    }


def _left_open(view: FileView) -> list[str]:
    """What the rules could not decide about the photograph of this file, in words."""
    bucket = file_groups.bucket_of(view.file.id)
    return [] if bucket is None else left_open(view.file.root_id, bucket, view.file.id)


def _duplicates(view: FileView) -> list[dict[str, Any]]:
    if view.original is None:
        return []
    found: list[dict[str, Any]] = []
    copies = listing.files_of_original(view.original.id)
    if len(copies) > 1:
        shape = exact_shape(copies)
        if shape is not None:
            found.append(shape)
    found.extend(perceptual_shape(g) for g in listing.perceptual_groups(view.original.id))
    return found
