"""`jobs` on the command line: long passes, listed, started, cancelled and tried again."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli import showing, tables
from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.showing import print_line, show_result

jobs_app = typer.Typer(no_args_is_help=True, help="Long passes: list, start, cancel, retry.")


@jobs_app.command("list")
def jobs_list(context: typer.Context, as_json: AsJson = False) -> None:
    """The newest passes first."""
    from twinlens.commands.jobs import list_jobs  # noqa: PLC0415

    rows = list_jobs(reading_database(config_of(context)))
    if as_json:
        showing.print_json_lines(rows)
    else:
        tables.show_jobs(showing.console(), rows)


@jobs_app.command("start")
def jobs_start(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="detect_bursts or detect_duplicates.")],
    as_json: AsJson = False,
) -> None:
    """Group everything anew from what is known; no picture is read."""
    from twinlens.cli.scanning import regroup_now  # noqa: PLC0415

    result = regroup_now(config_path(context), name, is_quiet=as_json)
    show_result(result, as_json, show_started)


@jobs_app.command("cancel")
def jobs_cancel(
    context: typer.Context,
    job: Annotated[int, typer.Argument(help="The number that `jobs list` shows.")],
    as_json: AsJson = False,
) -> None:
    """End a pass after its current batch."""
    from twinlens.cli.passes import run_pass  # noqa: PLC0415

    show_result(run_pass(config_path(context), "cancel", {"job": job}), as_json, show_cancelled)


@jobs_app.command("retry")
def jobs_retry(
    context: typer.Context,
    job: Annotated[
        int | None, typer.Argument(help="A failed pass; nothing: all files given up.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a failed pass go on, or give files that were given up a new start."""
    from twinlens.cli.passes import run_pass  # noqa: PLC0415

    argument: dict[str, Any] = {} if job is None else {"job": job}
    show_result(run_pass(config_path(context), "retry", argument), as_json, show_retried)


def show_started(out: Console, result: dict[str, Any]) -> None:
    """A pass that ended, or one that the daemon was asked for."""
    state = result.get("state")
    if state is None:
        first = result.get("waits_for") or "it goes before all that was not asked for by hand"
        words = f"the daemon was asked; {escape(first)}; see: twinlens jobs list"
    else:
        words = f"{tables.styled(state)}, {result['succeeded']} done, {result['failed']} failed"
    error = f" ({escape(result['error'])})" if result.get("error") else ""
    print_line(out, f"pass {result['id']}, {escape(result['name'])}: {words}{error}")


def show_cancelled(out: Console, result: dict[str, Any]) -> None:
    """What was asked for."""
    print_line(out, f"pass {result['id']} ends after its current batch")


def show_retried(out: Console, result: dict[str, Any]) -> None:
    """What is tried again."""
    if "files" not in result:
        print_line(out, f"pass {result['id']} goes on")
        return
    words = tables.counted(result["files"], "file")
    print_line(out, f"{words} tried again" if result["files"] else "no file was given up")
