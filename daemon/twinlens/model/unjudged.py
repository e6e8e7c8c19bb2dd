"""Why a content cannot be judged here: reasons that are no fault of its own.

A file that fails for one of them was read whole and hashed, and may be as sound as any: it must not
be called broken. Whoever fails so begins the error with one of these words.
"""

from typing import Final

EXIFTOOL_IS_MISSING: Final = "exiftool is needed for this"
NO_DECODER: Final = "no decoder for"
TOO_LARGE: Final = "too large to decode"
OUT_OF_MEMORY: Final = "needs more memory than a worker may use"
TREATED_CAREFULLY: Final = "not decoded: it has stopped workers before"
NOT_MEASURED: Final = "could not be measured"
XMP_TOO_LARGE: Final = "XMP larger than allowed"
JSON_TOO_LARGE: Final = "JSON larger than allowed"

_REASONS: Final = (
    *("exiftool ", NO_DECODER, TOO_LARGE, OUT_OF_MEMORY, TREATED_CAREFULLY, NOT_MEASURED),
    *(XMP_TOO_LARGE, JSON_TOO_LARGE),
)
"""exiftool that is missing, too old, too slow or silent: all that is said of it begins so."""


def is_unjudged(error: str) -> bool:
    """True where the error of a content says nothing against the content."""
    return error.startswith(_REASONS)


def reason_of(error: str) -> str:
    """The error without what is the file's own, so that equal reasons can be counted."""
    return error.partition(": ")[0]
