"""The verdict on two pictures: a re-encoding, similar, or nothing at all.

The order of the questions: who may not be compared (the owner said so; a RAW and its own JPEG; two
shots of one burst); whether the coded pixels are equal; whether camera or capture time say two
presses of the shutter; and only then what the second look saw. Degenerate pictures stop at the
coded pixels.

A re-encoding has to agree in everything: shape, place, contrast, colour, and no cell of the picture
may stand out. Similar is what lies over the other well but for that: cut, framed, lightened,
coloured, written upon. The limits were set on a set made of real pictures, between what
re-encodings reach and where the smallest edits begin (docs/near-duplicates.md, which also gives the
figures on pictures that the limits had not seen).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from twinlens.grouping.cameras import same_camera
from twinlens.grouping.candidates import in_bits
from twinlens.grouping.miniatures import Miniature
from twinlens.grouping.moments import Agreement, Moment, is_corrected_clock, same_moment
from twinlens.grouping.second_look import Look, look
from twinlens.model.groups import DuplicateClass
from twinlens.model.picture import Kind
from twinlens.model.verdicts import Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One content, as the rules for duplicates need to know it.

    `miniature` is None for a degenerate picture and where there is none. `width` and `height` are
    pixels as stored; the miniature is of the upright picture. `captured_at` is ISO 8601 from the
    content alone. `photograph_ids` are the file groups its files are in, `shots` the burst and the
    number in it of each of its files. `rejected_with` are the digests the owner said this is no
    duplicate of; `is_chosen` is their choice of who stands first.
    """

    original_id: int
    sha256: str
    kind: Kind
    miniature: Miniature | None
    width: int | None
    height: int | None
    orientation: int | None
    size: int
    captured_at: str | None
    has_subseconds: bool
    make: str | None = None
    model: str | None = None
    image_digest: str | None = None
    photograph_ids: frozenset[int] = frozenset()
    shots: frozenset[tuple[int, int]] = frozenset()
    rejected_with: frozenset[str] = frozenset()
    is_chosen: bool = False

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
        return bool(self.make or self.model) or self.moment is not None


@dataclass(frozen=True, slots=True)
class SimilarityLimits:
    """How far apart, in bits of their keys, two pictures may be to be looked at twice, and to be
    called re-encoded.
    """

    max_distance: int
    re_encoded_distance: int

    @property
    def least_correlation(self) -> float:
        """What similar pictures reach at least; the second look follows the one number, too.

        0.88 at 12 bits: on the labelled set unrelated candidates stayed below 0.69, a text over a
        tenth of the picture came down to 0.88.
        """
        return 0.994 - 0.0095 * self.max_distance


PRESETS: Mapping[str, SimilarityLimits] = MappingProxyType(
    {
        "strict": SimilarityLimits(max_distance=6, re_encoded_distance=6),
        "normal": SimilarityLimits(max_distance=12, re_encoded_distance=12),
        "loose": SimilarityLimits(max_distance=16, re_encoded_distance=12),
    }
)

_MOST_DISPLACED: Final = 0.006
"""Of a side: q30 and tenths stayed under 0.004 nearly always, a cut of 1 % at one edge begins at
0.009."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit that is wider for small pictures, where fewer pixels share the noise of a cell."""

    whole: float
    per_pixel: float

    def of(self, a: Picture, b: Picture) -> float:
        sides = (*(a.shape or (1, 1)), *(b.shape or (1, 1)))
        return self.whole + self.per_pixel / max(min(sides), _LEAST_SIDE)


_LEAST_SIDE: Final = 30
"""Pixels: what is smaller is judged no more mildly."""

# Each between what re-encodings reach (quality 30 to 95, every format, a reduction to a tenth,
# pictures of 240 to 1024 pixels) and where small edits begin. At full size re-encodings reach a
# residual of 0.65 and at one place 3.3 levels, a tenth that has 25 pixels 1.5 and 6.1; a stamp of
# the date begins at 2, and passes 3.5 in four of five cases.
_MOST_RESIDUAL: Final = _Limit(0.75, 30.0)
_LARGEST_RESIDUAL: Final = _Limit(3.5, 120.0)
_MOST_GAIN: Final = _Limit(0.012, 0.35)
_MOST_OFFSET: Final = _Limit(1.2, 20.0)
_MOST_COLOUR_RESIDUAL: Final = _Limit(1.0, 25.0)
_LARGEST_COLOUR_RESIDUAL: Final = _Limit(3.0, 300.0)
_MOST_COLOUR_LOST: Final = _Limit(0.04, 1.0)
_COLOUR_NOISE: Final = 0.45
"""Levels: what coding does to faint colours is no loss of them."""

