"""Perceptual hashes of one picture, and whether they mean anything.

All four hashes come from one thumbnail. The pHash is imagehash's own, bit for bit, of that
thumbnail; with a thumbnail of at least 256 pixels each way it is within 2 of the full picture's.

A hash of a picture that shows next to nothing is noise: flat, black, blown out, half dark, a page
of text and a screenshot of a list all collide with others of their kind at distances near 0. Three
tests find them (limits calibrated on real lens caps, skies, scans and screenshots, and on real
photographs in fog, snow and by night):

- *flat*: the deviation of the 32x32 picture is under 5 grey levels;
- *no detail*: the median of the 63 coefficients that the pHash compares is under 2 grey levels,
  so rounding decides the bits (gradients, two plain halves);
- *one tone*, *two tones*: 90 % of the pixels lie within 8 grey levels of the commonest value, or
  96 % of the two commonest (pages, lists, line art, a small light in the dark).
"""

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from twinlens.analysis.miniature import miniature
from twinlens.model.picture import Fingerprint

_SIDE = 32
_LEAST_ROWS = 48
_TONE_WIDTH = 8
_FLAT_DEVIATION = 5.0
_LEAST_DETAIL = 2.0
_ONE_TONE_SHARE = 0.90
_TWO_TONES_SHARE = 0.96


def fingerprint(thumbnail: Image.Image, chroma: Image.Image | None = None) -> Fingerprint:
    """Hash an upright grey (mode L) thumbnail; about 2 ms at 640x480.

    `chroma` is a small YCbCr picture of the same, upright; without it the picture counts as grey.
    The aHash and the wHash are taken from the 32x32 picture that the pHash needs anyway; the dHash,
    which looks at single rows, from the thumbnail after a reduction by a whole factor that leaves
    it at least 48 rows: within 2 bits of the thumbnail's own, at a quarter of the cost.
    """
    # The wavelet hash first takes away the mean, by a transform there and back; comparing with the
    # median undoes that, so it is left out (four times faster).
    small = thumbnail.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    reason = _why_degenerate(thumbnail, small)
    return Fingerprint(
        phash=_packed(imagehash.phash(small)),
        dhash=_packed(imagehash.dhash(_reduced(thumbnail))),
        ahash=_packed(imagehash.average_hash(small)),
        whash=_packed(imagehash.whash(small, image_scale=_SIDE, remove_max_haar_ll=False)),
        is_degenerate=reason is not None,
        reason=reason,
        miniature=miniature(small, chroma),
    )


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
    return "two tones" if two >= _TWO_TONES_SHARE else None


def _shade(mean: float) -> str:
    if mean < 24:
        return "black"
    return "white" if mean > 231 else "flat"


def _median_detail(pixels: npt.NDArray[np.float64]) -> float:
    """The median size of the low DCT coefficients without the first, in grey levels."""
    cells = np.arange(_SIDE)
    basis = np.cos(np.pi / _SIDE * np.outer(np.arange(8), cells + 0.5)) * np.sqrt(2 / _SIDE)
    basis[0] /= np.sqrt(2)
    coefficients = np.abs(basis @ pixels @ basis.T).flatten()[1:]
    return float(np.median(coefficients))


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
