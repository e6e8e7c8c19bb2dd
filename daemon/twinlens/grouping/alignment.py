"""Lays one small picture over another: where it lies in it, how much brighter it is, what is left.

The pictures are laid over each other by scale and shift along each axis and by gain and offset of
the luminance, all six fitted together by least squares on the gradient (Lucas and Kanade 1981,
Gauss-Newton), from a first guess. At 32x32 pixels the fit tells a cut of 1 % of a side, a third of
a pixel, from none.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from twinlens.grouping.miniatures import Floats
from twinlens.model.miniature import SIDE

_ROUNDS = 6
_EDGE = 1.5 / SIDE
_STILL = 4e-4
_RELUCTANCE = 1200.0
"""What keeps a picture without detail in its place: the squared noise of a poor JPEG, 0.35 levels,
over the square of the step that it would excuse, 1 % of a side."""

_PLACED = np.diag_indices(4)
_FITTED = np.diag_indices(6)
_CELLS = np.arange(SIDE)
_PLACES: Floats = ((_CELLS + 0.5) / SIDE).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How the second picture lies in the first: from `start` (x, y) over `extent` (x, y), in
    shares of the first one's sides; (0, 0) and (1, 1) is all of it.

    `second = gain * first + offset`, in grey levels. `correlation` is of what they share,
    `residual` (32, 32) what is left in grey levels, 0 outside the first; `shared` the part of the
    second that lies inside the first.
    """

    start: tuple[float, float]
    extent: tuple[float, float]
    gain: float
    offset: float
    correlation: float
    residual: Floats
    shared: float


def align(
    first: Floats, second: Floats, start: tuple[float, float], extent: tuple[float, float]
) -> Alignment:
    """Lay luminance (32, 32) over luminance, both `softened`, from a first guess of where it lies.

    It takes half a millisecond, and an arrival may need dozens: nothing is made that nobody reads.
    """
    x, y, width, height = start[0], start[1], extent[0], extent[1]
    target = second.reshape(-1)
    best: Alignment | None = None
    (down_weights, across_weights), mask = _guessed(start, extent)
    for step in range(_ROUNDS):
        if step:
            places = np.array(((y,), (x,))) + np.array(((height,), (width,))) * _PLACES
            (down_weights, across_weights), mask = _weights(places), _mask(places)
        seen = down_weights @ first @ across_weights.T
        (gain, offset), correlation = _fitted(seen.reshape(-1) * mask, target * mask, mask)
        left = (target - gain * seen.reshape(-1) - offset) * mask
        if best is None or correlation > best.correlation:
            best = Alignment(
                (float(x), float(y)),
                (float(width), float(height)),
                *(gain, offset, correlation),
                left.reshape(SIDE, SIDE),
                float(mask.mean()),
            )
        if step == _ROUNDS - 1 or gain <= 0:
            break
        slopes = _slopes(seen, (width, height), max(gain, 0.1)) * (gain * mask)[:, None]
        normal = slopes.T @ slopes
        normal[_FITTED] *= 1.0001
        normal[_FITTED] += 1e-6
        wanted = slopes.T @ left
        normal[_PLACED] += _RELUCTANCE
        wanted[:4] -= _RELUCTANCE * np.array(
            (x - start[0], width - extent[0], y - start[1], height - extent[1]), dtype=np.float32
        )
        move = np.linalg.solve(normal.astype(np.float64), wanted.astype(np.float64))
        move = np.clip(move[:4], -0.05, 0.05)
        x, width, y, height = x + move[0], width + move[1], y + move[2], height + move[3]
        if not (0.4 < width < 2.5 and 0.4 < height < 2.5) or np.abs(move).max() < _STILL:
            break
    assert best is not None
    return best


def softened(cells: Floats) -> Floats:
    """Blurred by (1, 2, 1) / 4 along both axes: sampling between pixels then loses nothing."""
    padded = np.pad(cells, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4


def _fitted(seen: Floats, target: Floats, mask: Floats) -> tuple[tuple[float, float], float]:
    """The gain and the offset by which the one comes nearest to the other, and how near; both are 0
    outside the mask."""
    count = float(mask.sum())
    if count < SIDE:
        return (0.0, 0.0), 0.0
    seen, target = seen.astype(np.float64), target.astype(np.float64)
    mean_seen, mean_target = seen.sum() / count, target.sum() / count
    seen, target = (seen - mean_seen) * mask, (target - mean_target) * mask
    spread, both, other = float(seen @ seen), float(seen @ target), float(target @ target)
    if spread < 1e-6 or other < 1e-6:
        return (0.0, 0.0), 0.0
    gain = both / spread
    return (gain, mean_target - gain * mean_seen), both / (spread * other) ** 0.5


def _slopes(seen: Floats, extent: tuple[float, float], gain: float) -> Floats:
    """(1024, 6): how what is seen changes with the place and the extent along each axis, and with
    gain and offset, per unit of gain."""
    across, down = _slope(seen) / extent[0], _slope(seen.T).T / extent[1]
    slopes: Floats = np.empty((SIDE, SIDE, 6), dtype=across.dtype)
    slopes[..., 0] = across
    np.multiply(across, _PLACES, out=slopes[..., 1])
    slopes[..., 2] = down
    np.multiply(down, _PLACES[:, None], out=slopes[..., 3])
    slopes[..., 4] = seen / gain
    slopes[..., 5] = np.float32(1) / np.float32(gain)
    return slopes.reshape(-1, 6)


def _slope(cells: Floats) -> Floats:
    """The change from left to right, in levels a side."""
    slope = np.empty_like(cells)
    slope[:, 1:-1] = (cells[:, 2:] - cells[:, :-2]) * (SIDE / 2)
    slope[:, 0] = (cells[:, 1] - cells[:, 0]) * SIDE
    slope[:, -1] = (cells[:, -1] - cells[:, -2]) * SIDE
    return slope


@cache
def _guessed(start: tuple[float, float], extent: tuple[float, float]) -> tuple[Floats, Floats]:
    """The weights and the mask of a first guess, of which there are few: see `CROPS`."""
    (x, y), (width, height) = start, extent
    places = np.stack((y + height * _PLACES, x + width * _PLACES))
    return _weights(places), _mask(places)


def _mask(places: Floats) -> Floats:
    """(1024,): 1 for each place, of (2, 32) down and across, that lies in the picture; else 0."""
    is_inside = (places > _EDGE / 3) & (places < 1 - _EDGE / 3)
    mask: Floats = (is_inside[0][:, None] & is_inside[1]).astype(np.float32)
    return mask.reshape(-1)


def _weights(places: Floats) -> Floats:
    """(n, 32, 32): how much of each pixel is seen at each of (n, 32) places, by cubic convolution
    (Keys 1981)."""
    at = np.clip(places, 0, 1)[..., None] * SIDE - 0.5
    apart = np.abs(at - _CELLS)
    near = ((1.5 * apart - 2.5) * apart) * apart + 1
    far = ((-0.5 * apart + 2.5) * apart - 4) * apart + 2
    weights = np.where(apart <= 1, near, np.where(apart < 2, far, 0.0))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float32)
