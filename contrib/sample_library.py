"""Makes a small library of photo-like pictures, to try twinlens on: `sample_library.py FOLDER`.

The same pictures every time: scenes drawn from a seed, with EXIF, and among them what a grown
library has: exact copies, re-encoded and resized ones, a RAW beside its JPEG, a burst, a sidecar, a
PNG, and two files that are broken. A folder that was finished is left as it is.
"""

import math
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, TiffImagePlugin

SIZE = (960, 640)
SCENES = 22
START = datetime(2024, 6, 1, 9, 30)  # noqa: DTZ001  # cameras write local time without a zone
CAMERAS = (("Canon", "Canon EOS R6"), ("FUJIFILM", "X-T4"), ("Google", "Pixel 8"))
DONE = ".finished"


@dataclass(frozen=True, slots=True)
class Shot:
    """What a camera writes beside the picture."""

    taken: datetime
    make: str
    model: str
    subseconds: str | None = None
    place: tuple[float, float] | None = None

    def exif(self) -> Image.Exif:
        """The shot as EXIF, the way cameras write it."""
        exif = Image.Exif()
        exif[0x010F], exif[0x0110], exif[0x0112] = self.make, self.model, 1
        details = exif.get_ifd(0x8769)
        details[0x9003] = details[0x9004] = self.taken.strftime("%Y:%m:%d %H:%M:%S")
        if self.subseconds:
            details[0x9291] = self.subseconds
        if self.place:
            position = exif.get_ifd(0x8825)
            latitude, longitude = self.place
            position[1], position[2] = "NS"[latitude < 0], _degrees(latitude)
            position[3], position[4] = "EW"[longitude < 0], _degrees(longitude)
        return exif


def _degrees(value: float) -> tuple[float, float, float]:
    whole = math.floor(abs(value))
    minutes = (abs(value) - whole) * 60
    return (float(whole), float(math.floor(minutes)), round((minutes % 1) * 60, 2))


def scene(seed: int) -> Image.Image:
    """A landscape of sky, hills, a sun and some trees; each seed a clearly different one."""
    random = np.random.default_rng(seed)
    width, height = SIZE
    top, bottom = random.integers(60, 255, 3), random.integers(60, 255, 3)
    slope = np.linspace(0, 1, height)[:, None, None]
    sky = np.broadcast_to(top * (1 - slope) + bottom * slope, (height, width, 3))
    picture = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    x, y, radius = random.integers((80, 40, 25), (width - 80, 260, 90)).tolist()
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 244, 190))
    for layer in range(3):
        colour = tuple(int(part) for part in random.integers(20, 190, 3))
        waves = random.uniform(0.5, 4, 3)
        phases = random.uniform(0, 2 * math.pi, 3)
        line = np.linspace(0, 2 * math.pi, width)
        heights = sum(
            np.sin(line * wave + phase) for wave, phase in zip(waves, phases, strict=True)
        )
        edge = height * (0.45 + 0.16 * layer) + heights * 34
        points = [(column, float(edge[column])) for column in range(0, width, 4)]
        draw.polygon([*points, (width, height), (0, height)], fill=colour)
    for _ in range(int(random.integers(4, 14))):
        x, y, size = random.integers((0, 340, 20), (width, 620, 90)).tolist()
        shade = tuple(int(part) for part in random.integers(0, 120, 3))
        draw.polygon([(x, y - size * 2), (x - size, y), (x + size, y)], fill=shade)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(1)), dtype=np.int16)
    grain = random.normal(0, 5, (height, width, 1)).astype(np.int16)
    return Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))


