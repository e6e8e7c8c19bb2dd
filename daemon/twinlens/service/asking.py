"""Asking for passes, so that none waits twice. Inside a transaction of the writer."""

import json
from collections.abc import Sequence

from twinlens.model.jobs import JobRecord, JobState
from twinlens.store import jobs as jobs_store


def ask_each_once(names: Sequence[str], argument: dict[str, object], at: str) -> None:
    """Ask for passes, but for those left open with the very same aim; others are closed."""
    aim = json.dumps(argument, sort_keys=True)
    same = {job.name for job in jobs_store.unfinished() if job.argument == aim}
    for name in names:
        if name not in same:
            ask_alone(name, argument, at)


def ask_alone(name: str, argument: dict[str, object], at: str) -> JobRecord:
    """Ask for a pass; what is left open of its name is closed."""
    job = jobs_store.ask(name, argument, at)
    for left in jobs_store.unfinished():
        if left.name == name and left.id != job.id:
            words = f"job {job.id} took its place"
            jobs_store.finish(left.id, JobState.CANCELLED, at, error=words)
    return job
