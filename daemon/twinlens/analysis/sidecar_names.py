"""Whose sidecar a file is, by its name alone, and under which key the files of one photograph meet.

`name.ext.xmp` names a file, `name.xmp` a stem, and a takeout's JSON names a file in one of many
spellings, often cut. What is cut cannot be read back, so the key under which files meet is cut,
too, and the rules of grouping compare whole names. Nothing here looks at a content.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from twinlens.analysis.extensions import MEDIA_BY_EXTENSION
from twinlens.analysis.names import folded, parse_name
from twinlens.model.picture import Kind

BUCKET_LENGTH: Final = 40
"""A takeout cuts the name in a JSON's at 46 characters; marks and case folding may move that."""

SIDECAR_EXTENSIONS: Final = frozenset(
    ("xmp", "aae", "json", "thm", "lrv", "pp3", "dop", "cos", "on1")
)

_CUT_FROM: Final = 44
"""A name this long may have been cut: takeouts leave 46 characters before `.json`, and some count
the mark behind it."""
_SUPPLEMENT: Final = ".supplemental-metadata"
_NUMBER: Final = re.compile(r"(.+?)(\([0-9]{1,4}\))$", re.DOTALL)
_PICTURES: Final = frozenset(
    extension
    for extension, media in MEDIA_BY_EXTENSION.items()
    if media.kind in (Kind.IMAGE, Kind.RAW, Kind.VIDEO)
) | {"mp", "mv"}  # Pixel's motion parts, as a takeout writes them

_VERSION: Final = re.compile(r"(.+)_[0-9]{2}", re.DOTALL)

_GOPRO_CLIP: Final = re.compile(r"g[hxl]([0-9]{6})")
_INSTA_CLIP: Final = re.compile(r"(?:vid|lrv)_([0-9]{8}_[0-9]{6})_[0-9]{2}_([0-9]{3})")


class TargetForm(StrEnum):
    """How much of its picture's name a sidecar's name says."""

    FULL = "full"
    """The whole name with its extension."""
    STEM = "stem"
    """The name without an extension."""
    CUT = "cut"
    """The beginning of the name."""


@dataclass(frozen=True, slots=True)
class SidecarTarget:
    """Whom a sidecar names. `name` is case-folded NFC text; for `CUT` it is a beginning, and
    `number` the `(n)` that stands behind the whole stem. `version_of` is the file that is meant
    where there is none of that name: darktable's further versions are `a_01.dng.xmp` of `a.dng`."""

    name: str
    form: TargetForm
    number: str = ""
    version_of: str | None = None


def sidecar_target(name: bytes) -> SidecarTarget | None:
    """Whom a sidecar of this name goes with; None for a name that is no sidecar's.

    Sources: field rules 4 and 5.8. A takeout's number stands behind the picture's extension:
    `image.jpg(11).json` goes with `image(11).jpg`.
    """
    parts = parse_name(name)
    if parts.extension not in SIDECAR_EXTENSIONS or not parts.stem:
        return None
    if parts.extension == "json":
        return _takeout_target(parts.stem)
    stem, _, extension = parts.stem.rpartition(".")
    if not stem or extension.lower() not in _PICTURES:
        return SidecarTarget(folded(parts.stem), TargetForm.STEM)
    version = _VERSION.fullmatch(stem) if parts.extension == "xmp" else None
    version_of = None if version is None else folded(f"{version[1]}.{extension}")
    return SidecarTarget(folded(parts.stem), TargetForm.FULL, version_of=version_of)


def bucket_of(name: bytes) -> str:
    """The key under which a file meets those that may be the same photograph.

    For a sidecar that of the file it names; at most 40 code points, case-folded.
    """
    target = sidecar_target(name)
    named = name if target is None else target.name.encode("utf-8", "surrogateescape")
    if target is not None and target.form is not TargetForm.FULL:
        named += b".x"  # a dot in a stem is not the start of an extension
    radical = parse_name(named).radical
    if (clip := _GOPRO_CLIP.fullmatch(radical)) is not None:
        radical = f"g-{clip[1]}"  # GX010001.MP4 has GL010001.LRV
    elif (clip := _INSTA_CLIP.fullmatch(radical)) is not None:
        radical = f"vid_{clip[1]}_{clip[2]}"
    return radical[:BUCKET_LENGTH]


def _takeout_target(stem: str) -> SidecarTarget:
    rest, number = stem, ""
    numbered = _NUMBER.fullmatch(stem)
    if numbered is not None and "." in numbered[1]:
        rest, number = numbered[1], numbered[2]
    rest = _without_supplement(rest)
    base, dot, extension = rest.rpartition(".")
    if base and extension.lower() in _PICTURES:
        return SidecarTarget(folded(f"{base}{number}{dot}{extension}"), TargetForm.FULL)
    if numbered is not None and not number:
        rest, number = numbered[1], numbered[2]
    if len(rest) + len(number) >= _CUT_FROM:
        return SidecarTarget(folded(rest), TargetForm.CUT, number)
    return SidecarTarget(folded(stem), TargetForm.STEM)


def _without_supplement(text: str) -> str:
    """Take `.supplemental-metadata` off, which is cut wherever the name grew too long."""
    base, dot, tail = text.rpartition(".")
    is_its_start = bool(base) and _SUPPLEMENT.startswith((dot + tail).lower())
    # A short name was not cut: there, only behind a picture's extension it can be nothing else.
    is_surely = len(text) >= _CUT_FROM or base.rpartition(".")[2].lower() in _PICTURES
    return base if is_its_start and (is_surely or dot + tail == _SUPPLEMENT) else text
