"""`verify` on the command line: what reading files again has found."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli import showing
from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.showing import path_text, print_facts, print_line, size_text
from twinlens.cli.tables import counted, when
from twinlens.errors import UsageError


def verify(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files or folders; nothing: what is known.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Read every file again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read files again and say which have rotted; with nothing, what was found so far."""
    from twinlens.commands.verify import state  # noqa: PLC0415 - `status` answers before it loads

    if paths and everything:
        raise UsageError("--all reads every file", "leave the paths out, or --all")
    result: dict[str, Any] = {}
    if paths or everything:
        from twinlens.cli.rereading import read_again  # noqa: PLC0415 - as above

        result["this"] = read_again(config_path(context), paths or [], is_quiet=as_json)
    result |= state(reading_database(config_of(context)))
    if as_json:
        showing.print_json(result)
    else:
        show_verify(showing.console(), result)
    if result["damages"]:
        raise typer.Exit(1)


def show_verify(out: Console, result: dict[str, Any]) -> None:
    """What reading again has found."""
    facts = []
    if now := result.get("this"):
        found = [f"{now[name]} {name}" for name in ("sound", "changed", "rotten", "unreadable")]
        files = counted(now["files"], "file")
        facts.append(("this time", f"{files}, {size_text(now['bytes_read'])}"))
        facts.append(("", ", ".join(found)))
    facts += [
        ("sound", f"{counted(result['sound'], 'file')}, each when it was last read again"),
        ("never", f"{counted(result['never'], 'file')} not read again since first seen"),
        ("oldest", f"the longest ago that one was read is {when(result['oldest'])}"),
    ]
    if vault := result["vault"]:
        bad = f"{vault['rotten']} rotten, {vault['unreadable']} unreadable"
        facts.append(("vault", f"{counted(vault['kept'], 'object')}, {bad}: twinlens vault verify"))
    print_facts(out, facts)
    for damage in result["damages"]:
        print_line(out, f"[red]{damage['verdict']}[/red] {path_text(damage['path'])}")
        print_line(out, f"    {escape(damage['error'] or '')}, since {damage['found_at']}")
        print_line(out, f"    → {escape(damage['advice'])}")