_BENEFIT_OF_DOUBT: Final = 1.35
"""How far out of its place a witness may help: not as far as the smallest cut."""

_REST_OF_DISPLACEMENT: Final = 400.0
"""Levels a side: what another decoder moved by a hair leaves rests at edges."""

_GAINS_SIMILAR: Final = (0.4, 2.5)
_LEAST_SHARED: Final = 0.35
_ALL_SHARED: Final = 0.99
_MOST_STRETCH_SIMILAR: Final = 0.15

# Within one second and without fractions, only what no next frame can be is called re-encoded.
_MOST_RESIDUAL_IN_SERIES: Final = 0.6
_LARGEST_RESIDUAL_IN_SERIES: Final = 3.0

# Of one size, and no time tells: compressing leaves a picture in its place (0.0010 at quality 30),
# a decoder of another format moves it by up to 0.0018 and changes little (0.25 levels); from frame
# to frame of a burst held still it moved by 0.0015 and more, and changed by 0.45.
_MOST_DISPLACED_AT_ONE_SIZE: Final = 0.00125
_MOST_RESIDUAL_IF_DISPLACED: Final = 0.4
_LEAST_SIDE_TO_TELL: Final = 200
"""Pixels; below, compressing moves a picture, too."""

_SAME_INSTANT_SECONDS: Final = 0.005
"""A fraction cut to two digits on the way is still the same fraction."""


EQUAL_PIXELS: Final = Verdict(
    *(DuplicateClass.RE_ENCODED, 100.0, 0),
    *("re-encoded: equal coded pixels, differs in metadata only", 100.0),
)


def judge(a: Picture, b: Picture, limits: SimilarityLimits) -> Verdict | None:
    """Say what two pictures are to each other; None where they are no duplicates in any sense.

    Symmetric in `a` and `b`; about 1 ms where a second look is needed.
    """
    if has_to_be_looked_at(a, b):
        return judge_by_looks(a, b, limits)
    is_equal = a.sha256 != b.sha256 and _have_equal_pixels(a, b) and may_be_compared(a, b)
    return EQUAL_PIXELS if is_equal else None


def has_to_be_looked_at(a: Picture, b: Picture) -> bool:
    """Whether no plain fact settles what two pictures are to each other. Symmetric; asks for no
    miniature."""
    return (
        a.sha256 != b.sha256
        and may_be_compared(a, b)
        and not _have_equal_pixels(a, b)
        and not are_different_shots(a, b)
        and same_camera(a.make, a.model, b.make, b.model) is not Agreement.DIFFER
    )


def judge_by_looks(a: Picture, b: Picture, limits: SimilarityLimits) -> Verdict | None:
    """What looks say of two that have to be looked at (`has_to_be_looked_at`). Symmetric."""
    if a.sha256 > b.sha256:
        a, b = b, a
    if a.miniature is None or b.miniature is None:
        return None
    seen = look(a.miniature, b.miniature, limits.max_distance)
    if seen is None or not _is_similar(a, b, seen, limits):
        return None
    difference = next(_differences(a, b, seen, limits), None)
    if difference is None:
        return _re_encoded(a, b, seen)
    is_near = next(_differences(a, b, seen, limits, _BENEFIT_OF_DOUBT), None) is None
    similarity = round(100 * seen.correlation * min(1.0, 0.5 + seen.shared / 2), 1)
    return Verdict(
        DuplicateClass.SIMILAR,
        min(similarity, 99.0),
        seen.distance,
        f"similar: {difference}; {_figures(seen)}",
        round(min(90.0, max(30.0, 100 - 400 * (1 - seen.correlation))), 1),
        is_near,
    )


