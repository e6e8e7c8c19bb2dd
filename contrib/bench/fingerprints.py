"""Small pictures by the million, and the fingerprints that they give.

A picture is a random field whose detail falls off as in nature, 32x32 pixels, as the second look
compares them. A lookalike is the same field with a little noise: a re-encoding. What is stored of
them is the product's own: `twinlens.analysis.miniature`.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from twinlens.analysis.miniature import miniature
from twinlens.model.miniature import SIDE
from twinlens.model.picture import Fingerprint

_DETAIL = 16
"""Waves along a side: what is finer does not reach a picture this small."""
_FALL_OFF = 1.3
_CONTRAST = 44.0
_RE_ENCODED = 1.5
"""In grey levels: what JPEG does to a picture that has been made smaller."""
_LOW = 8
_EVEN_BYTES = np.uint64(0x0F0F0F0F0F0F0F0F)

Pixels = npt.NDArray[np.uint8]
Waves = npt.NDArray[np.float32]


def fields(random: np.random.Generator, count: int) -> tuple[Pixels, Waves]:
    """`count` pictures (count, 32, 32), and the waves that they are made of (count, 16, 16)."""
    waves = random.standard_normal((count, _DETAIL, _DETAIL), dtype=np.float32) * _weights()
    waves[:, 0, 0] = 0
    basis = _basis()
    pictures = basis.T @ waves @ basis
    pictures *= _CONTRAST / pictures.std(axis=(1, 2), keepdims=True)
    return _as_bytes(pictures + 124), waves


def re_encoded(random: np.random.Generator, pictures: Pixels) -> Pixels:
    """The same pictures with a little noise."""
    noise = random.standard_normal(pictures.shape, dtype=np.float32) * _RE_ENCODED
    return _as_bytes(pictures + noise)


def fingerprints(pictures: Pixels, waves: Waves) -> Iterator[Fingerprint]:
    """The fingerprint of each picture; of the hashes the pHash alone is a real one."""
    low = waves[:, :_LOW, :_LOW].reshape(len(waves), -1)
    bits = np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
    for picture, phash in zip(pictures, bits.view(">u8")[:, 0].tolist(), strict=True):
        other = phash ^ int(_EVEN_BYTES)
        yield Fingerprint(
            phash=phash,
            dhash=phash * 0x9E3779B97F4A7C15 % (1 << 64),
            ahash=other,
            whash=other ^ 1,
            miniature=miniature(Image.fromarray(picture), None),
        )


def _as_bytes(levels: npt.NDArray[np.float32]) -> Pixels:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _weights() -> npt.NDArray[np.float32]:
    across = np.arange(_DETAIL)
    return ((1.0 + np.hypot(across[:, None], across)) ** -_FALL_OFF).astype(np.float32)


def _basis() -> npt.NDArray[np.float32]:
    places = (np.arange(SIDE) + 0.5) / SIDE
    return np.cos(np.pi * np.arange(_DETAIL)[:, None] * places).astype(np.float32)
