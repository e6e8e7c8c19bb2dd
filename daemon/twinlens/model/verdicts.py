"""What two contents are to each other."""

from dataclasses import dataclass

from twinlens.model.groups import DuplicateClass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two pictures are to each other, never nothing.

    `distance` is that of the keys they met by, in bits; `similarity` and `confidence` 0 to 100.
    `needs_witness` marks a similar pair that is barely beyond the limits of a re-encoding: a third
    picture of which both are re-encodings settles it.
    """

    duplicate_class: DuplicateClass
    similarity: float
    distance: int
    rule: str
    confidence: float
    needs_witness: bool = False


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A verdict on two contents of the store."""

    first_id: int
    second_id: int
    verdict: Verdict
