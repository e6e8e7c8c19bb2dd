"""The second look: what two small pictures show of each other, in numbers.

Candidates are found by keys of 64 bits; here the miniatures themselves are laid over each other in
each way that the keys suggest: turned, or one cut from the other. The best way counts. Limits and
verdicts are the business of `verdicts`; the figures behind both stand in docs/near-duplicates.md.
"""

from dataclasses import dataclass

import numpy as np

from twinlens.grouping.alignment import Alignment, align, softened
from twinlens.grouping.miniatures import Floats, Miniature, turned, turned_keys
from twinlens.grouping.similarity import distance
from twinlens.model.miniature import CROPS

_MOST_WAYS = 3
"""The nearest ways that are tried: more never changed a result on the labelled set."""

_ENOUGH = 0.99
"""A correlation beyond which no other way is tried."""

_FAINT_COLOUR = 1.2
"""The mean distance from grey, in levels, below which a picture has no colour to lose."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the second picture shows the first.

    `distance` is that of the keys, in bits; `turn` the orientation of the first that fits (see
    `miniatures.TURNS`). `start` and `extent` say where the second lies in the first turned so, in
    shares of its sides; `gain` how much stronger its contrast is. `correlation` of the luminance
    from -1 to 1; `largest_residual` and `residual` (root of mean squares) in grey levels;
    `colour_residual` and `largest_colour_residual` the mean and the largest difference of the
    chroma in levels, `colour_strength` the stronger one's distance from grey (root of mean squares)
    and `colour_kept` the share of it that the weaker one has in common, None where neither has any
    colour.
    """

    distance: int
    turn: int
    start: tuple[float, float]
    extent: tuple[float, float]
    gain: float
    offset: float
    correlation: float
    residual: float
    largest_residual: float
    colour_residual: float
    largest_colour_residual: float
    colour_strength: float
    colour_kept: float | None
    shared: float

    @property
    def displacement(self) -> float:
        """The largest distance of an edge of the second from the same edge of the first."""
        return max(
            max(abs(at), abs(at + length - 1))
            for at, length in zip(self.start, self.extent, strict=True)
        )

    @property
    def is_moved_only(self) -> bool:
        """Of one extent, but elsewhere: the camera moved, nobody cut anything."""
        least = _MOVED_SHARE
        is_one_extent = all(abs(length - 1) < least for length in self.extent)
        return is_one_extent and any(abs(at) > least for at in self.start)


_MOVED_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class _Way:
    distance: int
    turn: int
    start: tuple[float, float] = (0.0, 0.0)
    extent: tuple[float, float] = (1.0, 1.0)


def look(first: Miniature, second: Miniature, most_bits: int) -> Look | None:
    """Compare two miniatures; None where no key is within `most_bits` of the other's. About 1 ms.

    Give the two in an order that does not depend on who came first: the figures are of the second
    as seen in the first.
    """
    best: tuple[Alignment, _Way] | None = None
    ways = _ways(first, second, most_bits)[:_MOST_WAYS]
    if not ways:
        return None
    over, under = softened(first.luminance), softened(second.luminance)
    for way in ways:
        # A copy: what is mirrored lies backwards in memory.
        as_turned = turned(over, way.turn).copy(order="A")
        found = align(as_turned, under, way.start, way.extent)
        if best is None or found.correlation > best[0].correlation:
            best = found, way
        if best[0].correlation > _ENOUGH:
            break
    return None if best is None else _summary(first, second, *best)


def _summary(first: Miniature, second: Miniature, found: Alignment, way: _Way) -> Look:
    squares = float(np.square(found.residual).sum())
    cells = max(1.0, found.shared * found.residual.size)
    before, after = turned(first.chroma, way.turn) - 128, second.chroma - 128
    strength, kept = _common_colour(before, after)
    return Look(
        distance=way.distance,
        turn=way.turn,
        start=found.start,
        extent=found.extent,
        gain=found.gain,
        offset=found.offset,
        correlation=found.correlation,
        residual=(squares / cells) ** 0.5,
        largest_residual=float(np.abs(found.residual).max()),
        colour_residual=float(np.abs(before - after).mean()),
        largest_colour_residual=float(np.abs(before - after).max()),
        colour_strength=strength,
        colour_kept=kept,
        shared=found.shared,
    )


def _common_colour(before: Floats, after: Floats) -> tuple[float, float | None]:
    """How strong the stronger one's colours are, and how much of them the weaker one has.

    By their product, not by their strengths: the noise of a poor copy is no colour of its own.
    """
    stronger = max(float(np.square(before).mean()), float(np.square(after).mean()))
    if max(float(np.abs(before).mean()), float(np.abs(after).mean())) < _FAINT_COLOUR:
        return stronger**0.5, None
    return stronger**0.5, float((before * after).mean()) / stronger


def _ways(first: Miniature, second: Miniature, most_bits: int) -> list[_Way]:
    """The ways that the keys allow, nearest first, ties in a fixed order."""
    ways = [
        _Way(distance(key, second.keys[0]), turn)
        for turn, key in enumerate(turned_keys(first.keys[0]))
    ]
    for number, (left, top, right, bottom) in enumerate(CROPS, start=1):
        width, height = 1 - left - right, 1 - top - bottom
        ways.append(
            _Way(distance(first.keys[number], second.keys[0]), 0, (left, top), (width, height))
        )
        ways.append(
            _Way(
                distance(second.keys[number], first.keys[0]),
                0,
                (-left / width, -top / height),
                (1 / width, 1 / height),
            )
        )
    # A fit from the whole reaches small cuts by itself, so at equal distance it goes first.
    near = [way for way in ways if way.distance <= most_bits]
    return sorted(near, key=lambda way: (way.distance, way.turn))
