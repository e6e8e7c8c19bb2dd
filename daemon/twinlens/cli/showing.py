"""How results look: JSON for programs, tables for people. Paths never carry control characters."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinlens.model.paths import printable, to_bytes


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on one line, in ASCII: any path survives any terminal."""
    sys.stdout.write(json.dumps(value) + "\n")


def print_json_lines(rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line, as they come."""
    for row in rows:
        print_json(row)


def console() -> Console:
    """Where people read: colour on a terminal only."""
    return Console(soft_wrap=False, highlight=False)


def path_text(path: str) -> str:
    """A path for a table."""
    return escape(printable(to_bytes(path)))


def size_text(size: int | float | None) -> str:
    """Bytes with a unit."""
    if size is None:
        return ""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return (
                f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
            )
        amount /= 1000
    return f"{amount:.1f} TB"


def seconds_text(seconds: float) -> str:
    """A time span for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def plain_table(*columns: str) -> Table:
    """A table without a frame; the last column takes the room."""
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        is_number = column.startswith(">")
        is_last = number == len(columns) - 1
        table.add_column(
            column.lstrip(">"),
            justify="right" if is_number else "left",
            no_wrap=not is_last,
            overflow="fold" if is_last else "ellipsis",
        )
    return table


def fact_table(facts: Iterable[tuple[str, str]]) -> Table:
    """Names and values, one a line."""
    table = Table(box=None, pad_edge=False, show_header=False, show_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, value)
    return table
