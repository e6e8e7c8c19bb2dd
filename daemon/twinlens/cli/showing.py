"""How results look: JSON for programs, tables for people. Paths never carry control characters."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape, render

from twinlens.model.paths import printable, to_bytes


def give_up_output(error: OSError) -> NoReturn:
    """End where the output cannot be written. A reader that has read enough is no failure."""
    # What waits to be written goes nowhere: Python tries once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        raise SystemExit(0)
    sys.stderr.write(f"twinlens: the output cannot be written: {error.strerror}\n")
    raise SystemExit(1)


def print_text(text: str) -> None:
    """Text as it is."""
    try:
        sys.stdout.write(text)
    except OSError as error:
        give_up_output(error)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on one line, in ASCII: any path survives any terminal."""
    print_text(json.dumps(value) + "\n")


def show_result(
    result: dict[str, Any], as_json: bool, show: Callable[[Console, dict[str, Any]], None]
) -> None:
    """One result: as JSON, or by the function that shows it to people."""
    if as_json:
        print_json(result)
    else:
        show(console(), result)


def print_json_lines(rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line, as they come."""
    for row in rows:
        print_json(row)


class _Paper(Console):
    """A console to which a reader that has gone is no failure; rich's own ends with 1."""

    def on_broken_pipe(self) -> None:
        give_up_output(BrokenPipeError())


def console() -> Console:
    """Where people read: colour on a terminal only."""
    return _Paper(highlight=False)


def path_text(path: str) -> str:
    """A path for a table."""
    return escape(printable(to_bytes(path)))


def visible(text: str) -> str:
    """Text from a file for a person's eyes: no control character, no override of the direction of
    writing, and no markup takes effect."""
    shown = (
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)
    )
    return escape("".join(shown))


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


def print_line(out: Console, text: str) -> None:
    """One line of markup, however long: never cut, never folded in the middle of a path."""
    out.print(text, soft_wrap=True)


def print_facts(out: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Names and values, one a line."""
    rows = list(facts)
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print_line(out, f"[bold]{escape(name.ljust(width))}[/bold]  {value}".rstrip())


def print_columns(out: Console, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as wide as it has to be. Cells are markup; a header that begins with `>` stands to
    the right; nothing is padded behind the last column."""
    cells = [[cell.lstrip(">") for cell in header], *map(list, rows)]
    sizes = [[cell_len(render(cell).plain) for cell in row] for row in cells]
    widths = [max(row[place] for row in sizes) for place in range(len(header))]
    for number, (row, lengths) in enumerate(zip(cells, sizes, strict=True)):
        parts = []
        for place, (cell, length) in enumerate(zip(row, lengths, strict=True)):
            gap = " " * (widths[place] - length)
            is_last = place == len(header) - 1
            is_right = header[place].startswith(">")
            parts.append(gap + cell if is_right else cell if is_last else cell + gap)
        line = "  ".join(parts).rstrip()
        print_line(out, f"[bold]{line}[/bold]" if number == 0 else line)
