"""The states of work: items in the queue, jobs and their batches."""

import json
from dataclasses import dataclass
from enum import StrEnum

BY_HAND = "by_hand"
"""In the argument of a pass that somebody asked for, and waits for."""


class WorkState(StrEnum):
    """A path in the queue. FAILED is quarantine: it waits for the file to change, or for a hand."""

    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"


class JobState(StrEnum):
    """A job or a batch of it."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One path waiting to be looked at. `attempts` counts the tries that failed, `workers_lost`
    the workers that died of it or had to be ended, that of a scan before them too."""

    id: int
    root_id: int
    path: bytes
    attempts: int
    reason: str
    workers_lost: int = 0


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A long pass as it stands. `total` is None until everything was discovered."""

    id: int
    name: str
    argument: str
    state: JobState
    total: int | None
    succeeded: int
    failed: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    error: str | None
    result: dict[str, object] | None
    cancel_requested: bool

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody asked for it, not the clock."""
        return bool(json.loads(self.argument).get(BY_HAND))

    @property
    def left(self) -> int | None:
        """Its items that are still to be done; None until everything was discovered."""
        return None if self.total is None else max(self.total - self.succeeded - self.failed, 0)
