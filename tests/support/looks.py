"""Pictures as the rules for duplicates know them, made from drawn scenes."""

from typing import Any

import numpy as np
from PIL import Image

from twinlens.analysis.miniature import miniature
from twinlens.grouping.miniatures import Miniature
from twinlens.grouping.verdicts import Picture
from twinlens.model.picture import Kind

TAKEN = "2022-03-31T11:31:56.18"


def scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """Soft coloured patches: each seed a clearly different picture."""
    draw = np.random.default_rng(seed)
    little = draw.integers(20, 236, (9, 12, 3)).astype(np.uint8)
    return Image.fromarray(little).resize(size, Image.Resampling.BICUBIC)


def miniature_of(picture: Image.Image) -> Miniature:
    """Its miniature, as the analysis would make it."""
    small = picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    found = Miniature.read(miniature(small, picture.convert("YCbCr")))
    assert found is not None
    return found


def seen(letter: str, picture: Image.Image, **facts: Any) -> Picture:
    """A JPEG of this picture; its digest is the letter."""
    known: dict[str, Any] = {
        "kind": Kind.IMAGE,
        "orientation": 1,
        "size": 100_000,
        "captured_at": TAKEN,
        "has_subseconds": True,
        "make": "Canon",
        "model": "EOS R5",
        "width": picture.width,
        "height": picture.height,
        "miniature": miniature_of(picture),
    }
    return Picture(original_id=ord(letter), sha256=letter * 64, **(known | facts))
