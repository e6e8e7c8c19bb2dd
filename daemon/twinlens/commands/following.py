"""Following a pass that the running daemon was asked for: what it waits for, how far it is, and
what becomes of it when whoever waits gives up."""

import time
from collections.abc import Callable, Sequence

from twinlens.commands.scan import request
from twinlens.commands.turns import Ahead, ahead_of
from twinlens.errors import CannotRunError, UsageError
from twinlens.model.jobs import JobRecord, JobState
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database

ENDED = (JobState.SUCCESS, JobState.FAILED, JobState.CANCELLED)

LOOK_SECONDS = 0.3
MOMENT_SECONDS = 2.0
"""A pass that begins within this long has not waited."""


def follow(
    database: Database,
    job_id: int,
    on_progress: Callable[[JobRecord], None],
    on_wait: Callable[[Sequence[Ahead]], None],
    is_stopped: Callable[[], bool],
) -> JobRecord:
    """Wait for a pass of the running daemon; returns the job as it ended, or stood at a stop.

    `on_wait` hears once what goes first, where anything does.
    """
    asked_at, is_told = time.monotonic(), False
    while True:
        with database.reading():
            job = jobs_store.get(job_id)
            ahead = [] if is_told else ahead_of(jobs_store.unfinished(), job_id)
        if job is None:
            raise CannotRunError(f"job {job_id} is not in the database any more")
        is_late = time.monotonic() - asked_at > MOMENT_SECONDS
        if job.state is JobState.PENDING and any(one.is_whole or is_late for one in ahead):
            is_told = True
            on_wait(ahead)
        on_progress(job)
        if job.state in ENDED or is_stopped():
            return job
        time.sleep(LOOK_SECONDS)


def call_off(database: Database, job: JobRecord) -> str:
    """Tell the daemon that nobody waits for a pass any more; in words what becomes of it."""
    if job.state in ENDED:
        return f"job {job.id} had ended"
    try:
        request(database.path, "cancel", {"job": job.id})
    except UsageError:
        return f"job {job.id} had ended"
    except CannotRunError:
        return f"the daemon could not be told and goes on with it: twinlens jobs cancel {job.id}"
    if job.state is JobState.PENDING:
        return f"job {job.id} had not begun and is called off"
    return f"job {job.id} is called off, once it has recorded what it has in hand"


def waits_for(ahead: Sequence[Ahead]) -> str:
    """What goes first, in words."""
    return "; ".join(map(_goes_first, ahead))


def _goes_first(ahead: Ahead) -> str:
    job = ahead.job
    if not ahead.is_whole:
        return f"{job.name} (job {job.id}) first records what it has in hand"
    left = "" if job.left is None else f", {job.left} of {job.total} left to do"
    return f"{job.name} (job {job.id}) was asked for earlier and goes first{left}"
