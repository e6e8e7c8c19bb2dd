"""The vault as it is known: where it is, which one it is, and what it holds."""

from dataclasses import dataclass, field
from enum import StrEnum


class PutHow(StrEnum):
    """How a content came into the vault."""

    REFLINK = "reflink"
    """It shares its blocks with the library's file until one of both is written to."""
    HARDLINK = "hardlink"
    """It is another name of the library's file: what is written to that file changes it too."""
    COPY = "copy"
    UPLOAD = "upload"
    FOUND = "found"
    """It was there already, and was read from begin to end."""


class BlobState(StrEnum):
    """What a row claims of an object. Only KEPT is a promise."""

    KEPT = "kept"
    """The object was read back after it was brought to the disk, and was what it should be."""
    FOUND = "found"
    """An object of this name is there; nobody has read it."""
    QUARANTINED = "quarantined"
    """No file refers to it; it is being moved out of the way, or was."""
    ROTTEN = "rotten"
    """Its bytes are others than its name says; it is set aside, and stored anew where it can be."""
    DISCARDED = "discarded"
    """It is removed for good by the next pass, and the row with it once it is gone."""


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """One object as the store knows it. Times are ISO 8601 in UTC.

    `verified_at` is when its bytes were last proven, `checked_at` when that was last tried, `error`
    what came of it. `passes` counts those that saw it without a reference in its present state,
    since `waits_at`.
    """

    sha256: str
    size: int
    how: PutHow
    state: BlobState
    stored_at: str
    verified_at: str | None
    checked_at: str | None
    error: str | None
    passes: int
    waits_at: str | None


@dataclass(frozen=True, slots=True)
class Marker:
    """What says which vault it is: a random id for life, and when it was made."""

    identity: str
    made_at: str


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """How a bucket is reached; None leaves a thing to the usual places (environment, instance)."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class VaultSpec:
    """Everything that is needed to open a vault: picklable, for a worker.

    `place` is an absolute folder, or `s3://bucket/prefix`. `ways` are tried in order for a folder.
    `reserve_bytes` are left free there.
    """

    place: str
    ways: tuple[PutHow, ...] = (PutHow.REFLINK, PutHow.COPY)
    reserve_bytes: int = 0
    access: BucketAccess = BucketAccess()

    @property
    def is_bucket(self) -> bool:
        """Whether it is a bucket and no folder."""
        return self.place.startswith("s3://")


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in one part of a vault: objects by SHA-256 with their sizes, what was moved out of
    the way, and what has no business there, by its path in the vault."""

    objects: dict[str, int] = field(default_factory=dict)
    quarantined: frozenset[str] = frozenset()
    strays: tuple[str, ...] = ()
