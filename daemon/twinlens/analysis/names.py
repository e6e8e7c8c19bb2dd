"""Takes a file name apart: what is the photograph's own name, and what copiers and editors added.

A name alone proves nothing: 356 pictures called `name (1)` to `name (356)` share a radical and
are no copies. So what was taken off is kept as evidence, and facts about the content decide.
Sidecar names (`a.jpg.xmp`, `a.jpg(1).json`) are read in sidecar_names.py.
"""

import os
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Taken off the end, over and over. Only up to three digits: `Rome (2019)` is a year, not a copy.
_COPY_TAILS = re.compile(
    r"\s?\([0-9]{1,3}\)"
    r"|~[0-9]{1,2}"
    r"|\s-\s(?:copy|kopie|copie|copia|cópia|kopia|kopi|kopija|másolat|копия|コピー|复制|副本|複製)"
    r"|\s(?:copy|kopie|copie|copia|cópia|kopia)(?:\s[0-9]{1,3})?"
    r"|\s\((?:copy|kopie|copie|copia|cópia|kopia|another copy|[0-9]+(?:st|nd|rd|th) copy"
    r"|copy\s[0-9]{1,3})\)"
    r"|のコピー",
    re.IGNORECASE,
)
_COPY_HEAD = re.compile(
    r"(?:copy\s(?:\([0-9]{1,3}\)\s)?of|kopie\svon|copie\sde|copia\sdi|copia\sde|cópia\sde"
    r"|kopia|kopi\sav|kopie\svan)\s(?=\S)",
    re.IGNORECASE,
)
# Android numbers a second file of the same second; elsewhere `beach-1` is a series.
_ANDROID_COPY = re.compile(r"(?:(?<=[0-9]{8}_[0-9]{6})|(?<=[0-9]{8}_[0-9]{9}))-[0-9]{1,2}")
_EDITED = (  # nobody but an editor names a file so
    "edited",  # Google Photos, by the language of the account
    "bearbeitet",
    "modifié",
    "editado",
    "ha editado",
    "editat",
    "modificato",
    "bewerkt",
    "edytowane",
    "編集済み",
    "отредактировано",
    "已编辑",
    "已編輯",
    "편집됨",
    "düzenlendi",
    "diedit",
    "redigerad",
    "redigeret",
    "redigert",
    "muokattu",
    "upraveno",
    "szerkesztve",
    "відредаговано",
    "đã chỉnh sửa",
    "แก้ไขแล้ว",
)
_MADE = (  # from this picture or from several: the mark alone does not say
    "effects",  # made by Google Photos, never translated
    "smile",
    "mix",
    "motion",
    "animation",
    "collage",
    "edit",  # Lightroom, numbered from the second on
    "enhanced(?:-(?:nr|sr|rd))*",  # Lightroom's DNG: noise, super resolution, raw details
)
_MERGED = r"-(?:hdr|pano)"
"""Lightroom's merged DNG. Behind an underscore it is how a phone took the picture."""
_EDIT_TAILS = re.compile(
    rf"(?:[-_](?:{'|'.join(_EDITED + _MADE)})|{_MERGED})(?:-[0-9]{{1,2}})?", re.IGNORECASE
)

_SURE_EDIT = re.compile(rf"(?:[-_](?:{'|'.join(_EDITED)})(?:-[0-9]{{1,2}})?|E)+", re.IGNORECASE)
_STAMP = r"[0-9]{8}_[0-9]{6}(?:[0-9]{3})?"
_PIXEL = re.compile(rf"(PXL_{_STAMP}[^.]*)((?:\.[A-Z0-9_\-]+)+)?", re.IGNORECASE)
_GOOGLE_FACETS = re.compile(
    rf"((?:IMG|VID|PANO|MVIMG|BURST)_{_STAMP}(?:_[A-Z0-9]+)*)"
    r"((?:\.(?:MP|MV|NIGHT|PORTRAIT|PANO|RAW|COVER|ORIGINAL|VR)(?:-[0-9]{2})?)+)",
    re.IGNORECASE,
)
_UNDERSCORE_FACET = re.compile(
    rf"(.*{_STAMP}(?:_[0-9]+)?|.*_BURST[0-9]+)_(COVER|HDR|NIGHT|PORTRAIT|BOKEH|PANO)", re.IGNORECASE
)
_LUMIA = re.compile(r"(WP_[0-9]{8}_.+)__(highres|RAW)", re.IGNORECASE)
_APPLE_MOVIE = re.compile(r"(IMG_E?[0-9]{4,5})_(HEVC)", re.IGNORECASE)
_APPLE_EDIT = re.compile(r"IMG_([EO])([0-9]{4,5})", re.IGNORECASE)

_GOOGLE_BURST = re.compile(r"[0-9]{5}(?:IMG|PORTRAIT)_[0-9]{5}_BURST([0-9]{14,20})", re.IGNORECASE)
_SONY_BURST = re.compile(r"DSC(?:PDC)?_[0-9]{3,4}_BURST([0-9]{17})", re.IGNORECASE)
_NUMBERED_BURST = re.compile(r"(.+)_BURST[0-9]{1,4}", re.IGNORECASE)
_SAMSUNG_BURST = re.compile(r"([0-9]{8}_[0-9]{6})_([0-9]{3})")
_GOPRO_GROUP = re.compile(r"G([0-9]{3})[0-9]{4}", re.IGNORECASE)

