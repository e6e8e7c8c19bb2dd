"""The verdict on two pictures: a confident re-encoding, similar, or nothing at all.

No threshold on a perceptual hash tells a small crop from the next frame of a burst (field rules,
section 6), so looks alone never make a confident verdict. On real files, resizing, recompressing,
converting and turning to grey moved pHash by 0 or 2 bits and left aHash and wHash where they
were; edits moved aHash or wHash; frames of one burst came as near as 2 bits, with other capture
times. Hence: all four hashes must concur, the shape must be the same, and camera and capture time
must not contradict; where they are silent the looks must be all but identical, and where nothing
but looks speaks, two pictures of one size stay "similar", because forms and slides from one
scanner have equal hashes. The pixels themselves are not looked at here, and the hashes are of a
small grey picture: a copy in black and white or with a faint watermark passes for a re-encoding.
That is why no confidence comes near 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from twinlens.grouping.moments import Agreement, Moment, is_corrected_clock, same_moment
from twinlens.grouping.similarity import distance
from twinlens.model.groups import DuplicateClass
from twinlens.model.picture import Fingerprint, Kind


@dataclass(frozen=True, slots=True)
class Picture:
    """One content, as the rules for duplicates need to know it.

    `width` and `height` are pixels as stored; the fingerprint is of the upright picture.
    `captured_at` is ISO 8601 from the content alone. `photograph_ids` are the file groups its
    files are in: two pictures that share one are the same photograph (RAW and its own JPEG,
    frames of one burst) and never duplicates of each other. `rejected_with` are the digests the
    owner said this is no duplicate of.
    """

    original_id: int
    sha256: str
    kind: Kind
    fingerprint: Fingerprint
    width: int | None
    height: int | None
    orientation: int | None
    quality_score: float | None
    size: int
    captured_at: str | None
    has_subseconds: bool
    camera: str | None
    photograph_ids: frozenset[int] = frozenset()
    rejected_with: frozenset[str] = frozenset()

    @property
    def moment(self) -> Moment | None:
        """The capture time, if the content has one."""
        return Moment.read(self.captured_at, has_subseconds=self.has_subseconds)

    @property
    def shape(self) -> tuple[int, int] | None:
        """Width and height of the upright picture, where they are known."""
        if not self.width or not self.height:
            return None
        is_turned = self.orientation is not None and self.orientation >= 5
        return (self.height, self.width) if is_turned else (self.width, self.height)

    @property
    def has_facts(self) -> bool:
        """Whether anything but its looks tells where it came from."""
        return bool(self.camera) or self.moment is not None


@dataclass(frozen=True, slots=True)
class SimilarityLimits:
    """How far apart, in bits of pHash, two pictures may be to be called similar, and re-encoded."""

    max_distance: int
    re_encoded_distance: int


PRESETS: Mapping[str, SimilarityLimits] = MappingProxyType(
    {
        "strict": SimilarityLimits(max_distance=4, re_encoded_distance=0),
        "normal": SimilarityLimits(max_distance=8, re_encoded_distance=2),
        "loose": SimilarityLimits(max_distance=12, re_encoded_distance=2),
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two pictures are to each other.

    `distance` is pHash's, in bits; `bits` the sum over all four hashes. `needs_witness` marks a
    pair that looks re-encoded and has no facts: a third picture with facts, of which both are
    re-encodings, settles it.
    """

    duplicate_class: DuplicateClass
    similarity: float
    distance: int
    rule: str
    confidence: float
    bits: int
    needs_witness: bool = False


