"""From the content of one file to everything that is measured of it.

Each kind has its way: a picture is decoded, a RAW shows its preview, a video and a sidecar only
have tags. Damage ends as `Measurement.error` beside whatever was found before it.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from twinlens.analysis.fingerprint import fingerprint
from twinlens.analysis.metadata import MAKER_NOTE_TAGS, WANTED_TAGS, clean, metadata_of, place_of
from twinlens.analysis.quality import quality_score
from twinlens.analysis.timestamps import content_candidates
from twinlens.errors import MediaError
from twinlens.media.decoding import Decoded, decode
from twinlens.media.exiftool import ADVICE, ExifTool
from twinlens.media.image_data import image_digest
from twinlens.media.previews import preview_names, previews_in, raw_thumbnail
from twinlens.media.reading import Content
from twinlens.media.takeout import MOST_BYTES as MOST_TAKEOUT_BYTES
from twinlens.media.takeout import read_takeout
from twinlens.media.xmp import MOST_BYTES as MOST_XMP_BYTES
from twinlens.media.xmp import read_xmp
from twinlens.model.picture import (
    ALGORITHM_VERSION,
    HEADERS_VERSION,
    Kind,
    Measurement,
    MediaType,
    without_exiftool,
)
from twinlens.model.unjudged import EXIFTOOL_IS_MISSING

EMPTY: Final = "empty file"
NEEDS_EXIFTOOL: Final = f"{EXIFTOOL_IS_MISSING}; {ADVICE}"

_SIZE = re.compile(r"(\d{1,9})[x ](\d{1,9})")
_TOOL_ERROR = "ExifTool:Error"
_TOOL_WARNING = "ExifTool:Warning"
_TOOL_MISSING = "ExifTool:Missing"
"""No tag of a file: it says that exiftool, which is not there, would have told more."""
_ORIENTATION_TAGS = ("EXIF:Orientation", "XMP:Orientation")
_PICTURE_TYPE = "image/jpeg"
_PNG = "image/png"
_DECODED = frozenset({Kind.IMAGE, Kind.RAW})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What measuring needs beside the content; `tool` is None where there is no exiftool. Without
    `are_pictures_decoded` nothing is learnt of what a picture shows."""

    decode_pixels: int
    tool: ExifTool | None = None
    are_pictures_decoded: bool = True


def measure(content: Content, media: MediaType, instruments: Instruments) -> Measurement:
    """Measure one content. What it raises is no fault of the file, except MemoryError."""
    by_kind = {
        Kind.IMAGE: _measure_image,
        Kind.RAW: _measure_raw,
        Kind.VIDEO: _measure_video,
        Kind.SIDECAR: _measure_sidecar,
    }
    if not content.size:
        return Measurement(media.media_type, media.kind, error=EMPTY)
    if media.kind not in by_kind:
        return Measurement(media.media_type, media.kind)
    measured = by_kind[media.kind](content, media, instruments)
    if instruments.are_pictures_decoded or media.kind not in _DECODED:
        return measured
    is_told_all = measured.algorithm_version == ALGORITHM_VERSION
    version = HEADERS_VERSION if is_told_all else without_exiftool(HEADERS_VERSION)
    return replace(measured, algorithm_version=version)


def _measure_image(content: Content, media: MediaType, instruments: Instruments) -> Measurement:
    with content.open() as stream:
        decoded = decode(
            stream,
            media.media_type,
            instruments.decode_pixels,
            # A PNG may carry its tags behind its pixels.
            is_header_enough=not instruments.are_pictures_decoded and media.media_type != _PNG,
        )
    if not instruments.are_pictures_decoded:
        decoded = replace(decoded, thumbnail=None, chroma=None)
    measured = _measurement(media, _completed(decoded, content, instruments), decoded)
    if content.data is None or measured.fingerprint is None:
        return measured
    return replace(measured, image_digest=image_digest(content.data, media.media_type))


def _measure_raw(content: Content, media: MediaType, instruments: Instruments) -> Measurement:
    if instruments.tool is None:
        return _unjudged(media)
    try:
        names = WANTED_TAGS | preview_names(media.media_type)
        tags = instruments.tool.read_tags(content.path_for_programs(), names)
    except MediaError as problem:
        return Measurement(media.media_type, media.kind, error=str(problem))
    width, height = _size(tags)
    error = _broken(tags.get(_TOOL_ERROR))
    if error is None and width is None and not any(tag.endswith(":Make") for tag in tags):
        error = _broken(tags.get(_TOOL_WARNING, "nothing in it can be read"))
    thumbnail = None
    if error is None and instruments.are_pictures_decoded:
        thumbnail = raw_thumbnail(
            content,
            previews_in(tags, media.media_type),
            instruments.tool,
            instruments.decode_pixels,
            orientation=_orientation(tags),
            is_landscape=(width or 0) >= (height or 0),
        )
    return _measurement(media, tags, Decoded(width, height, thumbnail=thumbnail, error=error))


