"""The verbs that look after what is known: backup, and those of its neighbours."""

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli import showing
from twinlens.cli.options import AsJson, config_of, config_path
from twinlens.cli.showing import print_line, size_text
from twinlens.cli.verifying import verify
from twinlens.errors import TwinlensError


def backup(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The copy to write, outside every root.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier backup.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a complete, checked copy of the database, beside a daemon that goes on working."""
    from twinlens.cli.passes import run_pass  # noqa: PLC0415 - `status` answers before this loads
    from twinlens.commands.backup import backup as copy  # noqa: PLC0415

    result = copy(config_of(context), file, force=force)
    try:
        run_pass(config_path(context), "note_backup", {"path": result["path"]})
    except TwinlensError as error:
        # The copy is whole; only `doctor` does not know of it.
        sys.stderr.write(f"twinlens: the copy was made, but not noted: {error}\n")
    if as_json:
        showing.print_json(result)
    else:
        show_backup(showing.console(), result)


def show_backup(out: Console, result: dict[str, Any]) -> None:
    """What was written."""
    print_line(out, f"{size_text(result['bytes'])} in {escape(result['path'])}, checked")


def register(app: typer.Typer) -> None:
    """Make the verbs known to the command line."""
    app.command()(backup)
    app.command()(verify)
