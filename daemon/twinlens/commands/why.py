"""`why`: every fact, candidate and rule behind what is said of a file.

Nothing is decided here: what is shown is what the store holds, and what the rules themselves say
when they are asked again.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from twinlens.analysis.names import parse_name
from twinlens.commands.decide import shapes
from twinlens.commands.named_file import absolute, named_file, unread_around
from twinlens.commands.shapes import file_shape
from twinlens.commands.why_dates import taken_at
from twinlens.commands.why_duplicates import duplicates_of, near_misses
from twinlens.commands.why_groups import groups_of, left_open_of
from twinlens.commands.why_story import story_of
from twinlens.grouping.duplicates import SimilarityLimits
from twinlens.model.paths import to_text
from twinlens.model.picture import is_of_header_alone
from twinlens.model.views import FileView
from twinlens.store import decisions as decisions_store
from twinlens.store import holds, listing, tags, work_items
from twinlens.store.database import Database


def why(
    database: Database,
    path: str,
    ignored: Callable[[bytes], str | None] = lambda path: None,
    limits: SimilarityLimits | None = None,
) -> dict[str, Any]:
    """The object of `why --json` for one path (absolute, or relative to the current folder).

    `ignored` tells whose junk a path is, where it is not looked at. `limits` are those of the
    config; without them no near misses are looked for.
    """
    with database.reading():
        view = named_file(absolute(path), ignored)
        return {
            "file": file_shape(view) | _seen(view),
            "name": _name(view),
            "waiting": _waiting(view),
            "unread": _unread(view),
            "content": _content(view),
            "taken_at": taken_at(view),
            "groups": groups_of(view),
            "left_open": left_open_of(view),
            "duplicates": duplicates_of(view, limits),
            "near_misses": [] if limits is None else near_misses(view, limits),
            "tags": _tags(view),
            "decisions": _decisions(view),
            "revisions": [] if view.original is None else story_of(view.original.sha256),
        }


def _seen(view: FileView) -> dict[str, Any]:
    stat = view.file.stat
    return {
        "inode": stat.inode,
        "device": stat.device,
        "mtime_ns": stat.mtime_ns,
        "ctime_ns": stat.ctime_ns,
        "is_on_another_mount": view.file.is_nested,
        "gone_since": listing.gone_since(view.file.id),
    }


def _name(view: FileView) -> dict[str, Any]:
    """What was read from the name: its own part, and what copiers, editors and cameras added."""
    return asdict(parse_name(view.file.path.rpartition(b"/")[2]))


def _waiting(view: FileView) -> dict[str, Any] | None:
    """The entry in the queue, where the path is to be looked at again or was given up."""
    found = work_items.waiting(view.file.root_id, view.file.path)
    if found is None:
        return None
    item, state, error = found
    return {
        "state": state.value,
        "reason": item.reason,
        "attempts": item.attempts,
        "last_error": error,
    }


def _unread(view: FileView) -> dict[str, Any] | None:
    """The folder because of which the last scan could not see how the file fares now."""
    folder = unread_around(view.path)
    if folder is None:
        return None
    return {"path": to_text(folder.path), "reason": folder.reason, "since": folder.since}


def _content(view: FileView) -> dict[str, Any] | None:
    original = view.original
    if original is None:
        return None
    measured = original.measurement
    fingerprint = measured.fingerprint
    return {
        "sha256": original.sha256,
        "media_type": measured.media_type,
        "kind": measured.kind.value,
        "error": measured.error,
        "reference_count": original.reference_count,
        "references": asdict(holds.of_content(original.sha256)),
        "orphaned_at": original.orphaned_at,
        "algorithm_version": measured.algorithm_version,
        "is_of_header_alone": is_of_header_alone(measured.algorithm_version),
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
        "image_digest": measured.image_digest,
        "place": None if measured.place is None else asdict(measured.place),
        "metadata": asdict(measured.metadata),
    }


def _tags(view: FileView) -> list[str]:
    if view.original is None:
        return []
    return tags.of_originals([view.original.id]).get(view.original.id, [])


def _decisions(view: FileView) -> list[dict[str, Any]]:
    if view.original is None:
        return []
    return shapes(decisions_store.of_content(view.original.sha256))
