"""The verbs that look after what is known: backup, cleanup, reconcile, and verify beside them."""

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli import showing
from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.showing import print_line, size_text
from twinlens.cli.tables import counted
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


def cleanup(
    context: typer.Context,
    *,
    accept: Annotated[
        bool, typer.Option("--accept", help="Forget what the brake asks about, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Forget contents that nothing refers to any more. Never touches a file."""
    from twinlens.cli.passes import run_pass  # noqa: PLC0415 - late, as above

    result = run_pass(config_path(context), "cleanup", {"accept": accept})
    if as_json:
        showing.print_json(result)
    else:
        show_cleanup(showing.console(), result)


def reconcile(context: typer.Context, as_json: AsJson = False) -> None:
    """Count references anew, mend what drifted, and look for files that came back."""
    from twinlens.cli.passes import run_pass  # noqa: PLC0415 - late, as above

    result = run_pass(config_path(context), "reconcile")
    if as_json:
        showing.print_json(result)
    else:
        show_reconcile(showing.console(), result)


def metrics(context: typer.Context) -> None:
    """Print the figures for Prometheus, as text."""
    from twinlens.commands.metrics import metrics as figures  # noqa: PLC0415 - late, as above

    sys.stdout.write(figures(reading_database(config_of(context))))


def show_cleanup(out: Console, result: dict[str, Any]) -> None:
    """What was forgotten, what waits, and what stopped it."""
    for reason in result["frozen_by"]:
        print_line(out, f"nothing was forgotten: {escape(reason)}")
    if result["asks"]:
        print_line(out, escape(result["asks"]))
    print_line(out, f"{counted(result['removed_originals'], 'content')} forgotten")
    if result["waiting"]:
        words = "an orphan has to be one for the grace period, in two passes, with a reconcile"
        print_line(out, f"{counted(result['waiting'], 'orphan')} waiting: {words} between")


def show_reconcile(out: Console, result: dict[str, Any]) -> None:
    """What was wrong, and what is looked at again."""
    print_line(out, f"{counted(result['checked'], 'content')} counted, {result['mended']} mended")
    for cause, number in sorted(result["causes"].items()):
        print_line(out, f"  {number}: {escape(cause)}")
    if result["orphans"]:
        print_line(out, f"{counted(result['orphans'], 'orphan')} found that nobody knew of")
    if again := result["revived"] + result["without_original"]:
        print_line(out, f"{counted(again, 'file')} will be looked at again")
    for words in result["not_asked"]:
        print_line(out, f"not asked: {escape(words)}")


def register(app: typer.Typer) -> None:
    """Make the verbs known to the command line."""
    app.command()(backup)
    app.command()(verify)
    app.command()(cleanup)
    app.command()(reconcile)
    app.command()(metrics)
