"""`migrate` on the command line: the schema of the database, its changes applied and reverted."""

import typer

from twinlens.cli import tables
from twinlens.cli.options import AsJson, config_of
from twinlens.cli.showing import show_result
from twinlens.store.database import Database

migrate_app = typer.Typer(no_args_is_help=True, help="The database's schema: status, up, down.")


@migrate_app.command("status")
def migrate_status(context: typer.Context, as_json: AsJson = False) -> None:
    """Which changes of the schema are applied and pending."""
    from twinlens.commands import migrate  # noqa: PLC0415

    database = Database(config_of(context).database.path, read_only=True)
    show_result(migrate.status(database), as_json, tables.show_facts)


@migrate_app.command("up")
def migrate_up(context: typer.Context, target: str | None = None, as_json: AsJson = False) -> None:
    """Apply what is pending."""
    from twinlens.cli.passes import migrate_locked  # noqa: PLC0415

    show_result(migrate_locked(config_of(context), "up", target), as_json, tables.show_facts)


@migrate_app.command("down")
def migrate_down(
    context: typer.Context, target: str | None = None, as_json: AsJson = False
) -> None:
    """Revert the newest change, or all back through the target. A copy is kept beside it."""
    from twinlens.cli.passes import migrate_locked  # noqa: PLC0415

    show_result(migrate_locked(config_of(context), "down", target), as_json, tables.show_facts)
