"""One number for how good a picture is technically: to choose among copies, not to judge art."""

import math

import numpy as np
from PIL import Image

_GRID = 128
_SHARP_AT = 12.0
_SMALLEST_PIXELS = 64 * 64
_LARGEST_PIXELS = 48_000_000


def quality_score(thumbnail: Image.Image, width: int, height: int) -> float:
    """Rate a picture from 0 to 100 by its grey thumbnail and its stored size in pixels.

    score = 40 * sharpness + 25 * exposure + 35 * size, each from 0 to 1:

    - sharpness = 1 - exp(-e / 12), where e is the mean absolute Laplacian, in grey levels, of the
      picture brought to 128x128 (so that a picture that had to be enlarged counts as blurred);
    - exposure = (1 - clipped)^2 * min(1, deviation / 40), where clipped is the share of pixels
      under 8 or over 247, plus the distance of the mean from the range 60 to 195 over 60;
    - size = log(pixels / 4096) / log(48 000 000 / 4096), held within 0 and 1.

    Rounded to 2 digits. The weights are a choice: of two equal pictures the larger one wins, of two
    equally large ones the sharper one.
    """
    grid = np.asarray(
        thumbnail.resize((_GRID, _GRID), Image.Resampling.BILINEAR, reducing_gap=1.0),
        dtype=np.float32,
    )
    score = 40 * _sharpness(grid) + 25 * _exposure(grid) + 35 * _size(width * height)
    return round(float(score), 2)


def _sharpness(grid: "np.typing.NDArray[np.float32]") -> float:
    edges = (
        4 * grid[1:-1, 1:-1] - grid[:-2, 1:-1] - grid[2:, 1:-1] - grid[1:-1, :-2] - grid[1:-1, 2:]
    )
    return 1 - math.exp(-float(np.abs(edges).mean()) / _SHARP_AT)


def _exposure(grid: "np.typing.NDArray[np.float32]") -> float:
    mean = float(grid.mean())
    clipped = float(np.count_nonzero((grid < 8) | (grid > 247))) / grid.size
    off_centre = max(60 - mean, mean - 195, 0) / 60
    lost = min(1.0, clipped + off_centre)
    return (1 - lost) ** 2 * min(1.0, float(grid.std()) / 40)


def _size(pixels: int) -> float:
    if pixels <= _SMALLEST_PIXELS:
        return 0.0
    share = math.log(pixels / _SMALLEST_PIXELS) / math.log(_LARGEST_PIXELS / _SMALLEST_PIXELS)
    return min(1.0, share)
