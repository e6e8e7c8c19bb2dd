"""Makes what the benchmark scans: the same files every time, as a camera tree, with their truth.

Every picture differs from every other in bytes and in looks, but for the copies, re-encodings,
bursts and DNGs that a corpus asks for.
"""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from PIL import Image

from negative import negative_of
from options import Options
from painting import paint, paint_burst
from progress import say, show_count
from truth import Truth, write_truth

START = datetime(2019, 3, 1, 8, 0)  # noqa: DTZ001  # cameras write local time without a zone
A_FOLDER = 500
_QUALITY = 90
_TAKEN_TOGETHER = 16
_READ_AT_ONCE = 1 << 20


class Extra(Enum):
    """What is made beside a picture."""

    NONE = "none"
    COPY = "copy"
    RE_ENCODING = "re-encoding"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Corpus:
    """What to make. The shares, 0 to 1, are of all files: copies of another, other ones smaller and
    in a worse quality, DNGs beside their JPEG, and frames that stand in a burst.

    `version` is raised when the files change: those of another version are made anew.
    """

    name: str
    pictures: int
    size: tuple[int, int]
    version: int
    copied: float = 0.0
    re_encoded: float = 0.0
    negatives: float = 0.0
    in_bursts: float = 0.0

    @property
    def label(self) -> str:
        """The name of its folder: everything that tells it from another corpus."""
        return f"{self.name}-{self.pictures}-{self.size[0]}x{self.size[1]}-v{self.version}"


@dataclass(frozen=True, slots=True)
class Shot:
    """One press of the button: its first number, its frames, and what is made beside it."""

    number: int
    frames: int
    extra: Extra

    @property
    def taken(self) -> datetime:
        """When the first frame was taken; the others follow by the second."""
        return START + timedelta(minutes=97 * self.number)

    def path(self, frame: int = 0) -> Path:
        """As a Canon counts: folders from 100 on, names that begin anew after 9999."""
        number = self.number + frame
        folder = f"{100 + number // A_FOLDER}CANON"
        return Path("DCIM") / folder / f"IMG_{number % 9999 + 1:04d}.JPG"

    @property
    def extra_path(self) -> Path:
        """Where what is made beside it lies."""
        first = self.path()
        return {
            Extra.NONE: first,
            Extra.COPY: Path("Backup") / f"{self.number:05d} {first.name}",
            Extra.RE_ENCODING: Path("Shared") / f"{first.stem}-small.jpg",
            Extra.NEGATIVE: first.with_suffix(".DNG"),
        }[self.extra]


FRAMES = 5
LARGE = Corpus(
    "large", 500, (4000, 3000), 2, copied=0.06, re_encoded=0.06, negatives=0.06, in_bursts=0.08
)
MANY = Corpus("many", 20_000, (640, 480), 2, copied=0.01, re_encoded=0.01)


def shots_of(corpus: Corpus) -> list[Shot]:
    """What is taken, in the order of the camera's count."""
    extras = [
        *[Extra.COPY] * round(corpus.pictures * corpus.copied),
        *[Extra.RE_ENCODING] * round(corpus.pictures * corpus.re_encoded),
        *[Extra.NEGATIVE] * round(corpus.pictures * corpus.negatives),
    ]
    shots = [Shot(number, 1, extra) for number, extra in enumerate(extras)]
    number = len(shots)
    for _ in range(round(corpus.pictures * corpus.in_bursts / FRAMES)):
        shots.append(Shot(number, FRAMES, Extra.NONE))
        number += FRAMES
    single = range(number, corpus.pictures - len(extras))
    return shots + [Shot(number, 1, Extra.NONE) for number in single]


def truth_of(corpus: Corpus) -> Truth:
    """What is the same as what, by construction."""
    truth = Truth([], [], [], [])
    beside = {
        Extra.COPY: truth.exact,
        Extra.RE_ENCODING: truth.re_encoded,
        Extra.NEGATIVE: truth.photographs,
    }
    for shot in shots_of(corpus):
        if shot.extra in beside:
            beside[shot.extra].append([str(shot.path()), str(shot.extra_path)])
        if shot.frames > 1:
            truth.bursts.append([str(shot.path(frame)) for frame in range(shot.frames)])
    return truth


