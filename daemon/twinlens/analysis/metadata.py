"""From tags, as exiftool names them, to the facts that other rooms use.

Tags come from files that anybody may have made, so everything is cut, cleaned and allow-listed
here: a comment of 10 MB, an escape sequence or a NUL goes no further.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

from twinlens.analysis.places import place_at
from twinlens.model.picture import Metadata, Place

TEXT_LENGTH: Final = 256

_WANTED: Final = (
    "DateTimeOriginal CreateDate ModifyDate DateTime DateTimeDigitized DateCreated TimeCreated "
    "DigitalCreationDate DigitalCreationTime MediaCreateDate TrackCreateDate CreationDate "
    "ContentCreateDate CreationDateValue CreationTime SonyDateTime TimeStamp "
    "OffsetTime OffsetTimeOriginal OffsetTimeDigitized "
    "SubSecTime SubSecTimeOriginal SubSecTimeDigitized TimeZoneOffset TimeZone DaylightSavings "
    "GPSDateTime GPSDateStamp GPSTimeStamp GPSLatitude GPSLongitude GPSAltitude "
    "PhotoTakenTimeTimestamp CreationTimeTimestamp Title "
    "GeoDataLatitude GeoDataLongitude GeoDataAltitude "
    "Make Model UniqueCameraModel SerialNumber InternalSerialNumber CameraSerialNumber "
    "LensID LensModel LensType Lens LensMake Software CreatorTool AndroidVersion "
    "ContentIdentifier MediaGroupUUID LivePhotoVideoIndex BurstUUID BurstID BurstPrimary "
    "ImageUniqueID OriginalDocumentID DocumentID "
    "DriveMode ContinuousDrive ReleaseMode SequenceNumber SequenceImageNumber "
    "ImageNumber FileNumber ShutterCount ImageCount FileIndex "
    "Rating MotionPhoto MotionPhotoVersion MotionPhotoPresentationTimestampUs "
    "MicroVideo MicroVideoVersion MicroVideoOffset SpecialTypeID Duration Error Warning "
    "EmbeddedVideoType "
)
WANTED_TAGS: Final = frozenset(_WANTED.split())
"""The names, without groups, of all tags that take part in a decision."""

_OF_CAMERAS: Final = (
    "DateTimeOriginal SonyDateTime TimeStamp TimeZone DaylightSavings "
    "Make Model SerialNumber InternalSerialNumber "
    "LensModel LensType Lens ContentIdentifier MediaGroupUUID BurstUUID "
    "DriveMode ContinuousDrive ReleaseMode SequenceNumber SequenceImageNumber "
    "ImageNumber FileNumber ShutterCount ImageCount FileIndex ImageUniqueID"
)
MAKER_NOTE_TAGS: Final = frozenset(_OF_CAMERAS.split())
"""Those of them that only a camera's own notes have; fewer names, a faster answer."""

_TRUE: Final = frozenset({"1", "true", "yes"})
_FOREIGN_GROUPS: Final = frozenset({"ICC_Profile", "System", "SourceFile"})
_FILE_TIMES: Final = re.compile(r"File:File(Modify|Access|InodeChange|Create)Date")
_GROUPS: Final = ("EXIF", "MakerNotes", "QuickTime", "SigmaRaw", "XMP")
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""With what turns the direction of text: it makes a name read as another (Unicode TR 36)."""


def kept(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that matter, each cleaned and cut to 256 characters; in the order of their names."""
    return {
        key: clean(value)
        for key, value in sorted(tags.items())
        if _name(key) in WANTED_TAGS
        and _group(key) not in _FOREIGN_GROUPS
        and not _FILE_TIMES.fullmatch(key)
    }


def metadata_of(tags: Mapping[str, str]) -> Metadata:
    """Choose the facts among the tags: what the camera wrote in EXIF goes before all else."""
    return Metadata(
        make=_first(tags, "Make"),
        model=_first(tags, "Model"),
        serial=_first(tags, "SerialNumber", "CameraSerialNumber", "InternalSerialNumber"),
        lens=_first(tags, "LensModel", "LensID", "Lens", "LensType"),
        software=_first(tags, "Software", "CreatorTool"),
        duration_seconds=_non_negative(_first(tags, "Duration")),
        content_identifier=_first(tags, "ContentIdentifier", "MediaGroupUUID"),
        burst_id=_first(tags, "BurstUUID", "BurstID"),
        image_unique_id=_first(tags, "ImageUniqueID"),
        image_number=_first(tags, "ImageNumber", "FileNumber", "ShutterCount"),
        sequence_number=_first(tags, "SequenceNumber", "SequenceImageNumber"),
        drive_mode=_first(tags, "DriveMode", "ContinuousDrive", "ReleaseMode"),
        has_embedded_video=_has_embedded_video(tags),
        has_subseconds=bool(re.match(r"\s*\d", tags.get("EXIF:SubSecTimeOriginal", ""))),
        altitude_metres=_number(
            tags.get("Composite:GPSAltitude", tags.get("JSON:GeoDataAltitude"))
        ),
        tags=kept(tags),
    )


def _has_embedded_video(tags: Mapping[str, str]) -> bool:
    """Whether a picture says that it carries its clip inside: Google's XMP, Samsung's trailer."""
    said = _first(tags, "MotionPhoto", "MicroVideo") or ""
    return said.lower() in _TRUE or _first(tags, "EmbeddedVideoType") is not None


def place_of(tags: Mapping[str, str]) -> Place | None:
    """The place in the tags (signed degrees), the camera's before that of an online album."""
    for north, east in (
        ("Composite:GPSLatitude", "Composite:GPSLongitude"),
        ("XMP:GPSLatitude", "XMP:GPSLongitude"),
        ("JSON:GeoDataLatitude", "JSON:GeoDataLongitude"),
    ):
        latitude, longitude = _number(tags.get(north)), _number(tags.get(east))
        if latitude is not None and longitude is not None:
            place = place_at(latitude, longitude)
            if place is not None:
                return place
    return None


def clean(value: str) -> str:
    """Cut at the first NUL, without control characters, lone surrogates and blanks around it."""
    text = value[: 4 * TEXT_LENGTH].partition("\0")[0]
    return _CONTROL.sub("", text).strip()[:TEXT_LENGTH]


def _first(tags: Mapping[str, str], *names: str) -> str | None:
    """The first non-empty value: by name, then by group (the known ones, then any by alphabet)."""
    for name in names:
        keys = [key for key in tags if key.endswith(":" + name)]
        for key in sorted(keys, key=_belief):
            text = clean(tags[key])
            if text:
                return text
    return None


def _belief(key: str) -> tuple[int, str]:
    group = _group(key)
    return _GROUPS.index(group) if group in _GROUPS else len(_GROUPS), key


def _group(key: str) -> str:
    return key.partition(":")[0]


def _name(key: str) -> str:
    return key.partition(":")[2]


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _non_negative(text: str | None) -> float | None:
    value = _number(text)
    return value if value is not None and value >= 0 else None
