"""Candidates for a pair: what two files of one name say about each other, fact by fact."""

import re
from dataclasses import dataclass

from twinlens.grouping.cameras import same_camera
from twinlens.grouping.moments import Agreement, Moment, same_moment
from twinlens.grouping.primary import Contender
from twinlens.grouping.similarity import distance
from twinlens.model.picture import Kind

SAME_SHOT_SECONDS = 2.0
"""RAW and JPEG of one shot are stamped up to this far apart, to the fraction (field rules 5.2)."""

_COVER = re.compile(rb"[._-]COVER(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PairCandidate:
    """One live file that shares its radical with others.

    `captured_at` is ISO 8601 from the content alone, never from the name: that would prove the
    name by itself. `phash` is of the upright picture, for a RAW of its embedded preview.
    `plain_name` and `plain_stem` are case-folded NFC text. A sidecar has a `target`: whom its name
    names, how much of the name it says (full, stem or cut), and the number behind the stem.
    `version_of` is the file meant by the name of a further version, where none has that name.
    `title` is the picture's name as a takeout's JSON tells it, case-folded.
    """

    file_id: int
    directory: bytes
    name: bytes
    radical: str
    copy_mark: str | None
    kind: Kind
    media_type: str
    captured_at: str | None
    has_subseconds: bool
    make: str | None
    model: str | None
    phash: int | None
    is_degenerate: bool
    width: int | None
    height: int | None
    quality_score: float | None
    size: int
    plain_name: str = ""
    plain_stem: str = ""
    extension: str = ""
    edit_mark: str | None = None
    is_surely_edited: bool = False
    facet: str | None = None
    content_identifier: str | None = None
    target: str | None = None
    target_form: str = ""
    target_number: str = ""
    version_of: str | None = None
    title: str | None = None
    is_chosen: bool = False

    @property
    def order(self) -> tuple[bool, bytes, int, bytes, int]:
        """The one order in which candidates are looked at: those without a copy mark first."""
        marked = self.copy_mark is not None
        return marked, self.directory, len(self.name), self.name, self.file_id

    @property
    def label(self) -> str:
        """The name for an evidence text; bytes that are no UTF-8 stay visible."""
        return self.name.decode("utf-8", "backslashreplace")

    @property
    def is_cover(self) -> bool:
        """Whether the camera marked it as the one to show (Pixel `.COVER`, bursts `_COVER`)."""
        return _COVER.search(self.name) is not None

    @property
    def is_picture(self) -> bool:
        """Whether it is a photograph's own picture, a RAW or rendered."""
        return self.kind in (Kind.IMAGE, Kind.RAW)

    @property
    def moment(self) -> Moment | None:
        """The capture time, if the content has one."""
        return Moment.read(self.captured_at, has_subseconds=self.has_subseconds)


@dataclass(frozen=True, slots=True)
class AmbiguousPair:
    """Files that may be one photograph and were left unpaired, with the reason in words."""

    file_ids: tuple[int, ...]
    reason: str


def in_bits(number: int) -> str:
    """A distance between two keys, in words."""
    return "1 bit" if number == 1 else f"{number} bits"


def contender(one: PairCandidate) -> Contender:
    """What the rules of the primary ask of a file."""
    return Contender(
        one.file_id,
        one.directory + b"/" + one.name,
        is_chosen=one.is_chosen,
        is_picture=one.is_picture,
        is_cover=one.is_cover,
        is_rendered=one.kind is not Kind.RAW,
        is_edit=one.edit_mark is not None,
        is_marked_copy=one.copy_mark is not None,
        quality_score=one.quality_score,
        pixels=(one.width or 0) * (one.height or 0),
        size=one.size,
    )


def compare(a: PairCandidate, b: PairCandidate) -> Agreement:
    """Weigh time and camera: AGREE needs equal times, one contradiction makes it DIFFER."""
    camera = same_camera(a.make, a.model, b.make, b.model)
    if camera is Agreement.DIFFER:
        return Agreement.DIFFER
    return same_moment(a.moment, b.moment, tolerance_seconds=SAME_SHOT_SECONDS)


def look_distance(a: PairCandidate, b: PairCandidate) -> int | None:
    """The bits between two looks; None where one has no hash or one that means nothing."""
    if a.phash is None or b.phash is None or a.is_degenerate or b.is_degenerate:
        return None
    return distance(a.phash, b.phash)


def same_content(a: PairCandidate, b: PairCandidate) -> bool:
    """Whether two files are copies of each other by all that was measured.

    Where neither time nor looks are known, nothing is claimed.
    """
    content = content_key(a)
    return content is not None and content == content_key(b)


def content_key(one: PairCandidate) -> tuple[object, ...] | None:
    """What the copies of a file have in common with it; None where nothing is claimed."""
    if one.captured_at is None and one.phash is None:
        return None
    return (
        one.kind,
        one.media_type,
        one.size,
        one.width,
        one.height,
        one.captured_at,
        one.make,
        one.model,
        one.phash,
    )


def time_and_camera(a: PairCandidate, b: PairCandidate) -> str:
    """The values that decided, in words."""
    times = (
        f"both taken {a.captured_at}"
        if a.captured_at == b.captured_at
        else f"taken {a.captured_at}, {b.label} {b.captured_at}"
    )
    camera = same_camera(a.make, a.model, b.make, b.model)
    if camera is Agreement.AGREE:
        return f"{times}, both by {a.model}"
    return f"{times}, camera not known on both"
