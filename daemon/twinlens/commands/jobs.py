"""`jobs`: long passes as they stand, ended or taken up again."""

from collections.abc import Iterator
from typing import Any

from twinlens.errors import UsageError
from twinlens.ingest.rebuild import REBUILDS
from twinlens.model.jobs import BY_HAND, JobRecord
from twinlens.store import jobs as jobs_store
from twinlens.store import work_items
from twinlens.store.database import Database
from twinlens.store.writer import Writer


def job_shape(job: JobRecord) -> dict[str, Any]:
    """One line of `jobs list --json`."""
    return {
        "id": job.id,
        "name": job.name,
        "argument": job.argument,
        "state": job.state.value,
        "total": job.total,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "cancel_requested": job.cancel_requested,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "error": job.error,
        "result": job.result,
    }


def list_jobs(database: Database) -> Iterator[dict[str, Any]]:
    """The newest jobs first."""
    with database.reading():
        for job in jobs_store.listing():
            yield job_shape(job)


def start(writer: Writer, name: str, at: str) -> dict[str, Any]:
    """Ask for a pass that groups everything anew; whoever runs passes carries it out."""
    require_rebuild(name)
    asked: dict[str, object] = {BY_HAND: True}
    return {"id": writer.call(lambda: jobs_store.ask(name, asked, at)).id, "name": name}


def require_rebuild(name: str) -> None:
    """Raise UsageError unless it is the name of a pass that groups anew."""
    if name not in REBUILDS:
        raise UsageError(
            f"there is no pass {name!r} to start",
            f"known: {', '.join(REBUILDS)}; a scan is started by: twinlens scan",
        )


def cancel(writer: Writer, job_id: int) -> dict[str, Any]:
    """Ask for a job to end after its current batch."""
    if not writer.call(lambda: jobs_store.request_cancel(job_id)):
        raise UsageError(f"there is no open job {job_id}", "see: twinlens jobs list")
    return {"id": job_id, "cancel_requested": True}


def retry(writer: Writer, job_id: int | None) -> dict[str, Any]:
    """Let a failed or cancelled job go on; without an id, give quarantined files a new start."""
    if job_id is None:
        return {"files": writer.call(work_items.retry_failed)}
    if not writer.call(lambda: jobs_store.reopen(job_id)):
        raise UsageError(
            f"job {job_id} is not one that failed or was cancelled", "see: twinlens jobs list"
        )
    return {"id": job_id, "state": "pending"}
