"""`status`: what is known, waiting and failing, and how the roots fare."""

from collections.abc import Sequence
from typing import Any

from twinlens.host.lock import holder
from twinlens.model.jobs import JobRecord
from twinlens.model.paths import to_text
from twinlens.model.roots import RootRecord, WatchMode
from twinlens.store import (
    blobs,
    listing,
    meta,
    outbox,
    unread_folders,
    verifications,
    work_items,
)
from twinlens.store import files as files_store
from twinlens.store import jobs as jobs_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database

SHOWN_FAILURES = 20
SHOWN_FOLDERS = 20


def status(database: Database, left_out: Sequence[str] = ()) -> dict[str, Any]:
    """The object of `status --json`. `left_out` says what is not looked at at all."""
    is_running = holder(database.path) is not None
    with database.reading():
        summary = listing.summary()
        waiting, given_up, last_error = outbox.counts()
        passes_wait = (meta.read("passes_wait") if is_running else None) or None
        return {
            "running": is_running,
            "files": summary.files,
            "originals": summary.originals,
            "bytes": summary.bytes_total,
            "kinds": summary.by_kind,
            "states": summary.by_status,
            "left_out": list(left_out),
            "queue": work_items.counts(),
            "given_up": _given_up(),
            "groups": summary.groups,
            "duplicates": summary.duplicates,
            "reclaimable_bytes": summary.reclaimable_bytes,
            "orphans": summary.orphans,
            "unwatched_files": sum(
                files_store.count_live(record.id)
                for record in roots_store.every()
                if not record.is_active
            ),
            "roots": [_root(record, is_running) for record in roots_store.active()],
            "jobs": [_job(job, passes_wait, is_running) for job in jobs_store.unfinished()],
            "passes_wait": passes_wait,
            "webhooks": {"waiting": waiting, "given_up": given_up, "last_error": last_error},
            "verification": _verification(),
            "vault": _vault(),
            "last_cleanup_at": meta.read("last_cleanup_at"),
            "last_reconcile_at": meta.read("last_reconcile_at"),
        }


def _job(job: JobRecord, passes_wait: str | None, is_running: bool) -> dict[str, Any]:
    """A pass that has not ended. `total` and `left` count what it works on, for a scan the files
    that differ from what is recorded; both are None until all of it is known. `waits_for` says why
    nobody works on it now."""
    waits_for = passes_wait if not job.is_by_hand else None
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state.value,
        "total": job.total,
        "left": job.left,
        "waits_for": waits_for if is_running else "the daemon does not run",
    }


def _verification() -> dict[str, Any]:
    """What reading files again has found; the paths are what `verify` shows."""
    return {**verifications.numbers(), "last_verify_at": meta.read("last_verify_at")}


def _vault() -> dict[str, Any] | None:
    """What is kept in the vault; None where none was made."""
    if blobs.vault_identity() is None:
        return None
    return {**blobs.numbers(), "trouble": meta.read("vault_trouble") or ""}


def _root(record: RootRecord, is_running: bool) -> dict[str, Any]:
    watch, detail = record.watch_mode.value, record.watch_detail
    if not is_running:
        watch, detail = WatchMode.NONE.value, "the daemon does not run"
    return {
        "path": to_text(record.path),
        "catalog": record.catalog,
        "state": record.state.value,
        "detail": record.detail,
        "files": files_store.count_live(record.id),
        "watch": watch,
        "watch_detail": detail,
        "overflows": record.overflows,
        "last_scan_at": record.last_scan_at,
        "unread": {
            "count": unread_folders.count(record.id),
            "folders": [
                {"path": to_text(folder.path), "reason": folder.reason, "since": folder.since}
                for folder in unread_folders.of_root(record.id, SHOWN_FOLDERS)
            ],
        },
    }


def _given_up() -> list[dict[str, Any]]:
    roots = {record.id: record.path for record in roots_store.every()}
    return [
        {
            "path": to_text(roots[root_id].rstrip(b"/") + b"/" + path),
            "attempts": attempts,
            "error": error,
        }
        for root_id, path, attempts, error in work_items.failed()[:SHOWN_FAILURES]
        if root_id in roots
    ]