@dataclass(frozen=True, slots=True)
class _Gaps:
    phash: int
    dhash: int
    ahash: int
    whash: int

    @classmethod
    def between(cls, a: Fingerprint, b: Fingerprint) -> "_Gaps":
        return cls(
            distance(a.phash, b.phash),
            distance(a.dhash, b.dhash),
            distance(a.ahash, b.ahash),
            distance(a.whash, b.whash),
        )

    @property
    def total(self) -> int:
        return self.phash + self.dhash + self.ahash + self.whash

    def __str__(self) -> str:
        return (
            f"pHash {self.phash}, dHash {self.dhash}, aHash {self.ahash}, wHash {self.whash} bits"
        )


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Why a pair is not called re-encoded."""

    reason: str
    is_for_want_of_facts: bool = False


# A picture whose brightness (aHash) or gradient (dHash) is nearly all of one sign is a screen, a
# page or a plain area: such pictures collide. Of 330 real photographs none came below 12 (aHash)
# and 15 (dHash).
_FEWEST_BRIGHT_BITS = 8
_FEWEST_GRADIENT_BITS = 12
_MOST_STRETCH_SIMILAR = 0.15
_MOST_BITS_BY_LOOKS = 2
_SAME_INSTANT_SECONDS = 0.005  # a fraction cut to two digits on the way is still the same fraction


def is_comparable(picture: Picture) -> bool:
    """Whether the looks of a picture say anything; only such pictures belong into the similarity
    index.
    """
    print_ = picture.fingerprint
    return (
        picture.kind in (Kind.IMAGE, Kind.RAW)
        and not print_.is_degenerate
        and _is_mixed(print_.ahash, _FEWEST_BRIGHT_BITS)
        and _is_mixed(print_.dhash, _FEWEST_GRADIENT_BITS)
    )


def judge(a: Picture, b: Picture, limits: SimilarityLimits) -> Verdict | None:
    """Say what two pictures are to each other; None where they are no duplicates in any sense.

    A RAW and a rendered picture are never duplicates of each other: one is developed from the
    other. Symmetric in `a` and `b`.
    """
    if a.sha256 > b.sha256:
        a, b = b, a
    if a.kind is not b.kind or not is_comparable(a) or not is_comparable(b):
        return None
    if a.sha256 == b.sha256 or a.photograph_ids & b.photograph_ids:
        return None
    if a.sha256 in b.rejected_with or b.sha256 in a.rejected_with:
        return None
    gaps = _Gaps.between(a.fingerprint, b.fingerprint)
    if not _looks_similar(gaps, limits) or _stretch(a, b) > _MOST_STRETCH_SIMILAR:
        return None
    similarity = round(max(0.0, 100.0 * (1.0 - gaps.total / 128)), 1)
    doubt = _doubt(a, b, gaps, limits)
    if doubt is None:
        evidence, confidence = _evidence(a, b)
        return Verdict(
            DuplicateClass.RE_ENCODED,
            similarity,
            gaps.phash,
            f"re-encoded: {gaps}; {evidence}",
            confidence - gaps.total,
            gaps.total,
        )
    return Verdict(
        DuplicateClass.SIMILAR,
        similarity,
        gaps.phash,
        f"similar: {gaps}; {doubt.reason}",
        max(30.0, 70.0 - 2.0 * gaps.phash - gaps.ahash - gaps.whash),
        gaps.total,
        doubt.is_for_want_of_facts,
    )


def are_different_shots(a: Picture, b: Picture) -> bool:
    """Whether the capture times prove two presses of the shutter."""
    moment_a, moment_b = a.moment, b.moment
    differ = same_moment(moment_a, moment_b, tolerance_seconds=_SAME_INSTANT_SECONDS)
    return differ is Agreement.DIFFER and not is_corrected_clock(moment_a, moment_b)


def _looks_similar(gaps: _Gaps, limits: SimilarityLimits) -> bool:
    return (
        gaps.phash <= limits.max_distance
        and gaps.dhash <= limits.max_distance + 4
        and gaps.ahash <= limits.max_distance
        and gaps.whash <= limits.max_distance + 4
    )


def _doubt(a: Picture, b: Picture, gaps: _Gaps, limits: SimilarityLimits) -> _Doubt | None:
    """The first reason not to call the pair re-encoded."""
    if a.kind is Kind.RAW:
        return _Doubt("RAW files are compared by their previews only")
    if gaps.phash > limits.re_encoded_distance or gaps.dhash > 2 or gaps.ahash + gaps.whash > 1:
        return _Doubt("too far apart for a re-encoding: an edit, a crop or a near frame")
    if a.shape is None or b.shape is None or _stretch(a, b) > _rounding(a, b):
        return _Doubt("not of one shape")
    if a.camera and b.camera and a.camera.casefold().split() != b.camera.casefold().split():
        return _Doubt(f"other camera: {a.camera} and {b.camera}")
    if are_different_shots(a, b):
        return _Doubt(f"taken at other times: {a.captured_at} and {b.captured_at}")
    return _doubt_for_want_of_facts(a, b, gaps)


def _doubt_for_want_of_facts(a: Picture, b: Picture, gaps: _Gaps) -> _Doubt | None:
    if _is_same_instant(a, b):
        return None
    is_one_size = a.shape == b.shape
    if a.has_facts and b.has_facts:
        if is_one_size and gaps.total > 0 and not _is_much_smaller(a, b):
            return _Doubt("of one size, and no fraction of a second: may be frames of one series")
        return None
    if gaps.total > _MOST_BITS_BY_LOOKS:
        return _Doubt("no capture time on both to confirm it", is_for_want_of_facts=True)
    if is_one_size and not a.has_facts and not b.has_facts:
        return _Doubt("nothing but looks speaks for it", is_for_want_of_facts=True)
    return None


def _evidence(a: Picture, b: Picture) -> tuple[str, float]:
    """What speaks for a re-encoding beside the looks, and the confidence that it earns."""
    if _is_same_instant(a, b):
        if same_moment(a.moment, b.moment, tolerance_seconds=0) is not Agreement.AGREE:
            times = f"{a.captured_at} and {b.captured_at}"
            return f"only the clock's setting differs, not its fraction of a second: {times}", 85.0
        return f"same capture time to the fraction: {a.captured_at}", 96.0
    if same_moment(a.moment, b.moment, tolerance_seconds=0) is Agreement.AGREE:
        return f"same capture time: {min(str(a.captured_at), str(b.captured_at))}", 92.0
    if a.has_facts and b.has_facts:
        return "same camera, no capture time on both", 88.0
    if a.has_facts or b.has_facts:
        return "one has lost its metadata", 88.0
    return "no metadata on either, of another size in pixels", 80.0


def _is_same_instant(a: Picture, b: Picture) -> bool:
    """Equal to the fraction of a second, or after the clock was set right."""
    return (
        a.has_subseconds
        and b.has_subseconds
        and a.moment is not None
        and b.moment is not None
        and not are_different_shots(a, b)
    )


def _is_much_smaller(a: Picture, b: Picture) -> bool:
    """Half the bytes at the same second: frames of one series are nearly equal in size,
    recompressions are not.
    """
    is_same_second = same_moment(a.moment, b.moment, tolerance_seconds=0) is Agreement.AGREE
    return is_same_second and max(a.size, b.size) >= 2 * min(a.size, b.size)


def _stretch(a: Picture, b: Picture) -> float:
    """How much one must be stretched to take the other's shape; 0 where a shape is not known."""
    if a.shape is None or b.shape is None:
        return 0.0
    ratio = (a.shape[0] * b.shape[1]) / (a.shape[1] * b.shape[0])
    return max(ratio, 1 / ratio) - 1


def _rounding(a: Picture, b: Picture) -> float:
    """The stretch that rounding to whole pixels explains: one pixel of the shortest side."""
    shortest = min((*(a.shape or (1, 1)), *(b.shape or (1, 1))))
    return 0.005 + 1 / shortest


def _is_mixed(bits: int, fewest: int) -> bool:
    return fewest <= bits.bit_count() <= 64 - fewest
