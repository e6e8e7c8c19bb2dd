"""Things that happened and that an owner, a log or a webhook may want to hear of."""

from dataclasses import dataclass, field
from enum import StrEnum


class EventName(StrEnum):
    """The stable names of events, as they stand in webhook bodies."""

    FILE_ARRIVED = "file_arrived"
    FILE_CHANGED = "file_changed"
    FILE_MOVED = "file_moved"
    FILE_GONE = "file_gone"
    FILE_BROKEN = "file_broken"
    FILE_UNJUDGED = "file_unjudged"
    FILE_ROTTEN = "file_rotten"
    GROUP_FORMED = "group_formed"
    DUPLICATE_FOUND = "duplicate_found"
    ROOT_UNREACHABLE = "root_unreachable"
    ROOT_BACK = "root_back"
    EVENTS_LOST = "events_lost"
    PASS_FINISHED = "pass_finished"
    DAEMON_STARTED = "daemon_started"
    DAEMON_STOPPING = "daemon_stopping"
    PROBLEM = "problem"


class Severity(StrEnum):
    """INFO is what the owner would tell a friend; WARNING wants eyes one day; ERROR a hand now."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `event_id` is unique for ever (UUID4 hex); `at` is ISO 8601 in UTC. `message` is one line of
    plain words. `details` holds JSON values only; paths in it are text with surrogate escapes.
    """

    name: EventName
    message: str
    event_id: str
    at: str
    severity: Severity = Severity.INFO
    details: dict[str, object] = field(default_factory=dict)
