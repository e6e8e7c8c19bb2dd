"""Groups of files that are one photograph, and groups of contents that show the same."""

from dataclasses import dataclass
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
    """One file of a group; `file_type` is its part in it: raw, image, video, sidecar."""

    file_id: int
    file_type: str
    is_primary: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of one photograph, the rule that joined them, and the primary that stands for it."""

    group_type: GroupType
    rule: str
    members: tuple[FileMember, ...]


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