def _measure_video(content: Content, media: MediaType, instruments: Instruments) -> Measurement:
    if instruments.tool is None:
        return _unjudged(media)
    try:
        tags = instruments.tool.read_tags(content.path_for_programs(), WANTED_TAGS)
    except MediaError as problem:
        return Measurement(media.media_type, media.kind, error=str(problem))
    warning = tags.get(_TOOL_WARNING, "")
    error = "truncated" if warning.startswith("Truncated") else _broken(tags.get(_TOOL_ERROR))
    return _measurement(media, tags, Decoded(*_size(tags), error=error))


def _measure_sidecar(content: Content, media: MediaType, instruments: Instruments) -> Measurement:
    tags: Mapping[str, str] = {}
    decoded = Decoded()
    try:
        if media.media_type == "application/rdf+xml":
            with content.open() as stream:
                tags = read_xmp(stream.read(MOST_XMP_BYTES + 1))
        elif media.media_type == "application/json":
            with content.open() as stream:
                tags = read_takeout(stream.read(MOST_TAKEOUT_BYTES + 1))
        elif media.media_type == _PICTURE_TYPE:
            with content.open() as stream:
                decoded = decode(
                    stream, _PICTURE_TYPE, instruments.decode_pixels, is_header_enough=True
                )
            tags = _completed(decoded, content, instruments)
        elif media.media_type.startswith("video/"):
            tags = _asked(content, instruments)
            decoded = Decoded(*_size(tags))
    except MediaError as problem:
        decoded = Decoded(error=str(problem))
    return _measurement(media, tags, decoded)


def _unjudged(media: MediaType) -> Measurement:
    """All that is known without exiftool of what only it understands."""
    version = without_exiftool(ALGORITHM_VERSION)
    return Measurement(
        media.media_type, media.kind, error=NEEDS_EXIFTOOL, algorithm_version=version
    )


def _broken(reason: str | None) -> str | None:
    return None if reason is None else f"broken: {clean(reason)}"


def _completed(decoded: Decoded, content: Content, instruments: Instruments) -> dict[str, str]:
    """The tags found while decoding, with exiftool's where there is more than was read."""
    embedded = decoded.embedded
    if not embedded.is_complete or decoded.width is None:
        return embedded.tags | _asked(content, instruments)
    if embedded.has_unread_notes:
        return embedded.tags | _asked(content, instruments, are_notes_enough=True)
    return embedded.tags


def _asked(
    content: Content, instruments: Instruments, *, are_notes_enough: bool = False
) -> dict[str, str]:
    """What exiftool says of a file that can do without it; its failure is noted among the tags."""
    if instruments.tool is None:
        return {_TOOL_MISSING: NEEDS_EXIFTOOL}
    path = content.path_for_programs()
    try:
        if are_notes_enough:
            return instruments.tool.read_some_tags(path, MAKER_NOTE_TAGS)
        return instruments.tool.read_tags(path, WANTED_TAGS)
    except MediaError as problem:
        _log.warning("fewer tags than there may be: %s: %r", problem, content.name)
        return {_TOOL_WARNING: str(problem)}


def _measurement(media: MediaType, tags: Mapping[str, str], decoded: Decoded) -> Measurement:
    width, height = decoded.width, decoded.height
    if width is None or height is None:
        width, height = _size(tags)
    hashes = quality = None
    if decoded.thumbnail is not None:
        hashes = fingerprint(decoded.thumbnail, decoded.chroma)
        quality = _quality(decoded.thumbnail, width, height)
    return Measurement(
        media.media_type,
        media.kind,
        width=width,
        height=height,
        orientation=decoded.orientation or _orientation(tags),
        metadata=metadata_of(tags),
        date_candidates=content_candidates(tags, media.kind),
        fingerprint=hashes,
        quality_score=quality,
        place=place_of(tags),
        error=decoded.error,
        algorithm_version=without_exiftool(ALGORITHM_VERSION)
        if _TOOL_MISSING in tags
        else ALGORITHM_VERSION,
    )


def _quality(thumbnail: Image.Image, width: int | None, height: int | None) -> float:
    return quality_score(thumbnail, width or thumbnail.width, height or thumbnail.height)


def _size(tags: Mapping[str, str]) -> tuple[int | None, int | None]:
    match = _SIZE.fullmatch(tags.get("Composite:ImageSize", ""))
    if match is None or "0" in match.groups():
        return None, None
    return int(match[1]), int(match[2])


def _orientation(tags: Mapping[str, str]) -> int | None:
    for tag in _ORIENTATION_TAGS:
        if tags.get(tag, "") in list("12345678"):
            return int(tags[tag])
    return None