def save(picture: Image.Image, path: Path, shot: Shot | None = None, quality: int = 92) -> Path:
    """Write a JPEG as a camera would, or without EXIF as messengers do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = shot.exif() if shot else Image.Exif()
    picture.save(path, "JPEG", quality=quality, exif=exif)
    return path


def save_dng(picture: Image.Image, path: Path, shot: Shot) -> None:
    """Write a tiny DNG: a linear RAW of half the size, with the tags that make a TIFF a DNG."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[271], tags[272], tags[274] = shot.make, shot.model, 1
    tags[306] = tags[36867] = shot.taken.strftime("%Y:%m:%d %H:%M:%S")
    tags.tagtype[50706] = tags.tagtype[50707] = 1
    tags[50706], tags[50707] = b"\x01\x04\x00\x00", b"\x01\x01\x00\x00"
    tags[50708] = shot.model
    smaller = picture.resize((SIZE[0] // 2, SIZE[1] // 2))
    smaller.save(path, "TIFF", tiffinfo=tags)


def _camera_roll(folder: Path) -> list[Path]:
    """The scenes, one or two a day, as three cameras took them."""
    paths = []
    for number in range(SCENES):
        make, model = CAMERAS[number % len(CAMERAS)]
        place = (48.1 + number / 50, 11.5 - number / 40) if number % 3 == 2 else None
        taken = START + timedelta(days=number // 2, minutes=37 * number)
        shot = Shot(taken, make, model, place=place)
        path = folder / taken.strftime("%Y/%m") / f"IMG_{4100 + number}.JPG"
        paths.append(save(scene(number), path, shot))
    return paths


def _raw_pairs(folder: Path) -> None:
    for number in (1, 2):
        shot = Shot(START + timedelta(days=20, minutes=number), *CAMERAS[0])
        picture = scene(100 + number)
        path = save(picture, folder / "2024/06-hike" / f"_MG_{2200 + number}.JPG", shot)
        save_dng(picture, path.with_suffix(".DNG"), shot)
    path.with_suffix(".xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/></rdf:RDF></x:xmpmeta>\n',
        encoding="utf-8",
    )


def _burst(folder: Path) -> None:
    whole = scene(200).resize((SIZE[0] + 24, SIZE[1] + 16))
    for number in range(4):
        frame = whole.crop((number * 8, number * 5, number * 8 + SIZE[0], number * 5 + SIZE[1]))
        shot = Shot(START + timedelta(days=9), *CAMERAS[1], subseconds=f"{number * 24:02d}")
        save(frame, folder / "2024/06-party" / f"DSCF{7000 + number}.JPG", shot)


def _copies(folder: Path, roll: list[Path]) -> None:
    """What people make of their pictures: backups, messages, prints, screenshots."""
    backup = folder / "Backup old phone"
    backup.mkdir()
    for path in roll[:5]:
        shutil.copy2(path, backup / path.name)
    for number, path in enumerate(roll[5:9]):
        with Image.open(path) as picture:
            small = picture.resize((SIZE[0] // 2, SIZE[1] // 2), Image.Resampling.LANCZOS)
        save(small, folder / "WhatsApp" / f"IMG-20240615-WA{number:04d}.jpg", quality=70)
    with Image.open(roll[9]) as picture:
        save(picture.convert("RGB"), folder / "Prints" / "calendar-june.jpg", quality=60)
        picture.crop((0, 0, 640, 640)).save(folder / "Prints" / "square.png")


def _broken(folder: Path, roll: list[Path]) -> None:
    place = folder / "Recovered"
    place.mkdir()
    whole = roll[10].read_bytes()
    (place / "cut-short.jpg").write_bytes(whole[: len(whole) // 3])
    (place / "not-a-picture.jpg").write_text("<html>404 Not Found</html>\n", encoding="utf-8")


def make_library(folder: Path) -> int:
    """Fill a folder; the number of files made. A half-made one is begun anew."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    roll = _camera_roll(folder)
    _raw_pairs(folder)
    _burst(folder)
    _copies(folder, roll)
    _broken(folder, roll)
    return sum(1 for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str]) -> int:
    """The command: one folder, which must be new, empty, or made by this program."""
    if len(arguments) != 1:
        print(f"usage: {Path(__file__).name} FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    # Beside the folder, not in it: nothing but pictures belongs in a library.
    mark = folder.with_name(folder.name + DONE)
    begun = folder.with_name(folder.name + ".begun")
    if mark.exists() and folder.is_dir():
        return 0
    if folder.exists() and any(folder.iterdir()) and not begun.exists():
        print(f"error: {folder} is not empty and was not made by this program", file=sys.stderr)
        return 2
    folder.parent.mkdir(parents=True, exist_ok=True)
    begun.touch()
    made = make_library(folder)
    mark.touch()
    begun.unlink()
    print(f"made {made} sample files in {folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
