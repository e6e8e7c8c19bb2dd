"""The numbers of a run as a table for the eye and as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rows import Row, row_of

FORMAT = 2
"""Of the JSON: raised when its shape changes."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One section as it was measured: when (ISO 8601, UTC), on what, and its rows."""

    name: str
    title: str
    taken: str
    machine: str
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "taken": self.taken,
            "machine": self.machine,
            "rows": [row.as_json() for row in self.rows],
        }


def read(path: Path) -> dict[str, Measured]:
    """What `write` left there, by the sections' names; ValueError for another format."""
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        text = None
    if not isinstance(text, dict) or text.get("format") != FORMAT:
        raise ValueError(f"{path} holds no numbers of this benchmark")
    return {
        name: Measured(
            name,
            found["title"],
            found["taken"],
            found["machine"],
            tuple(row_of(row) for row in found["rows"]),
        )
        for name, found in text["sections"].items()
    }


def write(path: Path, sections: Mapping[str, Measured]) -> None:
    """All sections, with the single rounds."""
    found = {name: section.as_json() for name, section in sections.items()}
    text = json.dumps({"format": FORMAT, "sections": found}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def as_text(section: Measured) -> str:
    """One section: first what each program took, then what had to be reached."""
    lines = [section.title, f"({section.taken}, {section.machine})"]
    subjects = list(dict.fromkeys(row.subject for row in section.rows if row.subject))
    if subjects:
        lines += ["", *aligned(costs_table(section.rows, subjects))]
    alone = [row for row in section.rows if not row.subject]
    if alone:
        lines += ["", *aligned([("", "measured", "target", "", ""), *map(cells, alone)])]
    return "\n".join(lines)


def costs_table(rows: Sequence[Row], subjects: Sequence[str]) -> list[tuple[str, ...]]:
    """A line for each subject and a column for each `what`; the notes at the end."""
    with_subject = [row for row in rows if row.subject]
    columns = list(dict.fromkeys((row.what, row.unit) for row in with_subject))
    found = {(row.subject, row.what): row for row in with_subject}
    table = [("", *(f"{what} {unit}".rstrip() for what, unit in columns), "")]
    for subject in subjects:
        own = [found.get((subject, what)) for what, _ in columns]
        notes = dict.fromkeys(row.note for row in own if row and row.note)
        numbers = ("" if row is None else number(row.measured) for row in own)
        table.append((subject, *numbers, "; ".join(notes)))
    return table


def cells(row: Row) -> tuple[str, ...]:
    """what, measured, target, whether it is met, note."""
    met = {True: "met", False: "MISSED", None: ""}[row.is_met]
    target = ""
    if row.target is not None:
        target = f"{'>=' if row.is_floor else '<='} {number(row.target)} {row.unit}"
    return row.what, f"{number(row.measured)} {row.unit}".strip(), target, met, row.note


def number(value: float | None) -> str:
    """Three digits that matter; "-" for what could not be measured."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    for least, digits in ((100, 0), (10, 1), (0.1, 2)):
        if abs(value) >= least:
            return f"{value:.{digits}f}"
    return f"{value:.3f}" if value else "0"


def aligned(table: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns under each other; the first and the last are words, the others numbers."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
