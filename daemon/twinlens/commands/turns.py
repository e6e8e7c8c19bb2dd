"""Whose turn it is among long passes: what somebody asked for by hand goes before all else.

It waits for no quiet hour and no busy machine, and the pass under way makes room for it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from twinlens.ingest.rebuild import REBUILDS
from twinlens.model.jobs import JobRecord, JobState


def asked_by_hand(unfinished: Sequence[JobRecord]) -> list[JobRecord]:
    """The passes asked for by hand, in their order, each behind older ones of its own kind: two
    scans would look at the same files, and groups anew are made in their order. Before all stand
    those that were called off: they end at once."""
    called_off = [job for job in unfinished if job.cancel_requested]
    left = [job for job in unfinished if not job.cancel_requested]
    return called_off + [
        job
        for place, job in enumerate(left)
        if any(later.is_by_hand and _is_one_kind(job, later) for later in left[place:])
    ]


def is_elsewhere_wanted(unfinished: Sequence[JobRecord], names: Collection[str]) -> bool:
    """Whether a slice of the passes with these names ends early: for any other pass; one that was
    asked for by hand only for others that were."""
    others = [job for job in unfinished if job.name not in names]
    ours = [job for job in unfinished if job.name in names and job.is_by_hand]
    if any(job.state is JobState.RUNNING for job in ours):
        return any(job.is_by_hand for job in others)
    return bool(others or ours)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A pass that goes first. `is_whole`: to its end; else it only records what it has in hand."""

    job: JobRecord
    is_whole: bool


def ahead_of(unfinished: Sequence[JobRecord], job_id: int) -> list[Ahead]:
    """What goes before a pass that was asked for by hand and has not begun."""
    asked = asked_by_hand(unfinished)
    first = [job for job in asked if job.id < job_id and not job.cancel_requested]
    ahead = [Ahead(job, is_whole=True) for job in first]
    if not ahead:
        running = [job for job in unfinished if job.state is JobState.RUNNING]
        ahead = [Ahead(job, is_whole=False) for job in running if job.id != job_id]
    return ahead


def _is_one_kind(one: JobRecord, other: JobRecord) -> bool:
    return one.name == other.name or (one.name in REBUILDS and other.name in REBUILDS)
