"""The command line: words in, a command called, its result shown, an exit code.

0 done; 1 done, but something failed or was found; 2 wrong usage or config; 3 cannot run now.
The verbs that need the analysis load it when they are called: `status` answers before it would be
loaded.
"""

import io
import os
import sys
from typing import Annotated

import typer

from twinlens import __version__
from twinlens.cli import actions, maintenance, showing, tables
from twinlens.cli.clocks import clocks
from twinlens.cli.configuring import config_app
from twinlens.cli.deciding import decide
from twinlens.cli.ending import carried_out
from twinlens.cli.errands import errand
from twinlens.cli.jobs import jobs_app
from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.schema import migrate_app
from twinlens.cli.showing import show_result
from twinlens.cli.vault import vault_app
from twinlens.commands import status as status_command
from twinlens.commands.left_out import left_out, pictures_left_out
from twinlens.config.loading import load_config

app = typer.Typer(
    name="twinlens",
    help="Knows every picture in your folders by its content: pairs, duplicates, dates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"twinlens {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The config; otherwise $TWINLENS_CONFIG, ~/.config/twinlens/config.toml, "
            "/etc/twinlens/config.toml.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    del version
    context.obj = config


@app.command()
def run(context: typer.Context) -> None:
    """Run the daemon in the foreground."""
    # Late: the analysis takes half a second to load.
    from twinlens.service.supervisor import serve  # noqa: PLC0415

    serve(config_path(context))


@app.command()
def scan(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Folders below the roots; nothing: all roots.")
    ] = None,
    accept_missing: Annotated[
        bool,
        typer.Option(
            "--accept-missing",
            help="Believe that files are gone even where it looks as if a disk was missing, and "
            "take a root as it is now.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at every file once, record and group what is new, then end."""
    from twinlens.cli.scanning import scan_now  # noqa: PLC0415 - late, as above

    result = scan_now(
        config_path(context), paths or [], accept_missing=accept_missing, is_quiet=as_json
    )
    if as_json:
        showing.print_json(result)
    else:
        tables.show_scan(showing.console(), result)
    for problem in result["problems"]:
        sys.stderr.write(f"twinlens: {problem}\n")
    for words in tables.complaints(result):
        sys.stderr.write(f"twinlens: {words}\n")
    if result["failed"] or result["unjudged"] or result["problems"]:
        raise typer.Exit(1)


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """What is known, waiting and failing; how the roots are watched."""
    config = config_of(context)
    result = status_command.status(reading_database(config), left_out(config))
    show_result(result, as_json, tables.show_status)


@app.command()
def files(
    context: typer.Context,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="S",
            help="ok, broken, unjudged, unreadable, or waiting: an empty file",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every live file."""
    from twinlens.commands.files import files as rows_of  # noqa: PLC0415 - late, as above

    config = config_of(context)
    rows = rows_of(reading_database(config), state)
    if as_json:
        showing.print_json_lines(rows)
    else:
        tables.show_files(showing.console(), rows, pictures_left_out(config))


@app.command()
def groups(
    context: typer.Context,
    group_type: Annotated[
        str | None,
        typer.Option("--type", metavar="T", help="raw_jpeg, live_photo, edited, sidecar or burst"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Files that are one photograph, and the shots of a burst."""
    from twinlens.commands.groups import groups as rows_of  # noqa: PLC0415 - late, as above

    rows = rows_of(reading_database(config_of(context)), group_type)
    if as_json:
        showing.print_json_lines(rows)
    else:
        tables.show_groups(showing.console(), rows)


@app.command()
def duplicates(
    context: typer.Context,
    wanted: Annotated[
        str | None,
        typer.Option(
            "--type", metavar="T", help="exact, re-encoded or similar; perceptual: the last two"
        ),
    ] = None,
    what_if: Annotated[
        str | None,
        typer.Option(
            "--what-if", metavar="PRESET", help="what strict, normal or loose would change"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Exact copies, pictures that were re-encoded, and similar ones."""
    if what_if is not None:
        from twinlens.cli.rethinking import show_what_if  # noqa: PLC0415 - late, as above

        show_what_if(config_of(context), what_if, as_json=as_json)
        return
    from twinlens.commands.duplicates import duplicates as rows_of  # noqa: PLC0415 - late, as above

    config = config_of(context)
    rows = rows_of(reading_database(config), wanted)
    if as_json:
        showing.print_json_lines(rows)
    else:
        words = None if wanted == "exact" else pictures_left_out(config)
        tables.show_duplicates(showing.console(), rows, words)


@app.command()
def why(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="A file, also one that is broken or gone.")],
    as_json: AsJson = False,
) -> None:
    """Every fact and rule behind what is said of a file."""
    from twinlens.cli.telling import show_why  # noqa: PLC0415 - late, as above
    from twinlens.commands.why import why as reasons_for  # noqa: PLC0415
    from twinlens.service.engine import similarity_limits  # noqa: PLC0415
    from twinlens.service.ignoring import reason_to_ignore  # noqa: PLC0415

    config = config_of(context)
    result = reasons_for(
        reading_database(config),
        path,
        lambda where: reason_to_ignore(config, where),
        similarity_limits(config),
    )
    show_result(result, as_json, show_why)


@app.command()
@errand
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Look at everything twinlens stands on, and say what to do."""
    from twinlens.commands.doctor import doctor as look  # noqa: PLC0415 - late, as above
    from twinlens.service.supervisor import network_kind  # noqa: PLC0415

    path = config_path(context)
    report = look(load_config(path, os.environ), path, network_kind)
    show_result(report, as_json, tables.show_doctor)
    if report["state"] == "error":
        raise typer.Exit(1)


# What is registered first stands first in the help.
app.command()(decide)
app.command()(clocks)
actions.register(app)
maintenance.register(app)
app.add_typer(vault_app, name="vault")
app.add_typer(jobs_app, name="jobs")
app.add_typer(config_app, name="config")
app.add_typer(migrate_app, name="migrate")


def _stand_in_for_closed_streams() -> None:
    """Whoever started this may have closed them (`>&-`): what is opened next would be given their
    numbers, and what is printed would get into it."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for the process's whole life
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def main() -> None:
    """Run the command line and end the process."""
    _stand_in_for_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows few letters is shown the names of the others, and no traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(carried_out(app))
