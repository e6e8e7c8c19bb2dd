"""Groups of files that are one photograph, and groups of contents that show the same."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GroupType(StrEnum):
    """Why files belong together."""

    RAW_JPEG = "raw_jpeg"
    LIVE_PHOTO = "live_photo"
    BURST = "burst"
    SIDECAR = "sidecar"
    EDITED = "edited"


class DuplicateType(StrEnum):
    """How two contents were found to be the same."""

    EXACT = "exact"
    PERCEPTUAL = "perceptual"


class DuplicateClass(StrEnum):
    """The three lists that are never mixed (field rules, section 6)."""

    EXACT = "exact"
    RE_ENCODED = "re_encoded"
    SIMILAR = "similar"


@dataclass(frozen=True, slots=True)
class FileMember:
    """One file of a group; `file_type` is its part in it: raw, image, video, sidecar, edited.

    `evidence` are the values that decided, in words, and `runner_up` what else it might have
    belonged to and why it does not. `sequence` counts the shots of a burst from 1; all files of
    one shot share it.
    """

    file_id: int
    file_type: str
    is_primary: bool
    evidence: str
    rule: str = ""
    runner_up: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class BurstSpan:
    """What is particular to a burst: first and last capture time (ISO 8601, None where only names
    or identifiers tell), the camera, and the content of the best picture."""

    started_at: str | None
    ended_at: str | None
    camera: str | None
    best_original_id: int | None

    @property
    def seconds(self) -> float | None:
        """The time from the first to the last press of the shutter."""
        if self.started_at is None or self.ended_at is None:
            return None
        first, last = (datetime.fromisoformat(at) for at in (self.started_at, self.ended_at))
        return (last.replace(tzinfo=None) - first.replace(tzinfo=None)).total_seconds()


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of one photograph, the rule that joined them, and the primary that stands for it.

    `group_type` is the strongest tie among the members, `aspects` all of them: a RAW + JPEG pair
    with an XMP is one group of type `raw_jpeg` with the aspects `raw_jpeg` and `sidecar`.
    """

    group_type: GroupType
    rule: str
    members: tuple[FileMember, ...]
    aspects: tuple[GroupType, ...] = ()
    burst: BurstSpan | None = None


@dataclass(frozen=True, slots=True)
class DuplicateMember:
    """One content of a duplicate group; `similarity` to the primary, 0 to 100."""

    original_id: int
    similarity: float
    is_primary: bool


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Contents that show the same picture.

    `key` is made of the members' digests alone, so the same files give the same key in any order
    of arrival. `confidence` is 0 to 100.
    """

    key: str
    duplicate_type: DuplicateType
    duplicate_class: DuplicateClass
    confidence: float
    rule: str
    members: tuple[DuplicateMember, ...]
