"""Reads miniatures: the small pictures that the second look compares, and their search keys.

Layout: `model/miniature.py`. A key is the signs of 8x8 cosine coefficients, so turning a picture
inverts and moves bits of its key and nothing else: the distance from a turned A to B is exactly
the distance from A to B turned back.
"""

import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from twinlens.model.miniature import CHROMA_SIDE, KEYS, KEYS_BYTES, PIXELS, SIDE

Floats = npt.NDArray[np.floating[Any]]

TURNS: Final = 8
"""The orientations, as the bits of a number: 1 mirrored left to right, 2 top to bottom, 4 then
transposed; 0 is upright."""

_LOW = 8
_TRANSPOSED = 4
"""The turns from this one on are transposed after they are mirrored."""


@dataclass(frozen=True, eq=False)
class Miniature:
    """One small picture, and its keys as unsigned numbers, of the whole first.

    `pixels` are what their neighbours did not foretell of them; most miniatures are asked for
    nothing but their keys, so the levels are made at first need.
    """

    pixels: bytes
    keys: tuple[int, ...]

    @classmethod
    def read(cls, data: bytes | None) -> "Miniature | None":
        """Unpack; None for no miniature and for one of another layout."""
        pixels = None if data is None else _inflated(data[KEYS_BYTES:])
        if data is None or pixels is None:
            return None
        return cls(pixels, tuple(np.frombuffer(data, dtype=">u8", count=KEYS).tolist()))

    @cached_property
    def luminance(self) -> Floats:
        """(32, 32) levels of 0 to 255."""
        values = np.frombuffer(self.pixels, dtype=np.uint8, count=SIDE * SIDE)
        return _foretold(values.reshape(SIDE, SIDE))

    @cached_property
    def chroma(self) -> Floats:
        """(2, 6, 6) levels of 0 to 255."""
        values = np.frombuffer(self.pixels, dtype=np.uint8, offset=SIDE * SIDE)
        return _foretold(values.reshape(2, CHROMA_SIDE, CHROMA_SIDE))


def _inflated(data: bytes) -> bytes | None:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        pixels = unpacker.decompress(data, PIXELS + 1)
    except zlib.error:
        return None
    is_whole = unpacker.eof and not unpacker.unused_data and len(pixels) == PIXELS
    return pixels if is_whole else None


def _foretold(leftovers: npt.NDArray[np.uint8]) -> Floats:
    """Levels (..., n, n) from what their neighbours did not foretell of them."""
    along = np.cumsum(leftovers, axis=-1, dtype=np.uint8)
    return np.cumsum(along, axis=-2, dtype=np.uint8).astype(np.float32)


def turned(cells: Floats, turn: int) -> Floats:
    """Cells (..., n, n) in another orientation."""
    if turn & 1:
        cells = cells[..., :, ::-1]
    if turn & 2:
        cells = cells[..., ::-1, :]
    return np.swapaxes(cells, -1, -2) if turn & 4 else cells


def turned_keys(key: int) -> tuple[int, ...]:
    """The key of the picture in each of the eight orientations, upright first."""
    bits = np.unpackbits(np.frombuffer(key.to_bytes(8, "big"), dtype=np.uint8)).reshape(_LOW, _LOW)
    cells = bits ^ _signs()
    cells[_TRANSPOSED:] = cells[_TRANSPOSED:].swapaxes(1, 2).copy()
    packed = np.packbits(cells.reshape(TURNS, _LOW * _LOW), axis=1)
    return tuple(packed.view(">u8").ravel().tolist())


@cache
def _signs() -> npt.NDArray[np.uint8]:
    """(8, 8, 8): the bits that each turn inverts; mirroring changes the sign of the odd cosines
    along that axis."""
    odd = (np.arange(_LOW) % 2).astype(np.uint8)
    across, down = np.tile(odd, (_LOW, 1)), np.tile(odd[:, None], (1, _LOW))
    return np.stack(
        [across * bool(turn & 1) ^ down * bool(turn & 2) for turn in range(TURNS)], dtype=np.uint8
    )
