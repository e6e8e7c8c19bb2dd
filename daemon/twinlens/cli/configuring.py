"""`config` on the command line: check the config, print an example of one."""

import os

import typer

from twinlens.cli import showing, tables
from twinlens.cli.errands import errand
from twinlens.cli.options import AsJson, config_path
from twinlens.cli.showing import show_result
from twinlens.config.example import example_toml
from twinlens.errors import ConfigError

config_app = typer.Typer(no_args_is_help=True, help="Check the config, or print an example.")


@config_app.command("check")
@errand
def config_check(context: typer.Context, as_json: AsJson = False) -> None:
    """Name every mistake in the config at once."""
    from twinlens.service.supervisor import load_checked  # noqa: PLC0415

    path = config_path(context)
    try:
        _, warnings = load_checked(path, os.environ, is_strict=True)
    except ConfigError as error:
        if as_json:
            mistakes = [str(mistake) for mistake in getattr(error, "mistakes", (error,))]
            showing.print_json({"path": str(path), "mistakes": mistakes, "warnings": []})
        raise
    result = {"path": str(path), "mistakes": [], "warnings": warnings}
    show_result(result, as_json, tables.show_facts)


@config_app.command("example")
def config_example(as_json: AsJson = False) -> None:
    """Print a config with every option explained."""
    if as_json:
        showing.print_json({"toml": example_toml()})
    else:
        showing.print_text(example_toml())