def _have_equal_pixels(a: Picture, b: Picture) -> bool:
    return a.image_digest is not None and a.image_digest == b.image_digest


def are_different_shots(a: Picture, b: Picture) -> bool:
    """Whether the capture times prove two presses of the shutter."""
    moment_a, moment_b = a.moment, b.moment
    differ = same_moment(moment_a, moment_b, tolerance_seconds=_SAME_INSTANT_SECONDS)
    return differ is Agreement.DIFFER and not is_corrected_clock(moment_a, moment_b)


def may_be_compared(a: Picture, b: Picture) -> bool:
    """Whether nobody and nothing but looks keeps two pictures from being duplicates. Symmetric."""
    if a.sha256 in b.rejected_with or b.sha256 in a.rejected_with:
        return False
    if not {a.kind, b.kind} <= {Kind.IMAGE, Kind.RAW}:
        return False
    if a.kind is not b.kind:
        # A RAW and what was developed from it: one photograph, and both are wanted.
        is_one_moment = same_moment(a.moment, b.moment, tolerance_seconds=2.0) is Agreement.AGREE
        return not is_one_moment and not a.photograph_ids & b.photograph_ids
    numbers = dict(a.shots)
    return all(numbers.get(burst, number) == number for burst, number in b.shots)


def _is_similar(a: Picture, b: Picture, seen: Look, limits: SimilarityLimits) -> bool:
    low, high = _GAINS_SIMILAR
    return (
        seen.correlation >= limits.least_correlation
        and low < seen.gain < high
        and seen.shared >= _LEAST_SHARED
        and _stretch(a, b, seen) <= _MOST_STRETCH_SIMILAR
        and not (seen.is_moved_only and _is_one_size(a, b, seen))
    )


def _differences(
    a: Picture, b: Picture, seen: Look, limits: SimilarityLimits, leeway: float = 1.0
) -> Iterator[str]:
    """What a re-encoding would not have, the plainest first; `leeway` widens the place alone: what
    differs in light, colour or at one spot no third picture excuses."""
    if a.kind is Kind.RAW or b.kind is Kind.RAW:
        yield "a RAW file is compared by its preview only"
    if seen.distance > limits.re_encoded_distance:
        yield f"{in_bits(seen.distance)} apart"
    if a.shape is None or b.shape is None or _shape_stretch(a, b, seen) > _rounding(a, b):
        yield "of another shape"
    if seen.displacement > _MOST_DISPLACED * leeway:
        is_inside = seen.shared > _ALL_SHARED
        yield "one is cut from the other" if is_inside else "cut, framed or moved"
    if abs(seen.gain - 1) > _MOST_GAIN.of(a, b) or abs(_brighter(seen)) > _MOST_OFFSET.of(a, b):
        yield "of other brightness or contrast"
    if _is_coloured_otherwise(a, b, seen):
        yield "of other colour"
    if _rest(a, b, seen) > 1:
        yield "something in it differs"
    if _may_be_next_frame(a, b, seen):
        yield "within one second, and no fraction tells whether it is one shot"
    if _may_be_another_frame(a, b, seen):
        yield "moved a little within one size, and no time tells whether it is one shot"


def _rest(a: Picture, b: Picture, seen: Look) -> float:
    """What is left at the worst place and altogether, as a share of what is allowed."""
    slack = seen.displacement * _REST_OF_DISPLACEMENT
    return max(
        seen.residual / (_MOST_RESIDUAL.of(a, b) + slack / 5),
        seen.largest_residual / (_LARGEST_RESIDUAL.of(a, b) + slack),
        seen.largest_colour_residual / _LARGEST_COLOUR_RESIDUAL.of(a, b),
    )


def _is_coloured_otherwise(a: Picture, b: Picture, seen: Look) -> bool:
    if seen.colour_residual > _MOST_COLOUR_RESIDUAL.of(a, b):
        return True
    if seen.colour_kept is None:
        return False
    noise = _COLOUR_NOISE / seen.colour_strength
    return 1 - seen.colour_kept > _MOST_COLOUR_LOST.of(a, b) + noise


