"""What the files of a known library are: their names, what was measured of them, and which of them
show the same.

Of the 200 files of a folder the last four are exact copies of the first four, and the four contents
before them re-encodings of those. Every fifth folder is a camera's: names that begin anew after
9999, and ten pictures beside their RAW files.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from fingerprints import fields, fingerprints, re_encoded
from twinlens.model.picture import DateCandidate, Fingerprint, Kind, Measurement, Metadata

VERSION = 1
"""Raised when a library changes: one of another version is made anew."""

A_FOLDER = 200
COPIES = RE_ENCODINGS = A_FOLDER // 50
DISTINCT = A_FOLDER - COPIES
PAIRS = 10
_CAMERA_EVERY = 5
_START = datetime(2016, 2, 3, 8, 0)  # noqa: DTZ001  # cameras write local time without a zone
_PAUSE = timedelta(seconds=97)
"""Between two pictures: no burst."""


@dataclass(frozen=True, slots=True)
class Content:
    """One content of the library, made up."""

    sha256: str
    size: int
    measurement: Measurement


class Folder:
    """The folder of this number; the same number gives the same folder."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_of_a_camera = number % _CAMERA_EVERY == 0

    @property
    def path(self) -> bytes:
        """Relative to the root."""
        return b"%04d/%06d" % (self.number // 100, self.number)

    @property
    def names(self) -> list[bytes]:
        """The names of its 200 files: the distinct contents first, then copies of the first."""
        named = [self._name(place) for place in range(DISTINCT)]
        return named + [name[:-4] + b" (1)" + name[-4:] for name in named[:COPIES]]

    @property
    def paired(self) -> range:
        """The places of the pictures that have a RAW file beside them, ten places on."""
        return range(PAIRS, 2 * PAIRS) if self.is_of_a_camera else range(0)

    @property
    def lookalikes(self) -> list[tuple[int, int]]:
        """The places of the contents that show the same: picture and re-encoding."""
        return [(place, DISTINCT - RE_ENCODINGS + place) for place in range(RE_ENCODINGS)]

    @cached_property
    def contents(self) -> list[Content]:
        """What is in each of its files; a copy has what it is a copy of."""
        distinct = [
            self._content(place, fingerprint)
            for place, fingerprint in enumerate(self._fingerprints())
        ]
        return distinct + distinct[:COPIES]

    def _name(self, place: int) -> bytes:
        if not self.is_of_a_camera:
            return b"P%07d.JPG" % (self.number * A_FOLDER + place)
        counted = self.number // _CAMERA_EVERY * A_FOLDER
        if self._is_raw(place):
            return b"IMG_%04d.CR2" % ((counted + place - PAIRS) % 9999 + 1)
        return b"IMG_%04d.JPG" % ((counted + place) % 9999 + 1)

    def _is_raw(self, place: int) -> bool:
        return place - PAIRS in self.paired

    def _source(self, place: int) -> int:
        """The place of the scene that a content shows: its own, but for re-encodings and RAWs."""
        if place >= DISTINCT - RE_ENCODINGS:
            return place - (DISTINCT - RE_ENCODINGS)
        return place - PAIRS if self._is_raw(place) else place

    def _taken(self, place: int) -> datetime:
        return _START + (self.number * A_FOLDER + place) * _PAUSE

    def _fingerprints(self) -> list[Fingerprint]:
        random = np.random.default_rng((VERSION, self.number))
        pictures, waves = fields(random, DISTINCT)
        sources = [self._source(place) for place in range(DISTINCT)]
        shown = pictures[sources]
        changed = [place for place, source in enumerate(sources) if place != source]
        shown[changed] = re_encoded(random, shown[changed])
        return list(fingerprints(shown, waves[sources]))

    def _content(self, place: int, fingerprint: Fingerprint) -> Content:
        digest = hashlib.sha256(b"%d of %d" % (place, self.number)).hexdigest()
        is_raw, is_small = self._is_raw(place), place >= DISTINCT - RE_ENCODINGS
        taken = self._taken(self._source(place))
        stated = taken.strftime("%Y:%m:%d %H:%M:%S")
        maker = ("Canon", "Canon EOS R6") if self.is_of_a_camera else ("Google", "Pixel 6")
        measurement = Measurement(
            media_type="image/x-canon-cr2" if is_raw else "image/jpeg",
            kind=Kind.RAW if is_raw else Kind.IMAGE,
            width=2000 if is_small else 4000,
            height=1500 if is_small else 3000,
            orientation=1,
            metadata=Metadata(
                make=maker[0],
                model=maker[1],
                tags={
                    "EXIF:CreateDate": stated,
                    "EXIF:DateTimeOriginal": stated,
                    "EXIF:Make": maker[0],
                    "EXIF:Model": maker[1],
                },
            ),
            date_candidates=tuple(
                DateCandidate(f"EXIF:{tag}", taken.isoformat(), rank)
                for tag, rank in (("DateTimeOriginal", 5), ("CreateDate", 7))
            ),
            fingerprint=fingerprint,
            quality_score=40.0 + int(digest[:4], 16) % 4000 / 100,
            image_digest=None if is_raw else f"jpeg:{digest[24:]}",
        )
        size = 1_500_000 + int(digest[:8], 16) % 4_000_000
        return Content(digest, size * 6 if is_raw else size, measurement)
