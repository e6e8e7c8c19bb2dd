"""What the owner said of contents, and the story of who changed what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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
    the content has several: always for `primary`, and for a `discard` of one copy of many. `named`
    and `other_named` are the absolute paths that were named; the statement is the same without.
    """

    verb: DecisionVerb
    sha256: str
    other_sha256: str = ""
    value: str | None = None
    named: bytes | None = field(default=None, compare=False)
    other_named: bytes | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """A statement as recorded. It stands until `withdrawn_at` is set, and is never deleted."""

    id: int
    statement: Statement
    decided_at: str
    withdrawn_at: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """All that stands of what the owner said about groups and their members, by SHA-256.

    `fates` are keep and discard, oldest first. `rejected` are the contents that each one is no
    duplicate of. `choices` are the choices of a primary.
    """

    fates: Mapping[str, tuple[Decision, ...]]
    rejected: Mapping[str, frozenset[str]]
    choices: Mapping[str, Decision]

    def fate(self, sha256: str, path: str) -> DecisionVerb | None:
        """What shall become of a file: what was said of this very copy, else of its content.

        A discard of one copy says nothing of the others, so it lapses when that copy is renamed.
        """
        said = self.fates.get(sha256, ())
        of_copy = (d for d in reversed(said) if d.statement.value == path)
        of_content = (d for d in reversed(said) if d.statement.value is None)
        found = next(of_copy, None) or next(of_content, None)
        return None if found is None else found.statement.verb

    def is_reviewed(self, members: Mapping[str, Collection[str]]) -> bool:
        """Whether the owner has spoken about a whole group: about every file of each content, or
        about the content and each of the others. `members` are the paths by SHA-256."""
        return all(
            all(self.fate(sha256, path) is not None for path in paths)
            or (
                len(members) > 1
                and self.rejected.get(sha256, frozenset()) >= members.keys() - {sha256}
            )
            for sha256, paths in members.items()
        )


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
