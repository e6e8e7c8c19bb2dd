"""What is measured of one content: kind, size, metadata, dates, fingerprint, quality."""

from dataclasses import dataclass, field
from enum import StrEnum

from twinlens.model.travel import travels

ALGORITHM_VERSION = 6
"""Raised when a measurement changes its meaning; stored with every original."""

HEADERS_VERSION = -ALGORITHM_VERSION
"""Stored instead with a picture that was not decoded because the owner does without."""

_WITHOUT_EXIFTOOL = 1000


def without_exiftool(version: int) -> int:
    """What is stored instead of a version where exiftool, which was missing, would have told
    more."""
    return version + _WITHOUT_EXIFTOOL if version > 0 else version - _WITHOUT_EXIFTOOL


def current_versions(*, are_pictures_decoded: bool, has_exiftool: bool = True) -> frozenset[int]:
    """The versions of originals that need not be measured again."""
    versions = {ALGORITHM_VERSION, *(() if are_pictures_decoded else (HEADERS_VERSION,))}
    if not has_exiftool:
        versions |= {without_exiftool(version) for version in versions}
    return frozenset(versions)


def is_of_header_alone(version: int) -> bool:
    """Whether a picture of this version was not decoded because the owner does without."""
    return version in (HEADERS_VERSION, without_exiftool(HEADERS_VERSION))


def knows_as_much(known: int, offered: int) -> bool:
    """Whether what one version measured of a content says all that the other one says."""
    if known in (ALGORITHM_VERSION, offered):
        return True
    lacking = without_exiftool(ALGORITHM_VERSION), without_exiftool(HEADERS_VERSION)
    return (known, offered) == lacking


DECODED_VERSIONS = current_versions(are_pictures_decoded=True)


class Kind(StrEnum):
    """What a content is, decided by its bytes; the name only breaks ties."""

    IMAGE = "image"
    RAW = "raw"
    VIDEO = "video"
    SIDECAR = "sidecar"
    OTHER = "other"


class Confidence(StrEnum):
    """How much a capture time can be believed (field rules, section 7)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A MIME type as exiftool names it, and the kind it stands for."""

    media_type: str
    kind: Kind


@travels
@dataclass(frozen=True, slots=True)
class DateCandidate:
    """One statement about the capture time.

    `value` is ISO 8601: with an offset where the zone is known, without where it is not; a date
    alone where there is no time. `rank` is the row of the table in field rules, section 7 (1 is
    best). A rejected candidate is kept as evidence, with `rejected` naming the reason; its `value`
    is then the text as found, cut to 64 characters.
    """

    source: str
    value: str
    rank: int
    rejected: str | None = None


@dataclass(frozen=True, slots=True)
class TakenAt:
    """The capture time that won, and every candidate that was weighed (best rank first)."""

    value: str | None
    source: str | None
    confidence: Confidence
    candidates: tuple[DateCandidate, ...] = ()


@travels
@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture was taken: degrees (WGS 84) and its geohashes of 4, 6 and 8 characters."""

    latitude: float
    longitude: float
    geohash4: str
    geohash6: str
    geohash8: str


@travels
@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Four perceptual hashes of the upright picture, each an unsigned 64-bit integer.

    Bit order is imagehash's: `int(str(hash), 16)`. `is_degenerate` marks pictures too flat or too
    dark for a hash to mean anything, and drawn ones (`reason` says which); they are compared by
    bytes only.
    `miniature` is the small picture that the second look compares (layout: model/miniature.py); it
    is not kept of a degenerate picture, and what the store gives back is without it.
    """

    phash: int
    dhash: int
    ahash: int
    whash: int
    is_degenerate: bool = False
    reason: str | None = None
    miniature: bytes | None = None


@travels
@dataclass(frozen=True, slots=True)
class Metadata:
    """The facts that other rooms use, read from tags. Text is capped; nothing here is trusted."""

    make: str | None = None
    model: str | None = None
    serial: str | None = None
    lens: str | None = None
    software: str | None = None
    duration_seconds: float | None = None
    content_identifier: str | None = None
    burst_id: str | None = None
    image_unique_id: str | None = None
    image_number: str | None = None
    sequence_number: str | None = None
    drive_mode: str | None = None
    has_embedded_video: bool = False
    has_subseconds: bool = False
    altitude_metres: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    """Every tag that took part in a decision, `Group:Name` to text, each cut to 256 characters."""


@travels
@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything measured of one content. It depends on the bytes alone, never on the path.

    `width` and `height` are pixels as stored, before `orientation` (EXIF 1 to 8) is applied.
    `image_digest` is a hash of the pixels' stream without metadata, where the format allows to tell
    them apart: contents that share it differ in metadata only.
    `error` says why the content could not be understood (broken picture, wrong content); what was
    found out before it failed is kept.
    """

    media_type: str
    kind: Kind
    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    metadata: Metadata = field(default_factory=Metadata)
    date_candidates: tuple[DateCandidate, ...] = ()
    fingerprint: Fingerprint | None = None
    quality_score: float | None = None
    place: Place | None = None
    image_digest: str | None = None
    error: str | None = None
    algorithm_version: int = ALGORITHM_VERSION
