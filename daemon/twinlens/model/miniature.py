"""The layout of a miniature: the small picture that is stored with every fingerprint.

The keys come first, `KEYS_BYTES` of them; then, deflated (RFC 1951, without a header), the
`PIXELS` bytes of luminance and chroma, each as what is left of it after its neighbours foretold it:
down the columns, then along the rows, modulo 256. That takes a third off and loses nothing.

Made by `analysis/miniature.py`, read by `grouping/miniatures.py`; the rooms do not know each other,
so what both must agree on stands here.
"""

from typing import Final

SIDE: Final = 32
"""The luminance is SIDE x SIDE bytes, row by row, whatever the picture's shape."""

CHROMA_SIDE: Final = 6
"""Of Cb and Cr, which follow, each is CHROMA_SIDE x CHROMA_SIDE bytes; 128 is no colour."""

CROPS: Final = (
    *((edge, edge, edge, edge) for edge in (0.045, 0.085, 0.125, 0.165)),
    *((0.07, 0.0, 0.0, 0.0), (0.0, 0.07, 0.0, 0.0), (0.0, 0.0, 0.07, 0.0), (0.0, 0.0, 0.0, 0.07)),
    *((0.14, 0.0, 0.0, 0.0), (0.0, 0.14, 0.0, 0.0), (0.0, 0.0, 0.14, 0.0), (0.0, 0.0, 0.0, 0.14)),
    *((0.15, 0.0, 0.15, 0.0), (0.0, 0.15, 0.0, 0.15)),
)
"""Windows of the picture that get a key of their own: the share cut off at left, top, right and
bottom. A key of such a window is near the key of a copy that was cut like it."""

KEYS: Final = 1 + len(CROPS)
"""Keys of 8 bytes each, highest bit first: of the whole picture, then of each window."""

KEYS_BYTES: Final = 8 * KEYS
PIXELS: Final = SIDE * SIDE + 2 * CHROMA_SIDE * CHROMA_SIDE
"""What does not give so many bytes when inflated is no miniature."""
