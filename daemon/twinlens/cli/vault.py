"""`vault` on the command line: what it holds, filling it, reading it again, removing from it."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli import showing
from twinlens.cli.actions import run_action
from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.showing import path_text, print_facts, print_line, show_result, size_text
from twinlens.cli.tables import when
from twinlens.errors import UsageError
from twinlens.model.paths import to_text

vault_app = typer.Typer(
    no_args_is_help=True, help="A second store of all originals: status, fill, verify, repair, gc."
)


@vault_app.command("status")
def vault_status(context: typer.Context, as_json: AsJson = False) -> None:
    """What the vault holds, what it lacks, and when it was last looked at."""
    from twinlens.commands.vault import status  # noqa: PLC0415 - `status` answers before this loads

    config = config_of(context)
    result = status(reading_database(config), config.vault.place)
    show_result(result, as_json, show_status)
    if result["asks"] or result["rotten"] or result["unreadable"]:
        raise typer.Exit(1)


@vault_app.command("fill")
def vault_fill(
    context: typer.Context,
    *,
    new: Annotated[bool, typer.Option("--new", help="Make a vault of the empty place.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take the vault that is there for this library.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Store every original that the vault does not hold yet."""
    if new and adopt:
        raise UsageError("--new makes a vault, --adopt takes one that is there", "say one of them")
    if new or adopt:
        from twinlens.cli.passes import run_pass  # noqa: PLC0415

        run_pass(config_path(context), "vault_make", {"adopt": adopt})
    _run(context, "fill", {}, as_json)


@vault_app.command("verify")
def vault_verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Read every object of the vault again, and say which are not what they should be."""
    # The store keeps whole seconds: what was read within this one is read again too.
    before = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="seconds")
    _run(context, "verify", {"before": before}, as_json)


@vault_app.command("repair")
def vault_repair(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="The damaged file, as `verify` names it.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it could be mended from, change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mend a rotten file from a sound copy or from the vault; the rotten one goes to the trash."""
    argument = {"path": to_text(os.fsencode(os.path.abspath(path))), "dry_run": dry_run}
    result = run_action(context, "repair", argument)
    show_result(result, as_json, show_repair)
    if not (result["sources"] if dry_run else result["state"] == "done"):
        raise typer.Exit(1)


@vault_app.command("gc")
def vault_gc(
    context: typer.Context,
    *,
    accept: Annotated[
        bool, typer.Option("--accept", help="You have deleted as much as it asks about.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look the vault through, and take one step in removing what nothing refers to."""
    _run(context, "gc", {"accept": accept}, as_json)


def _run(context: typer.Context, name: str, argument: dict[str, object], as_json: bool) -> None:
    from twinlens.cli.vaulting import run_vault_pass  # noqa: PLC0415

    result = run_vault_pass(config_path(context), name, argument, is_quiet=as_json)
    show_result(result, as_json, show_pass)
    bad = ("failed", "rotten", "missing", "unreadable", "trouble", "asks", "frozen_by")
    if any(result.get(word) for word in bad):
        raise typer.Exit(1)


def show_status(out: Console, status: dict[str, Any]) -> None:
    """What is known of the vault."""
    facts = [
        ("place", path_text(status["place"] or "none")),
        ("kept", f"{status['kept']} originals, {size_text(status['bytes'])}"),
        ("lacking", f"{status['lacking']} originals"),
    ]
    for word in ("found", "rotten", "unreadable", "quarantined", "hardlinked"):
        if status[word]:
            facts.append((word, f"{status[word]} objects"))
    facts += [
        ("filled", when(status["last_fill_at"])),
        ("read", f"{when(status['last_verify_at'])}; the oldest {when(status['oldest_read'])}"),
        ("looked at", when(status["last_gc_at"])),
    ]
    print_facts(out, facts)
    for word in ("trouble", "asks"):
        if status[word]:
            print_line(out, f"[yellow]{escape(status[word])}[/yellow]")


def show_repair(out: Console, result: dict[str, Any]) -> None:
    """What became of the file, and where its bytes came from."""
    reason = f": {escape(result['reason'])}" if result["reason"] else ""
    print_line(out, f"{result['state']}  {path_text(result['path'])}{reason}")
    if result["source"]:
        print_line(out, f"    from {escape(result['source'])}")
    elif result["sources"]:
        print_line(out, f"    it could be mended from {escape(', '.join(result['sources']))}")
    if result["state"] == "done":
        print_line(out, f"    the rotten file is in the trash: twinlens undo {result['action']}")


def show_pass(out: Console, result: dict[str, Any]) -> None:
    """What a pass did."""
    facts = []
    for name, value in result.items():
        if name in ("trouble", "asks") or value in (0, [], ""):
            continue
        shown = size_text(value) if name == "bytes" else value
        text = "; ".join(map(str, value)) if isinstance(value, list) else str(shown)
        facts.append((name.replace("_", " "), escape(showing.visible(text))))
    print_facts(out, facts)
    for word in ("trouble", "asks"):
        if result.get(word):
            print_line(out, f"[yellow]{escape(showing.visible(str(result[word])))}[/yellow]")
