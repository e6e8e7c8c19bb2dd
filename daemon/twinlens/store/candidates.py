"""How candidates for a capture time are kept with their content: as one JSON text, without the
names of their fields, which would be most of it.

The text is `[own, others]`, each a list of `[source, value, rank]`, with the reason as a fourth
where it was rejected.
"""

import json
from collections.abc import Sequence

from twinlens.model.picture import DateCandidate

_Candidates = tuple[DateCandidate, ...]


def packed(own: Sequence[DateCandidate], others: Sequence[DateCandidate]) -> str:
    """The text for what the content says by itself and what was found beside it."""
    return json.dumps([_plain(own), _plain(others)], separators=(",", ":"))


def unpacked(text: str) -> tuple[_Candidates, _Candidates]:
    """What the content says by itself, and what was found beside it."""
    own, others = json.loads(text)
    return _values(own), _values(others)


def _plain(candidates: Sequence[DateCandidate]) -> list[tuple[object, ...]]:
    return [
        (c.source, c.value, c.rank)
        if c.rejected is None
        else (c.source, c.value, c.rank, c.rejected)
        for c in candidates
    ]


def _values(stored: Sequence[Sequence[object]]) -> _Candidates:
    return tuple(DateCandidate(*fields) for fields in stored)  # type: ignore[arg-type]  # JSON
