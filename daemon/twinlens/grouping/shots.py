"""Shots: single presses of the shutter, as bursts compare them."""

import re
from dataclasses import dataclass

from twinlens.grouping.cameras import same_camera
from twinlens.grouping.moments import Agreement, Moment
from twinlens.grouping.primary import Contender
from twinlens.grouping.similarity import distance

_COUNTER = re.compile(r"(.*?)([0-9]{3,})", re.DOTALL)
_DIGITS = re.compile(r"([0-9]+)")
_LONGEST_COUNTER = 6
"""More digits are a date or a time."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One press of the shutter: its picture, and all files of its photograph.

    `files` are (file id, file type) in the order of their paths; `captured_at` is ISO 8601 of the
    content alone; `phash` and `ahash` are 64 bits of the upright picture.
    """

    file_id: int
    original_id: int
    sha256: str
    directory: bytes
    name: bytes
    radical: str
    files: tuple[tuple[int, str], ...]
    captured_at: str | None = None
    has_subseconds: bool = False
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    image_number: int | None = None
    sequence_number: int | None = None
    burst_id: str | None = None
    burst_key: str | None = None
    is_cover: bool = False
    is_chosen: bool = False
    is_marked: bool = False
    phash: int | None = None
    ahash: int | None = None
    quality_score: float | None = None
    pixels: int = 0
    size: int = 0

    @property
    def moment(self) -> Moment | None:
        """The capture time, if the content has one."""
        return Moment.read(self.captured_at, has_subseconds=self.has_subseconds)

    @property
    def order(self) -> tuple[bool, bytes, int, bytes]:
        """The one order in which shots are looked at: those without a mark in their name first."""
        return self.is_marked, self.directory, len(self.name), self.name

    @property
    def label(self) -> str:
        """The name for an evidence text; bytes that are no UTF-8 stay visible."""
        return self.name.decode("utf-8", "backslashreplace")

    @property
    def natural_name(self) -> tuple[tuple[int, str], ...]:
        """The name as it sorts by its numbers: `BURST2` before `BURST10`."""
        return tuple(
            (int(part), "") if part.isdecimal() else (-1, part)
            for part in _DIGITS.split(self.radical)
        )

    @property
    def counter(self) -> tuple[str, int, int] | None:
        """(what stands before, digits, number) of a camera's counter at the end of the name."""
        match = _COUNTER.fullmatch(self.radical)
        if match is None or len(match[2]) > _LONGEST_COUNTER:
            return None
        return match[1], len(match[2]), int(match[2])

    @property
    def contender(self) -> Contender:
        """What the rules of the primary ask of it."""
        return Contender(
            self.file_id,
            self.directory + b"/" + self.name,
            is_chosen=self.is_chosen,
            is_cover=self.is_cover,
            quality_score=self.quality_score,
            pixels=self.pixels,
            size=self.size,
        )


def are_one_body(a: Shot, b: Shot) -> bool:
    """Whether one camera took both: by serial number, else by make and model (field rules 5.7)."""
    if same_camera(a.make, a.model, b.make, b.model) is not Agreement.AGREE:
        return False
    return not (a.serial and b.serial) or a.serial == b.serial


def are_consecutive(a: Shot, b: Shot) -> bool:
    """Whether the camera counted one on from `a` to `b`, by name or by its own numbers."""
    first, second = a.counter, b.counter
    if first is not None and second is not None and first[:2] == second[:2]:
        after_last = first[2] + 1 == 10 ** first[1] and second[2] <= 1  # 9999 is followed by 0001
        return second[2] == first[2] + 1 or after_last
    for one, other in (
        (a.image_number, b.image_number),
        (a.sequence_number, b.sequence_number),
    ):
        if one is not None and other is not None:
            return other == one + 1
    return False


def looks_apart(a: Shot, b: Shot) -> tuple[int, int] | None:
    """Bits between the pHashes and the aHashes; None where a look means nothing."""
    if a.phash is None or b.phash is None or a.ahash is None or b.ahash is None:
        return None
    return distance(a.phash, b.phash), distance(a.ahash, b.ahash)
