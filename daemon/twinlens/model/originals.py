"""One content as recorded, with what its live files add to it."""

from dataclasses import dataclass

from twinlens.model.picture import DateCandidate, Measurement, TakenAt


@dataclass(frozen=True, slots=True)
class Dated:
    """One content, as far as its capture time is concerned: `own` are the statements that it makes
    itself."""

    id: int
    sha256: str
    own: tuple[DateCandidate, ...]
    captured_at: str | None
    taken: TakenAt


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """A content the store knows.

    `measurement.date_candidates` are the content's own; `taken` is the winner among them and what
    the names, folders and times of its live files say. `captured_at` is the winner of the content's
    own alone: what pairing may rely on.
    """

    id: int
    sha256: str
    size: int
    measurement: Measurement
    captured_at: str | None
    taken: TakenAt
    reference_count: int
    orphaned_at: str | None
