"""The miniature: what the second look compares, and the keys by which its candidates are found.

Luminance is the very picture of 32x32 pixels that the pHash is taken from. A *key* is the signs of
the lowest 8x8 coefficients of its cosine transform, 64 bits. It is the pHash with zero in place of
the median: so a mirrored picture's key is the key with certain bits inverted, a turned one's has
them moved as well, and the distance of two keys is the same from either side, which a median that
moves with the signs cannot promise.
"""

import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

from twinlens.model.miniature import CHROMA_SIDE, CROPS, SIDE

_LOW = 8
_Floats = npt.NDArray[np.float64]
_Levels = npt.NDArray[np.uint8]


def miniature(small: Image.Image, chroma: Image.Image | None) -> bytes:
    """Pack a 32x32 L picture and a small YCbCr one of the same, upright; about 0.1 ms.

    Without `chroma` the picture counts as grey. Layout: model/miniature.py.
    """
    if small.size != (SIDE, SIDE) or small.mode != "L":
        raise ValueError(f"not {SIDE}x{SIDE} grey pixels: {small.size} {small.mode}")
    luminance = np.asarray(small)
    if chroma is None:
        colours = np.full((2, CHROMA_SIDE, CHROMA_SIDE), 128, dtype=np.uint8)
    else:
        tiny = chroma.resize((CHROMA_SIDE, CHROMA_SIDE), Image.Resampling.BOX)
        colours = np.asarray(tiny).transpose(2, 0, 1)[1:]
    return _keys(luminance) + _deflated(_unforetold(luminance) + _unforetold(colours))


def _unforetold(levels: _Levels) -> bytes:
    """What is left of levels (..., n, n) of the ones above and before them, modulo 256."""
    down = np.diff(levels, axis=-2, prepend=np.zeros_like(levels[..., :1, :]))
    return np.diff(down, axis=-1, prepend=np.zeros_like(down[..., :1])).tobytes()


def _deflated(data: bytes) -> bytes:
    # Such leftovers hardly repeat: looking for repetitions costs time and gains nothing.
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=zlib.Z_HUFFMAN_ONLY)
    return packer.compress(data) + packer.flush()


def _keys(luminance: _Levels) -> bytes:
    blocks = _ROWS @ luminance.astype(np.float64) @ _COLUMNS
    return np.packbits((blocks > 0).reshape(len(blocks), -1), axis=1).tobytes()


def _window_basis(before: float, after: float) -> _Floats:
    """8 x 32: the cosines of a window of the side, as weights of the whole side's pixels."""
    ahead = np.arange(_LOW)[:, None]
    places = (np.arange(SIDE) + 0.5) / SIDE
    basis = np.cos(np.pi * ahead * places)
    inside = (before + places * (1 - before - after)) * SIDE - 0.5
    nearest = np.clip(np.floor(inside).astype(int), 0, SIDE - 2)
    share = np.clip(inside - nearest, 0, 1)
    sampling = np.zeros((SIDE, SIDE))
    sampling[np.arange(SIDE), nearest] = 1 - share
    sampling[np.arange(SIDE), nearest + 1] += share
    return np.asarray(basis @ sampling)


_WINDOWS = ((0.0, 0.0, 0.0, 0.0), *CROPS)
_ROWS = np.stack([_window_basis(top, bottom) for _, top, _, bottom in _WINDOWS])
_COLUMNS = np.stack([_window_basis(left, right).T for left, _, right, _ in _WINDOWS])