def _may_be_next_frame(a: Picture, b: Picture, seen: Look) -> bool:
    """Of one size, second and camera, without fractions: only equal looks tell a copy."""
    moments = (a.moment, b.moment)
    if None in moments or (a.has_subseconds and b.has_subseconds):
        return False
    if seen.turn or not _is_one_size(a, b, seen):
        return False
    return (
        seen.residual > _MOST_RESIDUAL_IN_SERIES
        or seen.largest_residual > _LARGEST_RESIDUAL_IN_SERIES
    )


def _may_be_another_frame(a: Picture, b: Picture, seen: Look) -> bool:
    """Of one size, upright, and a capture time is missing: a copy does not move by a hair."""
    if seen.turn or (a.moment is not None and b.moment is not None):
        return False
    if not _is_one_size(a, b, seen) or min(a.shape or (0, 0)) < _LEAST_SIDE_TO_TELL:
        return False
    return (
        seen.displacement > _MOST_DISPLACED_AT_ONE_SIZE
        and seen.residual > _MOST_RESIDUAL_IF_DISPLACED
    )


def _re_encoded(a: Picture, b: Picture, seen: Look) -> Verdict:
    if same_moment(a.moment, b.moment, tolerance_seconds=0) is Agreement.AGREE:
        time = min(str(a.captured_at), str(b.captured_at))
        evidence, confidence = f"same capture time: {time}", 98.0
    elif a.moment is not None and b.moment is not None:
        evidence, confidence = "only the clock's setting differs", 92.0
    elif a.has_facts and b.has_facts:
        evidence, confidence = "no capture time on both", 95.0
    elif a.has_facts or b.has_facts:
        evidence, confidence = "one has lost its metadata", 95.0
    else:
        evidence, confidence = "no metadata on either", 93.0
    what = "turned or mirrored, " if seen.turn else ""
    return Verdict(
        DuplicateClass.RE_ENCODED,
        round(max(0.0, 100 * seen.correlation - seen.residual / 4), 1),
        seen.distance,
        f"re-encoded: {what}{evidence}; {_figures(seen)}",
        round(confidence - 2 * seen.residual, 1),
    )


def _figures(seen: Look) -> str:
    return (
        f"correlation {seen.correlation:.3f}, edges within {100 * seen.displacement:.1f} %, "
        f"contrast {seen.gain:.2f}, largest rest {seen.largest_residual:.1f}, colours "
        f"{seen.colour_residual:.1f} and at one place {seen.largest_colour_residual:.0f} levels "
        f"apart, {in_bits(seen.distance)}"
    )


def _brighter(seen: Look) -> float:
    """How much brighter the second is at middle grey, in levels."""
    return (seen.gain - 1) * 128 + seen.offset


def _is_one_size(a: Picture, b: Picture, seen: Look) -> bool:
    shape = _turned_shape(a, seen)
    return shape is not None and shape == b.shape


def _turned_shape(a: Picture, seen: Look) -> tuple[int, int] | None:
    shape = a.shape
    return (shape[1], shape[0]) if shape is not None and seen.turn & 4 else shape


def _stretch(a: Picture, b: Picture, seen: Look) -> float:
    """How much the part of `a` that `b` shows must be stretched to take its shape; 0 where a shape
    is not known.
    """
    shape = _turned_shape(a, seen)
    if shape is None or b.shape is None:
        return 0.0
    ratio = (shape[0] * seen.extent[0] * b.shape[1]) / (shape[1] * seen.extent[1] * b.shape[0])
    return max(ratio, 1 / ratio) - 1


def _shape_stretch(a: Picture, b: Picture, seen: Look) -> float:
    """The stretch from the whole of `a` to the whole of `b`."""
    shape = _turned_shape(a, seen) or (1, 1)
    other = b.shape or (1, 1)
    ratio = (shape[0] * other[1]) / (shape[1] * other[0])
    return max(ratio, 1 / ratio) - 1


def _rounding(a: Picture, b: Picture) -> float:
    """The stretch that rounding to whole pixels explains: one pixel of the shortest side."""
    shortest = min((*(a.shape or (1, 1)), *(b.shape or (1, 1))))
    return 0.003 + 1 / shortest
