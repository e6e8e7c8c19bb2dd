"""Perceptual hashes of one picture, and whether they mean anything.

All four hashes come from one thumbnail, the pHash, aHash and wHash by way of one picture of 32x32
pixels. They are imagehash's own, bit for bit, of that small picture; a thumbnail of at least 240
pixels each way and its reduction in two steps leave the pHash within 2 bits of the full picture's,
and mostly equal to it.

A hash of a picture that shows next to nothing is noise: flat, black, blown out, half dark, a page
of text and a screenshot of a list all collide with others of their kind at distances near 0. Four
tests find them (limits calibrated on real lens caps, skies, scans and screenshots, on rendered
chats, letters, code and charts, and on real photographs in fog, snow and by night):

- *flat*: the deviation of the 32x32 picture is under 5 grey levels;
- *no detail*: the median of the 63 coefficients that the pHash compares is under 2 grey levels,
  so rounding decides the bits (gradients, two plain halves);
- *one tone*, *two tones*: 90 % of the pixels lie within 8 grey levels of the commonest value, or
  96 % of the two commonest (pages, lists, line art, a small light in the dark);
- *drawn*: half of all neighbouring pixels are within 1 grey level, 85 % of these equal, and of the
  others 20 % at least 48 levels apart: plain areas with hard edges, which a lens does not make.
  Chats and letters reach 0.22 to 0.6 in the last figure; photographs with as much plain area stay
  under 0.17, with their contrast doubled mostly under 0.2, and noise leaves few neighbours equal.
"""

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from twinlens.analysis.miniature import miniature
from twinlens.model.picture import Fingerprint

_SIDE = 32
_HASH_SIDE = 8
_GAP = 4.0
"""Before it is resampled, a picture is reduced by a whole factor that leaves it four times larger
than it will be: the same to the eye (Pillow says so from 3 on), at a fifth of the cost."""
_LEAST_ROWS = 48
_TONE_WIDTH = 8
_FLAT_DEVIATION = 5.0
_LEAST_DETAIL = 2.0
_ONE_TONE_SHARE = 0.90
_TWO_TONES_SHARE = 0.96
_NEIGHBOUR_STEP = 3
"""Every third row and the one below it are looked at: a row of text is higher than that."""
_HARD_EDGE = 48
_LEAST_PLAIN = 0.5
_LEAST_EQUAL = 0.85
_LEAST_HARD = 0.2


def fingerprint(thumbnail: Image.Image, chroma: Image.Image | None = None) -> Fingerprint:
    """Hash an upright grey (mode L) thumbnail; about 2 ms at 640x480.

    `chroma` is a small YCbCr picture of the same, upright; without it the picture counts as grey.
    The aHash and the wHash are taken from the 32x32 picture that the pHash needs anyway; the dHash,
    which looks at single rows, from the thumbnail after a reduction by a whole factor that leaves
    it at least 48 rows: within 2 bits of the thumbnail's own, at a quarter of the cost.
    """
    small = thumbnail.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=_GAP)
    reason = _why_degenerate(thumbnail, small)
    return Fingerprint(
        phash=_packed(imagehash.phash(small)),
        dhash=_packed(imagehash.dhash(_reduced(thumbnail))),
        ahash=_packed(imagehash.average_hash(small)),
        whash=_packed(imagehash.ImageHash(_wavelet_bits(small))),
        is_degenerate=reason is not None,
        reason=reason,
        miniature=miniature(small, chroma),
    )


def _wavelet_bits(small: Image.Image) -> npt.NDArray[np.bool_]:
    """imagehash's wavelet hash (Haar), without the wavelets: five times faster.

    The low band of a Haar transform is the sums of blocks, and it takes away the mean first, which
    comparing with the median undoes.
    """
    block = _SIDE // _HASH_SIDE
    blocks = np.asarray(small, dtype=np.int64).reshape(_HASH_SIDE, block, _HASH_SIDE, block)
    low = blocks.sum(axis=(1, 3))
    return np.asarray(low > np.median(low))


def _reduced(thumbnail: Image.Image) -> Image.Image:
    factor = min(thumbnail.size) // _LEAST_ROWS
    return thumbnail.reduce(factor) if factor >= 2 else thumbnail


def _packed(found: imagehash.ImageHash) -> int:
    """imagehash's `int(str(hash), 16)`, without the detour: first cell is the highest bit."""
    return int.from_bytes(np.packbits(found.hash.flatten()).tobytes(), "big")


def _why_degenerate(thumbnail: Image.Image, small: Image.Image) -> str | None:
    pixels = np.asarray(small, dtype=np.float64)
    if pixels.std() < _FLAT_DEVIATION:
        return _shade(float(pixels.mean()))
    if _median_detail(pixels) < _LEAST_DETAIL:
        return "no detail"
    one, two = _tone_shares(np.array(thumbnail.histogram(), dtype=np.float64))
    if one >= _ONE_TONE_SHARE:
        return "one tone"
    if two >= _TWO_TONES_SHARE:
        return "two tones"
    return "drawn" if _is_drawn(np.asarray(thumbnail)) else None


def _is_drawn(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether neighbours are either equal or far apart: text, diagrams, screens."""
    rows = pixels[:-1:_NEIGHBOUR_STEP]
    pairs = ((rows[:, :-1], rows[:, 1:]), (rows, pixels[1::_NEIGHBOUR_STEP][: len(rows)]))
    # On bytes, without the detour by wider numbers: 0.1 ms at 640x480.
    apart = [np.maximum(one, other) - np.minimum(one, other) for one, other in pairs]
    count = sum(part.size for part in apart)
    equal = count - sum(map(np.count_nonzero, apart))
    plain = sum(np.count_nonzero(part <= 1) for part in apart)
    hard = sum(np.count_nonzero(part >= _HARD_EDGE) for part in apart)
    is_plain = plain >= _LEAST_PLAIN * count and equal >= _LEAST_EQUAL * plain
    return bool(is_plain and hard >= _LEAST_HARD * (count - plain))


def _shade(mean: float) -> str:
    if mean < 24:
        return "black"
    return "white" if mean > 231 else "flat"


def _median_detail(pixels: npt.NDArray[np.float64]) -> float:
    """The median size of the low DCT coefficients without the first, in grey levels."""
    coefficients = np.abs(_COSINES @ pixels @ _COSINES.T).flatten()[1:]
    return float(np.median(coefficients))


def _cosines() -> npt.NDArray[np.float64]:
    cells = np.arange(_SIDE)
    basis = np.cos(np.pi / _SIDE * np.outer(np.arange(_HASH_SIDE), cells + 0.5))
    basis *= np.sqrt(2 / _SIDE)
    basis[0] /= np.sqrt(2)
    return basis


_COSINES = _cosines()


def _tone_shares(histogram: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The share of pixels near the commonest grey, and near the two commonest together."""
    shares = histogram / histogram.sum()
    window = np.ones(2 * _TONE_WIDTH + 1)
    near = np.convolve(shares, window, "same")
    first = int(near.argmax())
    rest = shares.copy()
    rest[max(0, first - _TONE_WIDTH) : first + _TONE_WIDTH + 1] = 0
    one = float(near[first])
    return one, one + float(np.convolve(rest, window, "same").max())