def prepared(usual: Corpus, options: Options) -> tuple[Corpus, Path]:
    """The corpus in the shape that is asked for and its root, all of it in the page cache."""
    corpus = replace(
        usual, pictures=options.pictures or usual.pictures, size=options.size or usual.size
    )
    say(f"{corpus.label}: making the pictures, unless they are there")
    root = make(corpus, options.folder, os.cpu_count() or 1, show_count)
    say(f"{corpus.label}: reading them once, so that the disk plays no part")
    read_all(root)
    return corpus, root


def read_all(root: Path) -> None:
    """Every byte below the folder, once."""
    for folder, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as stream:
                while stream.read(_READ_AT_ONCE):
                    pass


def make(corpus: Corpus, folder: Path, processes: int, on_progress: Callable[[int], None]) -> Path:
    """The corpus below `folder`, made unless it is there, and its truth; returns its root."""
    place = folder / corpus.label
    root = place / "photos"
    if not (place / "finished").exists():
        shutil.rmtree(place, ignore_errors=True)
        root.mkdir(parents=True)
        shots = shots_of(corpus)
        parts = [
            (corpus, root, shots[start : start + _TAKEN_TOGETHER])
            for start in range(0, len(shots), _TAKEN_TOGETHER)
        ]
        done = 0
        with ProcessPoolExecutor(processes) as pool:
            for count in pool.map(_make_part, *zip(*parts, strict=True)):
                done += count
                on_progress(done)
        (place / "finished").touch()
    write_truth(place / "truth.json", truth_of(corpus))
    return root


def _make_part(corpus: Corpus, root: Path, shots: list[Shot]) -> int:
    made = 0
    for shot in shots:
        pictures = list(_pictures(shot, corpus.size))
        for frame, picture in enumerate(pictures):
            _save(picture, root / shot.path(frame), shot.taken + timedelta(seconds=frame))
        _make_extra(shot, pictures[0], root)
        made += len(pictures) + (shot.extra is not Extra.NONE)
    return made


def _pictures(shot: Shot, size: tuple[int, int]) -> Iterator[Image.Image]:
    if shot.frames == 1:
        yield paint(shot.number, size)
    else:
        yield from paint_burst(shot.number, size, shot.frames)


def _make_extra(shot: Shot, picture: Image.Image, root: Path) -> None:
    path = root / shot.extra_path
    path.parent.mkdir(exist_ok=True)
    if shot.extra is Extra.COPY:
        shutil.copy2(root / shot.path(), path)
    elif shot.extra is Extra.RE_ENCODING:
        _save(picture.reduce(2), path, shot.taken, quality=75)
    elif shot.extra is Extra.NEGATIVE:
        # As in a real one, the preview is smaller than the camera's own JPEG.
        small, preview = picture.reduce(2), io.BytesIO()
        small.save(preview, "JPEG", quality=80)
        path.write_bytes(negative_of(preview.getvalue(), small.size, shot.taken, shot.number))
        _set_time(path, shot.taken)


def camera_jpeg(picture: Image.Image, taken: datetime, quality: int = _QUALITY) -> bytes:
    """What a camera writes: with its name and the capture time, without maker notes."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "Canon EOS R6", 1
    details = exif.get_ifd(0x8769)
    details[0x9003] = details[0x9004] = taken.strftime("%Y:%m:%d %H:%M:%S")
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


def _save(picture: Image.Image, path: Path, taken: datetime, quality: int = _QUALITY) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(camera_jpeg(picture, taken, quality))
    _set_time(path, taken)


def _set_time(path: Path, taken: datetime) -> None:
    os.utime(path, (taken.timestamp(), taken.timestamp()))
