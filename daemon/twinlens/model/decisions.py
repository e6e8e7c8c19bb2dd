"""What the owner said of contents, and the story of who changed what."""

from dataclasses import dataclass
from enum import StrEnum


class DecisionVerb(StrEnum):
    """What can be said of a content, or of two."""

    KEEP = "keep"
    DISCARD = "discard"
    NOT_DUPLICATE = "not-duplicate"
    DATE = "date"
    TAG = "tag"
    PRIMARY = "primary"


FATES = frozenset({DecisionVerb.KEEP, DecisionVerb.DISCARD})
"""The verbs that say what shall become of a content; one takes the other's place."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing to be said, before it is recorded.

    `other_sha256` is the second content of `not-duplicate` and greater than `sha256`; empty for all
    other verbs. `value` is the date, the tag, or the absolute path (as text) that was meant where
    the content has several: always for `primary`, and for a `discard` of one copy of many.
    """

    verb: DecisionVerb
    sha256: str
    other_sha256: str = ""
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A statement as recorded. It stands until `withdrawn_at` is set, and is never deleted."""

    id: int
    statement: Statement
    decided_at: str
    withdrawn_at: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """Who changed which entity how; `before` and `after` are text, None where there was nothing."""

    id: int
    entity: str
    entity_key: str
    actor: str
    at: str
    what: str
    before: str | None
    after: str | None
