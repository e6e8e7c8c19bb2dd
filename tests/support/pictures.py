"""Small pictures made on the spot: each seed another one, none like another."""

import random
from io import BytesIO
from pathlib import Path

from PIL import Image


def picture(seed: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG of coarse noise: its fingerprint is far from that of any other seed."""
    grains = random.Random(seed).randbytes(8 * 6 * 3)
    image = Image.frombytes("RGB", (8, 6), grains).resize(size, Image.Resampling.BICUBIC)
    stream = BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def put_picture(path: Path, seed: int) -> Path:
    """Write such a picture, with the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(seed))
    return path
