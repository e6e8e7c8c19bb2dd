"""`clocks` on the command line: cameras whose clock was wrong, and what would put them right."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli import showing
from twinlens.cli.options import AsJson, config_of, reading_database
from twinlens.model.paths import printable, to_bytes

_SHOWN_FILES = 5
_FAULTS = {
    "never_set": "its clock was not set",
    "jumped": "its clock jumped",
    "offset": "its clock was off",
}


def clocks(context: typer.Context, as_json: AsJson = False) -> None:
    """Where a camera's clock was wrong, with a proposed correction; changes nothing."""
    from twinlens.commands.clocks import clocks as rows_of  # noqa: PLC0415 - the analysis is slow

    rows = rows_of(reading_database(config_of(context)))
    if as_json:
        showing.print_json_lines(rows)
    else:
        show_clocks(showing.console(), rows)


def show_clocks(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """One paragraph a fault."""
    number = 0
    for row in rows:
        number += 1
        camera = escape(printable(to_bytes(row["camera"])))
        showing.print_line(out, f"{camera}: {_FAULTS[row['fault']]}")
        files = row["files"]
        for path in files[:_SHOWN_FILES]:
            showing.print_line(out, f"    {showing.path_text(path)}")
        if len(files) > _SHOWN_FILES:
            showing.print_line(out, f"    and {len(files) - _SHOWN_FILES} more")
        for reason in row["evidence"]:
            showing.print_line(out, f"  {escape(printable(to_bytes(reason)))}")
        offset = row["proposed_offset_seconds"]
        advice = "the correction is not known" if offset is None else f"add {_duration(offset)}"
        showing.print_line(out, f"  {advice}")
    if not number:
        showing.print_line(out, "no camera's clock is known to have been wrong")


def _duration(seconds: int) -> str:
    sign = "-" if seconds < 0 else ""
    return f"{sign}{timedelta(seconds=abs(seconds))}"
