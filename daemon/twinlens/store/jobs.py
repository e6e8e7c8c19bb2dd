"""Jobs and their batches: what a long pass was asked for, how far it is, what came of it."""

import json
from collections.abc import Iterable, Sequence

from twinlens.model.jobs import BY_HAND, JobRecord, JobState
from twinlens.store import holds
from twinlens.store.rows import tuples
from twinlens.store.tables_work import Job, JobBatch

OPEN = (JobState.PENDING.value, JobState.RUNNING.value)


def ask(name: str, argument: dict[str, object], at: str) -> JobRecord:
    """Ask for a pass. One that waits already with the same argument is returned instead."""
    text = json.dumps(argument, sort_keys=True)
    row = Job.get_or_none(
        (Job.name == name) & (Job.argument == text) & (Job.state == JobState.PENDING.value)
    )
    if row is None:
        job_id = Job.insert(name=name, argument=text, created_at=at).execute()
        row = Job.get_by_id(job_id)
    return _record(row)


def get(job_id: int) -> JobRecord | None:
    """The job with this id."""
    row = Job.get_or_none(Job.id == job_id)
    return None if row is None else _record(row)


def listing(limit: int = 100) -> list[JobRecord]:
    """The newest jobs first."""
    return [_record(row) for row in Job.select().order_by(Job.id.desc()).limit(limit)]


def unfinished() -> list[JobRecord]:
    """Jobs that wait or were interrupted, the oldest first."""
    return [_record(row) for row in Job.select().where(Job.state.in_(OPEN)).order_by(Job.id)]


def begin(job_id: int, at: str) -> bool:
    """Mark the job as running; returns whether everything was discovered in an earlier run.

    Where it was not, the batches of the interrupted discovery are dropped: it starts anew.
    """
    row = Job.get_by_id(job_id)
    if not row.is_discovered:
        JobBatch.delete().where(JobBatch.job == job_id).execute()
        Job.update(succeeded=0, failed=0).where(Job.id == job_id).execute()
    Job.update(state=JobState.RUNNING.value, started_at=row.started_at or at).where(
        Job.id == job_id
    ).execute()
    return bool(row.is_discovered)


def add_batches(job_id: int, first_number: int, batches: Sequence[Sequence[object]]) -> None:
    """Remember discovered items, as JSON."""
    JobBatch.insert_many(
        [
            {"job": job_id, "number": first_number + n, "items": json.dumps(items)}
            for n, items in enumerate(batches)
        ]
    ).execute()


def set_discovered(job_id: int, total: int) -> None:
    """Everything was discovered: from now on an interrupted job goes on where it was."""
    Job.update(is_discovered=True, total=total).where(Job.id == job_id).execute()


def pending_batches(job_id: int) -> list[int]:
    """The numbers of the batches that are still to be done."""
    query = (
        JobBatch.select(JobBatch.number)
        .where((JobBatch.job == job_id) & JobBatch.state.in_(OPEN))
        .order_by(JobBatch.number)
    )
    return [number for (number,) in tuples(query)]


def batch_items(job_id: int, number: int) -> list[object]:
    """The items of a batch."""
    row = JobBatch.get((JobBatch.job == job_id) & (JobBatch.number == number))
    items = json.loads(row.items)
    return list(items)


def refer_to(job_id: int, digests: Iterable[str]) -> None:
    """Let none of these contents be forgotten before the job has ended."""
    for sha256 in sorted(set(digests)):
        holds.take(sha256, holds.JOB, str(job_id))


def finish_batch(
    job_id: int, number: int, *, succeeded: int, failed: int, retries: int, error: str | None
) -> None:
    """A batch is done, in the same transaction as its results. Its items are dropped."""
    state = JobState.SUCCESS if not failed else JobState.FAILED
    JobBatch.update(
        state=state.value,
        items="[]",
        succeeded=succeeded,
        failed=failed,
        retries=retries,
        error=error,
    ).where((JobBatch.job == job_id) & (JobBatch.number == number)).execute()
    Job.update(succeeded=Job.succeeded + succeeded, failed=Job.failed + failed).where(
        Job.id == job_id
    ).execute()


def finish(
    job_id: int,
    state: JobState,
    at: str,
    *,
    error: str | None = None,
    result: dict[str, object] | None = None,
) -> None:
    """The job ended. The batches of one that went through are dropped; others are kept to see."""
    Job.update(
        state=state.value,
        finished_at=at,
        error=error,
        result=None if result is None else json.dumps(result),
    ).where(Job.id == job_id).execute()
    holds.release_all(holds.JOB, str(job_id), at)
    if state is JobState.SUCCESS:
        JobBatch.delete().where(JobBatch.job == job_id).execute()


def request_cancel(job_id: int) -> bool:
    """Ask for the job to end after its current batch; False where it ended already."""
    return bool(
        Job.update(cancel_requested=True).where((Job.id == job_id) & Job.state.in_(OPEN)).execute()
    )


def reopen(job_id: int) -> bool:
    """Let a failed or cancelled job go on where it was, now by hand; False where it is not one."""
    ended = (JobState.FAILED.value, JobState.CANCELLED.value)
    row = Job.get_or_none((Job.id == job_id) & Job.state.in_(ended))
    if row is None:
        return False
    Job.update(
        state=JobState.PENDING.value,
        argument=json.dumps({**json.loads(row.argument), BY_HAND: True}, sort_keys=True),
        cancel_requested=False,
        error=None,
        finished_at=None,
    ).where(Job.id == job_id).execute()
    return True


def trim(keep: int) -> int:
    """Forget all but the newest ended jobs; returns how many were dropped."""
    newest = Job.select(Job.id).order_by(Job.id.desc()).limit(keep)
    return int(Job.delete().where(Job.state.not_in(OPEN) & Job.id.not_in(newest)).execute())


def _record(row: Job) -> JobRecord:
    return JobRecord(
        id=row.id,
        name=row.name,
        argument=row.argument,
        state=JobState(row.state),
        total=row.total,
        succeeded=row.succeeded,
        failed=row.failed,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        result=None if row.result is None else json.loads(row.result),
        cancel_requested=bool(row.cancel_requested),
    )
