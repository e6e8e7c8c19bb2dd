"""What every section of the benchmark gives: rows, one number each, with what it must reach."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Literal

Kind = Literal["ratio", "absolute"]
"""A ratio compares two measurements of one run and holds on any machine; an absolute does not."""


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the table.

    `measured` is in `unit` ("x" for a ratio), and None where it could not be had: then `note` says
    why. It has to be at most `target`, or at least that where `is_floor`; without a target nothing
    is asked. `rounds` are the single measurements behind a median.

    Rows with one `subject` (a program, a state) stand in one line of their section's table, and
    `what` names the column. A row with a `curve` is a point of the plot, at `files` files.
    """

    section: str
    what: str
    measured: float | None
    unit: str
    target: float | None = None
    note: str = ""
    kind: Kind = "absolute"
    is_floor: bool = False
    rounds: tuple[float, ...] = field(default=())
    subject: str = ""
    curve: str = ""
    files: int | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; None where nothing is asked or nothing was measured."""
        if self.target is None or self.measured is None:
            return None
        if self.is_floor:
            return self.measured >= self.target
        return self.measured <= self.target

    def as_json(self) -> dict[str, object]:
        """Every field, and whether the target is met."""
        return {**asdict(self), "rounds": list(self.rounds), "is_met": self.is_met}


def row_of(found: Mapping[str, object]) -> Row:
    """The row that `as_json` wrote."""
    known = {one.name for one in fields(Row)}
    values = {name: value for name, value in found.items() if name in known}
    rounds = values.pop("rounds", ())
    return Row(**values, rounds=tuple(rounds))  # type: ignore[arg-type]  # what was written is read


def median_row(section: str, what: str, rounds: list[float], unit: str, **more: object) -> Row:
    """A row of several rounds: the median stands for them."""
    return Row(section, what, median(rounds), unit, rounds=tuple(rounds), **more)  # type: ignore[arg-type]  # the fields of Row