_NO_NAME = re.compile(r"[\s._~()\-]*")


@dataclass(frozen=True, slots=True)
class NameParts:
    """A file name taken apart.

    `stem` is NFC text, undecodable bytes as surrogate escapes; `extension` is in lower case,
    without the dot. `radical` is the case-folded stem without copy marks, edit marks and facets:
    the key under which the files of one photograph meet. A burst's frames keep their numbers in
    it and share the `burst_key`. Marks are kept as found, without the facet's leading separator.
    """

    stem: str
    extension: str
    radical: str
    copy_mark: str | None = None
    edit_mark: str | None = None
    facet: str | None = None
    burst_key: str | None = None

    @property
    def is_surely_edited(self) -> bool:
        """Whether the edit mark is one that only editors set: Apple's `IMG_E1234`, `-edited`."""
        return self.edit_mark is not None and _SURE_EDIT.fullmatch(self.edit_mark) is not None


@lru_cache(maxsize=1024)  # recording a file asks for its name's parts six times
def parse_name(name: bytes) -> NameParts:
    """Take the name of a file (no folders) apart by the field rules, section 4. Never raises.

    What would leave nothing of the name is not taken off: `(1).jpg` is called `(1)`.
    """
    text = unicodedata.normalize("NFC", name.decode("utf-8", "surrogateescape"))
    stem, extension = os.path.splitext(text)
    extension = extension[1:].lower()
    rest, copy_mark, edit_mark = _without_marks(stem)
    rest, facet = _without_facet(rest)
    if facet is not None:
        # A copier or editor may have put its mark before the facet: `PXL_...~2.MP.jpg`.
        rest, copy_before, edit_before = _without_marks(rest)
        copy_mark, edit_mark = _joined(copy_before, copy_mark), _joined(edit_before, edit_mark)
    apple = _APPLE_EDIT.fullmatch(rest)
    if apple is not None:
        rest = f"IMG_{apple[2]}"
        if apple[1] in "Ee":
            edit_mark = _joined(apple[1], edit_mark)
        else:
            facet = apple[1]
    burst_key, is_cover = _burst(rest, extension)
    return NameParts(
        stem=stem,
        extension=extension,
        radical=folded(rest),
        copy_mark=copy_mark,
        edit_mark=edit_mark,
        facet=facet or ("COVER" if is_cover else None),
        burst_key=burst_key,
    )


def _without_marks(stem: str) -> tuple[str, str | None, str | None]:
    """Take copy and edit marks off both ends, in whatever order they were put on."""
    copy_mark: str | None = None
    edit_mark: str | None = None
    while True:
        if (rest := _cut_tail(_COPY_TAILS, stem) or _cut_tail(_ANDROID_COPY, stem)) is not None:
            copy_mark = stem[len(rest) :] + (copy_mark or "")
        elif (rest := _cut_tail(_EDIT_TAILS, stem)) is not None:
            edit_mark = stem[len(rest) :] + (edit_mark or "")
        elif (head := _COPY_HEAD.match(stem)) is not None:
            rest = stem[head.end() :]
            copy_mark = head[0] + (copy_mark or "")
        else:
            return stem, copy_mark, edit_mark
        stem = rest


def _cut_tail(pattern: re.Pattern[str], stem: str) -> str | None:
    """What is left before a mark at the very end; None without one, or with nothing left."""
    for match in pattern.finditer(stem):
        if match.end() == len(stem) and not _NO_NAME.fullmatch(stem, 0, match.start()):
            return stem[: match.start()]
    return None


def _without_facet(stem: str) -> tuple[str, str | None]:
    for pattern in (_PIXEL, _GOOGLE_FACETS, _UNDERSCORE_FACET, _LUMIA, _APPLE_MOVIE):
        match = pattern.fullmatch(stem)
        if match is not None and match[2]:
            return match[1], match[2].lstrip(".")
    return stem, None


def _burst(stem: str, extension: str) -> tuple[str | None, bool]:
    """The key that frames of one burst share, and whether the number marks this one as its cover.

    The key is read from the name alone: the folder belongs to it, and so does a look at the time.
    """
    for pattern in (_GOOGLE_BURST, _SONY_BURST, _NUMBERED_BURST):
        match = pattern.fullmatch(stem)
        if match is not None:
            return folded(match[1]), False
    match = _SAMSUNG_BURST.fullmatch(stem)
    if match is not None:
        return match[1], match[2] == "001"
    match = _GOPRO_GROUP.fullmatch(stem)
    if match is not None and extension in {"jpg", "jpeg", "gpr"}:
        return f"g{match[1]}", False
    return None, False


def _joined(first: str | None, second: str | None) -> str | None:
    return (first or "") + (second or "") or None


def folded(text: str) -> str:
    """Case-folded, and NFC again: folding may take letters apart. Undecodable bytes become escapes:
    this is kept as text, and no database takes lone surrogates."""
    plain = unicodedata.normalize("NFC", text.casefold())
    return plain.encode("utf-8", "backslashreplace").decode("utf-8")
