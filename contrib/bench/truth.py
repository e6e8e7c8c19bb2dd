"""What is true of a corpus, and how much of it a program's answer found.

A pair of files is two paths below the corpus's root, the smaller one first.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """Groups of paths: byte-identical copies, the same picture in other bytes, frames of one burst,
    and the two files of one photograph (RAW and JPEG). The last two are no duplicates.
    """

    exact: list[list[str]]
    re_encoded: list[list[str]]
    bursts: list[list[str]]
    photographs: list[list[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """How much of the truth was found, and how much of what was said is true; 0 to 1.

    `from_bursts` is how many of the wrong pairs are frames of one burst.
    """

    recall: float
    precision: float
    from_bursts: int


def pairs_of(groups: Iterable[Collection[str]]) -> set[Pair]:
    """Every two files that stand in one group."""
    return {
        (min(pair), max(pair)) for group in groups for pair in combinations(sorted(set(group)), 2)
    }


def score(said: set[Pair], truth: Truth, *, near: bool) -> Score:
    """Judge pairs: `near` asks for re-encodings too, otherwise for identical bytes only.

    A RAW beside its JPEG is one photograph: whoever says so is neither right nor wrong.
    """
    right = pairs_of(truth.exact)
    if near:
        right |= pairs_of(truth.re_encoded)
    counted = said - pairs_of(truth.photographs)
    hits = len(counted & right)
    return Score(
        recall=hits / len(right) if right else 1.0,
        precision=hits / len(counted) if counted else 1.0,
        from_bursts=len(counted & pairs_of(truth.bursts)),
    )


def write_truth(path: Path, truth: Truth) -> None:
    """As JSON."""
    path.write_text(json.dumps(asdict(truth), indent=1) + "\n", encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """What `write_truth` wrote."""
    found: dict[str, Sequence[Sequence[str]]] = json.loads(path.read_text(encoding="utf-8"))
    return Truth(**{name: [list(group) for group in groups] for name, groups in found.items()})
