"""Perceptual hashes of one picture, and whether they mean anything.

All four hashes come from one thumbnail, the pHash, aHash and wHash by way of one picture of 32x32
pixels. They are imagehash's own, bit for bit, of that small picture (its pHash and wHash without
the libraries of transforms that it loads for them); a thumbnail of at least 240 pixels each way and
its reduction in two steps leave the pHash within 2 bits of the full picture's, and mostly equal to
it.

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

from typing import Final

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from twinlens.analysis.miniature import miniature
from twinlens.model.picture import Fingerprint

_Floats = npt.NDArray[np.float64]

_SIDE = 32
_HASH_SIDE = 8
_MIDDLE = _HASH_SIDE * _HASH_SIDE // 2
_COSINES: Final = 2 * np.cos(
    np.pi / _SIDE * np.outer(np.arange(_HASH_SIDE), np.arange(_SIDE) + 0.5)
)
"""The rows that the pHash keeps of the cosine transform (DCT-II, not normalised) of 32 numbers."""
_SCALE = np.array([1 / (2 * np.sqrt(_SIDE)), *[1 / np.sqrt(2 * _SIDE)] * (_HASH_SIDE - 1)])
_TO_GREY_LEVELS: Final = np.outer(_SCALE, _SCALE)
"""From those sums to coefficients of the orthonormal transform, which are grey levels."""
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
    pixels = np.asarray(small, dtype=np.float64)
    # Rounded, or in a plain picture the noise of arithmetic would decide the bits.
    cosines = (_COSINES @ pixels @ _COSINES.T).round(6)
    reason = _why_degenerate(thumbnail, pixels, cosines)
    return Fingerprint(
        phash=_packed(_above_median(cosines)),
        dhash=_packed(imagehash.dhash(_reduced(thumbnail)).hash),
        ahash=_packed(imagehash.average_hash(small).hash),
        whash=_packed(_above_median(_haar_low(pixels))),
        is_degenerate=reason is not None,
        reason=reason,
        miniature=miniature(small, chroma),
    )


def _above_median(values: _Floats) -> npt.NDArray[np.bool_]:
    """Which of 8x8 numbers lie above their median: imagehash's rule for its pHash and wHash."""
    ranked = np.sort(values, axis=None)
    return np.asarray(values > (ranked[_MIDDLE - 1] + ranked[_MIDDLE]) / 2)


def _haar_low(pixels: _Floats) -> _Floats:
    """The low band of imagehash's Haar transform but for a factor, without the wavelets.

    It is the sums of blocks; imagehash takes away the mean first, which comparing with the median
    undoes.
    """
    block = _SIDE // _HASH_SIDE
    return np.asarray(pixels.reshape(_HASH_SIDE, block, _HASH_SIDE, block).sum(axis=(1, 3)))


def _reduced(thumbnail: Image.Image) -> Image.Image:
    factor = min(thumbnail.size) // _LEAST_ROWS
    return thumbnail.reduce(factor) if factor >= 2 else thumbnail


def _packed(bits: npt.NDArray[np.bool_]) -> int:
    """imagehash's `int(str(hash), 16)`, without the detour: first cell is the highest bit."""
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _why_degenerate(thumbnail: Image.Image, pixels: _Floats, cosines: _Floats) -> str | None:
    if pixels.std() < _FLAT_DEVIATION:
        return _shade(float(pixels.mean()))
    if _median_detail(cosines) < _LEAST_DETAIL:
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


def _median_detail(cosines: _Floats) -> float:
    """The median size of the low DCT coefficients without the first, in grey levels."""
    sizes = np.abs(cosines * _TO_GREY_LEVELS).flatten()[1:]
    return float(np.partition(sizes, len(sizes) // 2)[len(sizes) // 2])


def _tone_shares(histogram: _Floats) -> tuple[float, float]:
    """The share of pixels near the commonest grey, and near the two commonest together."""
    shares = histogram / histogram.sum()
    window = np.ones(2 * _TONE_WIDTH + 1)
    near = np.convolve(shares, window, "same")
    first = int(near.argmax())
    rest = shares.copy()
    rest[max(0, first - _TONE_WIDTH) : first + _TONE_WIDTH + 1] = 0
    one = float(near[first])
    return one, one + float(np.convolve(rest, window, "same").max())
