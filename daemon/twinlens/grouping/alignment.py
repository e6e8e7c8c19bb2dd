"""Lays one small picture over another: where it lies in it, how much brighter it is, what is left.

The pictures are laid over each other by scale and shift along each axis and by gain and offset of
the luminance, all six fitted together by least squares on the gradient (Lucas and Kanade 1981,
Gauss-Newton), from a first guess. At 32x32 pixels the fit tells a cut of 1 % of a side, a third of
a pixel, from none.
"""

from dataclasses import dataclass

import numpy as np

from twinlens.grouping.miniatures import Floats
from twinlens.model.miniature import SIDE

_ROUNDS = 6
_EDGE = 1.5 / SIDE
_STILL = 4e-4
_RELUCTANCE = 1200.0
"""What keeps a picture without detail in its place: the squared noise of a poor JPEG, 0.35 levels,
over the square of the step that it would excuse, 1 % of a side."""

_PLACED = (np.arange(4), np.arange(4))
_PLACES: Floats = ((np.arange(SIDE) + 0.5) / SIDE).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How the second picture lies in the first: from `start` (x, y) over `extent` (x, y), in
    shares of the first one's sides; (0, 0) and (1, 1) is all of it.

    `second = gain * first + offset`, in grey levels. `correlation` is of what they share,
    `residual` (32, 32) what is left in grey levels, 0 outside the first; `shared` the part of the
    second that lies inside the first, `contrast` its deviation.
    """

    start: tuple[float, float]
    extent: tuple[float, float]
    gain: float
    offset: float
    correlation: float
    residual: Floats
    shared: float
    contrast: float


def align(
    first: Floats, second: Floats, start: tuple[float, float], extent: tuple[float, float]
) -> Alignment:
    """Lay luminance (32, 32) over luminance, from a first guess of where it lies."""
    first, second = _softened(first), _softened(second)
    x, y, width, height = start[0], start[1], extent[0], extent[1]
    target = second.reshape(-1)
    gain = offset = 0.0
    ones: Floats = np.ones(SIDE * SIDE, dtype=np.float32)
    best: Alignment | None = None
    for step in range(_ROUNDS):
        columns, rows = x + width * _PLACES, y + height * _PLACES
        seen = np.asarray(_weights(rows) @ first @ _weights(columns).T, dtype=np.float32)
        inside = (_is_inside(rows)[:, None] & _is_inside(columns)[None, :]).astype(np.float32)
        across, down = _slope(seen) / width, _slope(seen.T).T / height
        mask = inside.reshape(-1)
        model = np.stack((seen.reshape(-1), ones), axis=1) * mask[:, None]
        (gain, offset), correlation = _fitted(model, target * mask, mask)
        left = (target - gain * seen.reshape(-1) - offset) * mask
        inside_values = target[mask > 0]
        here = Alignment(
            (float(x), float(y)),
            (float(width), float(height)),
            float(gain),
            float(offset),
            correlation,
            left.reshape(SIDE, SIDE),
            float(mask.mean()),
            float(inside_values.std()) if len(inside_values) else 0.0,
        )
        if best is None or here.correlation > best.correlation:
            best = here
        if step == _ROUNDS - 1 or gain <= 0:
            break
        slopes = np.stack(
            (
                across,
                across * _PLACES[None, :],
                down,
                down * _PLACES[:, None],
                seen / max(gain, 0.1),
                np.ones_like(seen) / max(gain, 0.1),
            ),
            axis=-1,
        ).reshape(-1, 6)
        slopes = slopes * (gain * mask)[:, None]
        normal = slopes.T @ slopes
        normal[np.diag_indices(6)] *= 1.0001
        normal[np.diag_indices(6)] += 1e-6
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


def _fitted(model: Floats, target: Floats, mask: Floats) -> tuple[tuple[float, float], float]:
    count = float(mask.sum())
    if count < SIDE:
        return (0.0, 0.0), 0.0
    seen = model[:, 0].astype(np.float64)
    wanted = target.astype(np.float64)
    mean_seen, mean_wanted = seen.sum() / count, wanted.sum() / count
    seen_part, wanted_part = (seen - mean_seen) * mask, (wanted - mean_wanted) * mask
    spread, both = float(seen_part @ seen_part), float(seen_part @ wanted_part)
    other = float(wanted_part @ wanted_part)
    if spread < 1e-6 or other < 1e-6:
        return (0.0, 0.0), 0.0
    gain = both / spread
    return (gain, mean_wanted - gain * mean_seen), both / (spread * other) ** 0.5


def _softened(cells: Floats) -> Floats:
    """Blurred by (1, 2, 1) / 4 along both axes: sampling between pixels then loses nothing."""
    padded = np.pad(cells, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4


def _slope(cells: Floats) -> Floats:
    """The change from left to right, in levels a side."""
    slope = np.empty_like(cells)
    slope[:, 1:-1] = (cells[:, 2:] - cells[:, :-2]) * (SIDE / 2)
    slope[:, 0] = (cells[:, 1] - cells[:, 0]) * SIDE
    slope[:, -1] = (cells[:, -1] - cells[:, -2]) * SIDE
    return slope


def _is_inside(places: Floats) -> "np.typing.NDArray[np.bool_]":
    return (places > _EDGE / 3) & (places < 1 - _EDGE / 3)


def _weights(places: Floats) -> Floats:
    """(32, 32): how much of each pixel is seen at each place, by cubic convolution (Keys 1981)."""
    at = np.clip(places, 0, 1)[:, None] * SIDE - 0.5
    apart = np.abs(at - np.arange(SIDE)[None, :])
    near = ((1.5 * apart - 2.5) * apart) * apart + 1
    far = ((-0.5 * apart + 2.5) * apart - 4) * apart + 2
    weights = np.where(apart <= 1, near, np.where(apart < 2, far, 0.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
