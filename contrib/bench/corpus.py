"""Makes the pictures that the benchmark measures with: the same ones every time, from a seed.

They are no photographs but cost what photographs cost: their detail falls off as in nature, they
have edges, and sensor noise brings a JPEG of 12 megapixels to 3 to 5 MB. Every picture differs from
every other in bytes and in looks, but for the copies and re-encodings that a corpus asks for.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from options import Options
from PIL import Image, ImageChops, ImageDraw
from progress import say, show_count

SEED = 20_240_601
VERSION = 1
"""Raised when the pictures change: corpora of another version are made anew."""

START = datetime(2019, 3, 1, 8, 0)  # noqa: DTZ001  # cameras write local time without a zone
A_FOLDER = 500
_QUALITY = 90
_NOISE_DEVIATIONS = (6.0, 8.0, 9.0, 10.0, 12.0)
"""In grey levels: a camera's noise grows with its sensitivity."""
_OCTAVES = (4, 8, 16, 32, 64, 128)
_TAKEN_TOGETHER = 16
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Corpus:
    """What to make; among the pictures are copies and re-encodings by their shares, 0 to 1."""

    name: str
    pictures: int
    size: tuple[int, int]
    copied: float = 0.0
    re_encoded: float = 0.0

    @property
    def label(self) -> str:
        """The name of its folder: everything that tells it from another corpus."""
        return f"{self.name}-{self.pictures}-{self.size[0]}x{self.size[1]}-v{VERSION}"

    @property
    def copies(self) -> int:
        """How many pictures are copies of another."""
        return round(self.pictures * self.copied)

    @property
    def re_encodings(self) -> int:
        """How many pictures are another one, smaller and in a worse quality."""
        return round(self.pictures * self.re_encoded)

    @property
    def scenes(self) -> int:
        """How many pictures are painted; the rest are made from them."""
        return self.pictures - self.copies - self.re_encodings


def prepared(usual: Corpus, options: Options) -> tuple[Corpus, Path]:
    """The corpus in the shape that is asked for and its root, all of it in the page cache."""
    corpus = replace(
        usual, pictures=options.pictures or usual.pictures, size=options.size or usual.size
    )
    say(f"{corpus.label}: making the pictures, unless they are there")
    root = make(corpus, options.folder, os.cpu_count() or 1, show_count)
    say(f"{corpus.label}: reading them once, so that the disk plays no part")
    for folder, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as stream:
                while stream.read(_READ_AT_ONCE):
                    pass
    return corpus, root


LARGE = Corpus("large", 500, (4000, 3000), copied=0.06, re_encoded=0.06)
MANY = Corpus("many", 20_000, (640, 480))


def make(corpus: Corpus, folder: Path, processes: int, on_progress: Callable[[int], None]) -> Path:
    """The corpus as a camera tree below `folder`, made unless it is there; returns its root."""
    place = folder / corpus.label
    root = place / "photos"
    if (place / "finished").exists():
        return root
    shutil.rmtree(place, ignore_errors=True)
    root.mkdir(parents=True)
    parts = [
        (corpus, root, range(start, min(start + _TAKEN_TOGETHER, corpus.scenes)))
        for start in range(0, corpus.scenes, _TAKEN_TOGETHER)
    ]
    done = 0
    with ProcessPoolExecutor(processes) as pool:
        for count in pool.map(_make_part, *zip(*parts, strict=True)):
            done += count
            on_progress(done)
    (place / "finished").touch()
    return root


def _make_part(corpus: Corpus, root: Path, numbers: range) -> int:
    """Some of the scenes, each with the copy or re-encoding that is made from it."""
    made = 0
    for number in numbers:
        picture = paint(number, corpus.size)
        taken = START + timedelta(minutes=97 * number)
        path = _camera_path(root, number)
        _save(picture, path, taken, _QUALITY)
        made += 1
        if number < corpus.copies:
            copy = root / "Backup" / f"{number:05d} {path.name}"
            copy.parent.mkdir(exist_ok=True)
            shutil.copy2(path, copy)
            made += 1
        elif number < corpus.copies + corpus.re_encodings:
            _save(picture.reduce(2), root / "Shared" / f"{path.stem}-small.jpg", taken, 75)
            made += 1
    return made


def _camera_path(root: Path, number: int) -> Path:
    """As a Canon counts: folders from 100 on, names that begin anew after 9999."""
    return root / "DCIM" / f"{100 + number // A_FOLDER}CANON" / f"IMG_{number % 9999 + 1:04d}.JPG"


def _save(picture: Image.Image, path: Path, taken: datetime, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "Canon EOS R6", 1
    details = exif.get_ifd(0x8769)
    details[0x9003] = details[0x9004] = taken.strftime("%Y:%m:%d %H:%M:%S")
    picture.save(path, "JPEG", quality=quality, exif=exif)
    seconds = taken.timestamp()
    os.utime(path, (seconds, seconds))


def paint(number: int, size: tuple[int, int]) -> Image.Image:
    """One picture; each number a clearly different one."""
    random = np.random.default_rng((SEED, number))
    picture = _texture(random).resize(size, Image.Resampling.BICUBIC)
    _draw_edges(picture, random)
    noise = _noise(size, float(random.choice(_NOISE_DEVIATIONS)))
    x, y = random.integers((0, 0), size).tolist()
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
