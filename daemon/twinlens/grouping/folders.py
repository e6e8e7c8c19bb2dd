"""Folders as neighbours: where the other half of a photograph may lie (field rules 5.3).

Cameras write RAW and JPEG beside each other; people and import programs sort them into sibling
folders or into a folder below, or sort whole trees so (`RAW/Card1` beside `JPG/Card1`). Nothing
farther away is looked at, because names repeat from card to card.
"""

import re

# Names that mean "the RAW half" or "the rendered half": the extensions, and what people, cameras'
# transfer tools and RAW developers call the folder they write to. Compared without case, blanks,
# digits and punctuation ("01 RAW", "raw_files", "JPEGs").
_HALVES = frozenset(
    """
    raw raws rawfile rawfiles original originals negative negatives dng dngs cr cr2 cr3 crw
    nef nrw arw raf orf rw2 rw pef srw x3f jpg jpgs jpeg jpegs jpgfiles heic heif hif avif
    tif tiff png export exports exported output outputs developed edited edits rendered
    processed selects lowres web small preview previews
    """.split()  # noqa: SIM905 - a word list reads better as text
)
_NOISE = re.compile(r"[\W\d_]+")


def are_neighbours(a: bytes, b: bytes) -> bool:
    """Whether one folder is the other's parent, or both are halves in one folder."""
    parent_a, _, name_a = a.rstrip(b"/").rpartition(b"/")
    parent_b, _, name_b = b.rstrip(b"/").rpartition(b"/")
    if a.rstrip(b"/") == parent_b or b.rstrip(b"/") == parent_a:
        return True
    return parent_a == parent_b and name_a != name_b and _is_half(name_a) and _is_half(name_b)


def are_cousins(a: bytes, b: bytes) -> bool:
    """Whether two folders lie alike below two halves: `RAW/Card1` and `JPG/Card1`. Neighbours are
    none."""
    parts_a, parts_b = a.rstrip(b"/").split(b"/"), b.rstrip(b"/").split(b"/")
    if len(parts_a) != len(parts_b) or parts_a[-1] != parts_b[-1]:
        return False
    apart = [(one, other) for one, other in zip(parts_a, parts_b, strict=True) if one != other]
    return len(apart) == 1 and all(map(_is_half, apart[0]))


def _is_half(name: bytes) -> bool:
    text = name.decode("utf-8", "replace").casefold()
    return text.strip() in _HALVES or _NOISE.sub("", text) in _HALVES
