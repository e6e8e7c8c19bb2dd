"""Camera names as they compare: one maker writes itself in many ways, often into the model too.

`NIKON CORPORATION` / `NIKON D70`, `Canon` / `Canon EOS D30` and `EOS D30`, `OLYMPUS IMAGING
CORP.` and `OLYMPUS CORPORATION` are one maker each. Nothing here decides that two bodies are one
camera; it only says whether two names contradict each other.
"""

import re

from twinlens.grouping.moments import Agreement

# What makers append to their name over the years (seen in EXIF Make of real files).
_SUFFIXES = frozenset(
    """
    ag ab inc ltd co corp corporation company gmbh kk llc camera cameras computer electric
    electronics imaging optical photo techwin mobile digital communications technologies
    technology international
    """.split()  # noqa: SIM905 - a word list reads better as text
)
_WORD = re.compile(r"[^\W_]+")


def same_camera(
    make_a: str | None, model_a: str | None, make_b: str | None, model_b: str | None
) -> Agreement:
    """Compare make and model where both sides know them; DIFFER if either contradicts.

    AGREE needs equal models: an equal maker alone says nothing about the camera.
    """
    model_first, model_second = _model(make_a, model_a), _model(make_b, model_b)
    if model_first and model_second:
        return Agreement.AGREE if model_first == model_second else Agreement.DIFFER
    maker_first, maker_second = _maker(make_a), _maker(make_b)
    if maker_first and maker_second and maker_first != maker_second:
        return Agreement.DIFFER
    return Agreement.UNKNOWN


def _maker(make: str | None) -> str:
    words = _words(make)
    telling = [word for word in words if word not in _SUFFIXES]
    return (telling or words or [""])[0]


def _model(make: str | None, model: str | None) -> str:
    """The model without its maker's name in front, without blanks and punctuation."""
    words = _words(model)
    if len(words) > 1 and words[0] == _maker(make):
        words = words[1:]
    return "".join(words)


def _words(text: str | None) -> list[str]:
    return [match.group() for match in _WORD.finditer((text or "").casefold())]
