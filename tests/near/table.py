"""The table of the labelled set, as it stands in docs/near-duplicates.md and as tests print it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from near.derivatives import RE_ENCODED
from near.judged import Judged, Tally

START: Final = "<!-- table: start -->"
END: Final = "<!-- table: end -->"


@dataclass(frozen=True, slots=True)
class Figures:
    """Recall and precision over a set, as shares of 1."""

    re_encoded_recall: float
    similar_recall: float
    re_encoded_precision: float
    found_precision: float
    recall_of_all_pairs: float

    @classmethod
    def of(cls, judged: Judged) -> "Figures":
        """Recall against the bases; precision, and the last recall, over all pairs of the set."""
        tallies = judged.by_transformation()
        copies = [tally for made, tally in tallies.items() if made in RE_ENCODED]
        edits = [tally for made, tally in tallies.items() if made not in RE_ENCODED]
        every = judged.all_re_encoded()
        return cls(
            _share(sum(t.re_encoded for t in copies), sum(t.pairs for t in copies)),
            _share(sum(t.found for t in edits), sum(t.pairs for t in edits)),
            1 - _share(len(judged.false_re_encoded()), len(judged.re_encoded), none=0.0),
            1 - _share(len(judged.false_found()), len(judged.found), none=0.0),
            _share(sum(pair in judged.re_encoded for pair in every), len(every)),
        )

    def lines(self) -> list[str]:
        """The figures in words."""
        return [
            f"re-encoded: recall {self.re_encoded_recall:.2%} against the base,"
            f" {self.recall_of_all_pairs:.2%} over all pairs,"
            f" precision {self.re_encoded_precision:.3%}",
            f"re-encoded or similar: recall {self.similar_recall:.2%} of the edits,"
            f" precision {self.found_precision:.3%}",
        ]


def rows(judged: Judged, others: Mapping[str, Mapping[str, Tally]]) -> list[str]:
    """A Markdown table, one line a transformation; `others` are other programs' tallies."""
    names = list(others)
    heads = ["transformation", "pairs", "re-encoded", "re-encoded or similar", *names]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for made, tally in judged.by_transformation().items():
        cells = [made, str(tally.pairs), _percent(tally.re_encoded, tally.pairs)]
        cells.append(_percent(tally.found, tally.pairs))
        cells += [_percent(others[n][made].found, others[n][made].pairs) for n in names]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def misses(judged: Judged) -> list[str]:
    """Each miss and each false pair by name."""
    told = [
        f"missed: {made} of {scene}"
        for made, tally in judged.by_transformation().items()
        for scene in tally.missed
    ]
    told += [f"falsely re-encoded: {judged.told(pair)}" for pair in judged.false_re_encoded()]
    return told + [f"falsely found: {judged.told(pair)}" for pair in judged.false_found()]


def written(page: Path, lines: Sequence[str]) -> None:
    """Put the lines between the page's markers."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(START)
    _, tail = rest.split(END)
    page.write_text("\n".join((head + START, *lines, END + tail)), encoding="utf-8")


def _share(part: int, whole: int, *, none: float = 1.0) -> float:
    return part / whole if whole else none


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
