"""Dismisses most of a crowd by facts in numbers, before anything is read of its pictures.

The frames of a fixed camera, the shots of a long series, thousands of exports of one picture: each
is near all others by its keys, and nearly all pairs are told apart by capture time, by their
numbers in one burst, or need no look because their coded pixels are equal. Whoever is left over is
judged by `verdicts`, so it is enough that nobody falls through who would get a verdict.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from twinlens.grouping.moments import QUARTER_HOUR_SECONDS, Moment, Precision

_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_QUARTER: Final = QUARTER_HOUR_SECONDS * _SECOND
_START: Final = datetime(1, 1, 1)  # noqa: DTZ001 - the clock's face, as in a moment
_NO_ZONE: Final = np.iinfo(np.int64).min

_ROW = np.dtype(
    [
        ("precision", "i1"),
        ("wall", "i8"),
        ("instant", "i8"),
        ("burst", "i8"),
        ("number", "i8"),
        ("pixels", "i8"),
        ("is_out", "?"),
    ]
)
_NO_TIME: Final = -1


class Sieve:
    """What is known of contents by id; 42 bytes for each that was ever in a crowd."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._rows = np.zeros(64, dtype=_ROW)
        self._pixels: dict[str, int] = {}
        self._stale: set[int] = set()

    def unknown(self, original_ids: Iterable[int]) -> list[int]:
        """Those of these of which nothing is known."""
        return [one for one in original_ids if one not in self._places or one in self._stale]

    def put(
        self,
        original_id: int,
        moment: Moment | None,
        image_digest: str | None,
        shots: Collection[tuple[int, int]],
        *,
        is_out: bool = False,
    ) -> None:
        """Note the facts of a content: its capture time, the digest of its coded pixels, and the
        burst and number of each of its files; one that `is_out` is held against nobody."""
        precision, wall, instant = _NO_TIME, 0, _NO_ZONE
        if moment is not None and moment.precision >= Precision.SECOND:
            precision, wall = int(moment.precision), (moment.wall - _START) // _MICROSECOND
            if moment.offset is not None:
                instant = wall - moment.offset // _MICROSECOND
        burst, number = next(iter(shots)) if len(shots) == 1 else (0, 0)
        pixels = 0
        if image_digest is not None:
            pixels = self._pixels.setdefault(image_digest, len(self._pixels) + 1)
        self._stale.discard(original_id)
        place = self._places.setdefault(original_id, len(self._places))
        if place == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[place] = (precision, wall, instant, burst, number, pixels, is_out)

    def forget(self, original_ids: Iterable[int]) -> None:
        """The facts of these may have changed."""
        self._stale.update(one for one in original_ids if one in self._places)

    def left(self, original_id: int, others: Sequence[int]) -> list[int]:
        """Those of these contents that have to be looked at beside this one; all are known."""
        one = self._rows[self._places[original_id]]
        rows = self._rows[[self._places[other] for other in others]]
        is_left = (rows["pixels"] != one["pixels"]) | (rows["pixels"] == 0)
        is_left &= ~rows["is_out"]
        if one["burst"]:
            is_left &= (rows["burst"] != one["burst"]) | (rows["number"] == one["number"])
        if one["precision"] != _NO_TIME:
            is_fine = (rows["precision"] == Precision.SUBSECOND) & (
                one["precision"] == Precision.SUBSECOND
            )
            is_told = rows["precision"] != _NO_TIME
            has_zone = (rows["instant"] != _NO_ZONE) & (one["instant"] != _NO_ZONE)
            apart = np.abs(rows["wall"] - one["wall"])
            apart_in_zone = np.where(has_zone, np.abs(rows["instant"] - one["instant"]), apart)
            may_be_one = (apart < _SECOND) | (apart_in_zone < _SECOND)
            is_corrected = (apart % _QUARTER == 0) | (apart_in_zone % _QUARTER == 0)
            is_left &= ~is_told | may_be_one | (is_fine & is_corrected)
        return [others[place] for place in np.flatnonzero(is_left).tolist()]

    def weight(self, original_id: int, near: Sequence[int], left: Sequence[int]) -> int:
        """How many others those come to that are `left` of the `near`: of equal pixels they count
        once, and each only where the content has as many of its own pixels near it."""
        pixels = self._rows["pixels"][[self._places[other] for other in left]]
        distinct = len(np.unique(pixels[pixels != 0])) + int((pixels == 0).sum())
        one = self._rows[self._places[original_id]]
        rows = self._rows[[self._places[other] for other in near]]
        is_twin = (rows["pixels"] == one["pixels"]) & (rows["pixels"] != 0) & ~rows["is_out"]
        return max(distinct, min(len(left), int(is_twin.sum())))
