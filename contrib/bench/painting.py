"""The pictures of the benchmark, drawn from a seed: each number a clearly different one.

They are no photographs but cost what photographs cost: their detail falls off as in nature, they
have edges, and sensor noise brings a JPEG of 12 megapixels to 3 to 5 MB.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

SEED = 20_240_601

_NOISE_DEVIATIONS = (6.0, 8.0, 9.0, 10.0, 12.0)
"""In grey levels: a camera's noise grows with its sensitivity."""
_OCTAVES = (4, 8, 16, 32, 64, 128)
_SHIFT = 1 / 250
"""How far the camera moves from frame to frame of a burst, as a part of the picture's width."""
_STRIDE = 1 / 60
"""How far what is in the picture moves meanwhile."""


def paint(number: int, size: tuple[int, int]) -> Image.Image:
    """One picture of (width, height) pixels."""
    random = np.random.default_rng((SEED, number))
    return _noisy(_scene(random, size), random)


def paint_burst(number: int, size: tuple[int, int], frames: int) -> list[Image.Image]:
    """One scene, taken several times: the camera and somebody in the picture move a little."""
    random = np.random.default_rng((SEED, number))
    width, height = size
    shift = max(1, round(width * _SHIFT))
    wide = _scene(random, (width + shift * (frames - 1), height))
    x, y = random.uniform(0.2, 0.6, 2) * size
    tall = random.uniform(0.06, 0.12) * height
    colour = tuple(int(part) for part in random.integers(0, 255, 3))
    pictures = []
    for frame in range(frames):
        picture = wide.crop((frame * shift, 0, frame * shift + width, height))
        left = x + frame * _STRIDE * width
        ImageDraw.Draw(picture).ellipse((left, y, left + tall / 2, y + tall), fill=colour)
        pictures.append(_noisy(picture, np.random.default_rng((SEED, number, frame))))
    return pictures


def _scene(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    picture = _texture(random).resize(size, Image.Resampling.BICUBIC)
    _draw_edges(picture, random)
    return picture


def _noisy(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    noise = _noise(picture.size, float(random.choice(_NOISE_DEVIATIONS)))
    x, y = random.integers((0, 0), picture.size).tolist()
    # Halfway is no noise: the offset takes it away again.
    return ImageChops.add(picture, ImageChops.offset(noise, x, y), offset=-128)


def _texture(random: np.random.Generator) -> Image.Image:
    """Random fields of growing detail, each weaker than the one before, as in nature."""
    width, height = 4 * _OCTAVES[-1], 3 * _OCTAVES[-1]
    tint, softness = random.uniform(0.4, 1.0, 3), float(random.uniform(0.45, 0.75))
    field = np.zeros((height, width), np.float32)
    for power, cells in enumerate(_OCTAVES):
        grid = random.normal(0, 1, (3 * cells // 4, cells)).astype(np.float32)
        wide = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        field += np.asarray(wide) * np.float32(softness**power)
    low, high = np.percentile(field[::8, ::8], (1, 99))
    grey = np.clip((field - low) * (235 / (high - low)) + 10, 0, 255)
    coloured = np.stack([grey * part + 40 * (1 - part) for part in tint], axis=-1)
    return Image.fromarray(coloured.astype(np.uint8))


def _draw_edges(picture: Image.Image, random: np.random.Generator) -> None:
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    for _ in range(int(random.integers(4, 10))):
        x, y = random.uniform(0, 1, 2) * picture.size
        reach = random.uniform(0.03, 0.16) * height
        colour = tuple(int(part) for part in random.integers(0, 255, 3))
        corners = random.uniform(-1, 1, (int(random.integers(3, 7)), 2)) * reach + (x, y)
        draw.polygon([tuple(corner) for corner in corners.tolist()], fill=colour)
    level = float(random.uniform(0.6, 0.95)) * height
    draw.line((0, level, width, level * 0.97), fill=(30, 30, 30), width=max(1, height // 200))


@lru_cache(maxsize=len(_NOISE_DEVIATIONS))
def _noise(size: tuple[int, int], deviation: float) -> Image.Image:
    """Sensor noise around 128, made once a process: it is shifted for each picture."""
    random = np.random.default_rng((SEED, int(deviation)))
    noise = random.normal(128, deviation, (size[1], size[0], 3))
    return Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
