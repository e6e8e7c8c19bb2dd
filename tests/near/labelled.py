"""The labelled set: files derived from real pictures, each with what it is to its base."""

import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pillow_heif
from PIL import Image, ImageOps

from near.derivatives import RE_ENCODED, SIMILAR, SMALL_EDITS, Made, coded, series

LONGEST: Final = 1024
SHORTEST: Final = 240
_REVISION: Final = "4"
_REVISION_OF_EDITS: Final = "edits 1"
"""Raised when a transformation changes: what was made before is made anew."""

BASE: Final = "base"
FRAME: Final = "burst frame"
REAL_NEGATIVE: Final = "negative"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One file: the number of its base and what was done. A burst frame and a real negative are
    each their own base."""

    path: Path
    base: int
    made: str
    scene: str = ""

    @property
    def is_re_encoded(self) -> bool:
        """The base itself, or the same picture coded otherwise."""
        return self.made == BASE or self.made in RE_ENCODED


def base_pictures(photos: Path, truth: dict[str, Any], most: int) -> list[Path]:
    """Distinct photographs, shuffled the same way each time: one of each same-picture group, none
    that is a frame of a series, degenerate, or too small to be cut down to a tenth.
    """
    pillow_heif.register_heif_opener()
    skipped = {path for group in truth["distinct_groups"] for path in group["members"]}
    skipped |= {path for path in truth["files"] if path.startswith(("broken/", "orientation/"))}
    skipped |= {path for path in truth["files"] if "plot" in path or path.startswith("video/")}
    skipped |= set(map(str, truth.get("near_uniform_images", ())))
    group_of = {
        path: number for number, group in enumerate(truth["same_picture_groups"]) for path in group
    }
    seen: set[object] = set()
    chosen = []
    for path in sorted(truth["files"]):
        facts = truth["files"][path]
        name = group_of.get(path, facts["sha256"])
        if path in skipped or (facts.get("decode") or {}).get("pillow") != "ok" or name in seen:
            continue
        if path.lower().endswith((".dng", ".thm", ".gif", ".bmp", ".ico")):
            continue
        with Image.open(photos / path) as image:
            if min(image.size) < SHORTEST or getattr(image, "n_frames", 1) > 1:
                continue
        seen.add(name)
        chosen.append(photos / path)
    random.Random(7).shuffle(chosen)
    return chosen[:most]


def made_set(bases: Sequence[Path], folder: Path, first: int = 0) -> list[Labelled]:
    """Derive everything from these bases; files that `folder` has already are taken from it.

    Bases are numbered from `first`; every seventh gives a burst instead. Every second derivative
    has lost its metadata.
    """
    pillow_heif.register_heif_opener()
    return [
        one
        for number, path in enumerate(bases, first)
        for one in _of_base(number, path, folder / _REVISION, _files)
    ]


def made_small_edits(bases: Sequence[Path], folder: Path) -> list[Labelled]:
    """Each base and its small edits, apart from the other derivatives: where one passes for a
    re-encoding, that is counted once, and takes no true copy's place in a group."""
    pillow_heif.register_heif_opener()
    return [
        one
        for number, path in enumerate(bases)
        for one in _of_base(number, path, folder / _REVISION_OF_EDITS, _small_edits)
    ]


_Maker = Callable[[int, Path], Iterator[tuple[str, bytes]]]


def _of_base(number: int, path: Path, folder: Path, maker: _Maker) -> list[Labelled]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    home = folder / f"{digest}-{number}"
    note = home / "made.json"
    if not note.is_file():
        home.mkdir(parents=True, exist_ok=True)
        names = {}
        for made, data in maker(number, path):
            name = f"{len(names):02}.{'jpg' if data[:2] == bytes((255, 216)) else 'bin'}"
            (home / name).write_bytes(data)
            names[name] = made
        note.write_text(json.dumps(names), encoding="utf-8")
    names = json.loads(note.read_text(encoding="utf-8"))
    return [Labelled(home / name, number, made, path.name) for name, made in names.items()]


def _files(number: int, path: Path) -> Iterator[tuple[str, bytes]]:
    picture, exif = _opened(path)
    if number % 7 == 6:
        for frame in series(picture, number, has_fractions=number % 2 == 0):
            yield FRAME, frame
        return
    yield from _derived(number, picture, exif, {**RE_ENCODED, **SIMILAR})


def _small_edits(number: int, path: Path) -> Iterator[tuple[str, bytes]]:
    yield from _derived(number, *_opened(path), SMALL_EDITS)


def _opened(path: Path) -> tuple[Image.Image, bytes | None]:
    with Image.open(path) as opened:
        exif = _exif(opened)
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    return picture, exif


def _derived(
    number: int, picture: Image.Image, exif: bytes | None, transformations: Mapping[str, Made]
) -> Iterator[tuple[str, bytes]]:
    base = coded(picture, exif, quality=96)
    yield BASE, base
    with Image.open(io.BytesIO(base)) as decoded:
        picture = decoded.convert("RGB")
    is_colourless = _is_colourless(picture)
    for position, (made, transform) in enumerate(transformations.items()):
        if made.startswith(("grey", "saturation")) and is_colourless:
            continue
        has_lost = (position + number) % 2 == 1
        yield made, transform(picture, None if has_lost else exif)


def _is_colourless(picture: Image.Image) -> bool:
    """Whether there is no colour to take away: then grey is the same picture."""
    little = picture.resize((6, 6), Image.Resampling.BOX).convert("YCbCr")
    return all(abs(v - 128) <= 3 for band in little.split()[1:] for v in band.tobytes())


def _exif(image: Image.Image) -> bytes | None:
    """Camera and time alone: thumbnails and makers' notes only cost space."""
    kept = Image.Exif()
    found = image.getexif()
    for tag in (0x010F, 0x0110):
        if isinstance(found.get(tag), str):
            kept[tag] = found[tag]
    details = found.get_ifd(0x8769)
    for tag in (0x9003, 0x9004, 0x9291):
        if isinstance(details.get(tag), str):
            kept.get_ifd(0x8769)[tag] = details[tag]
    return kept.tobytes() if len(kept) else None
