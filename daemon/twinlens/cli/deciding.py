"""`decide` on the command line: the owner's word, recorded here or by the daemon."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from twinlens.cli import showing
from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.showing import path_text, print_line, visible
from twinlens.errors import UsageError
from twinlens.model.paths import to_text

LONGEST_REQUEST = 900_000
"""Characters that fit into a request to the daemon."""


def decide(
    context: typer.Context,
    verb: Annotated[
        str,
        typer.Argument(
            help="keep, discard, not-duplicate, date, tag or primary; list or withdraw."
        ),
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="The files; for withdraw the numbers that list shows, for list nothing or files."
        ),
    ] = None,
    *,
    value: Annotated[
        str | None, typer.Option("--value", metavar="V", help="The date or the tag.")
    ] = None,
    with_withdrawn: Annotated[
        bool, typer.Option("--all", help="With list: those that were withdrawn, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is to be kept, what is no duplicate, when it was taken; list it, take it back."""
    named = paths or []
    if with_withdrawn and verb != "list":
        raise UsageError("--all belongs to list", "leave it out")
    if value is not None and verb in ("list", "withdraw"):
        raise UsageError(f"{verb} takes no value", "leave --value out")
    if verb == "list":
        result, show = _list(context, named, with_withdrawn=with_withdrawn), show_list
    elif verb == "withdraw":
        result, show = _run(context, "withdraw", {"ids": named}), show_withdrawn
    else:
        result, show = _run(context, "decide", _argument(verb, named, value)), show_decided
    if as_json:
        showing.print_json(result)
    else:
        show(showing.console(), result)


def _argument(verb: str, paths: list[str], value: str | None) -> dict[str, Any]:
    from twinlens.commands.named_file import absolute  # noqa: PLC0415 - late, as in main

    return {"verb": verb, "paths": [to_text(absolute(path)) for path in paths], "value": value}


def _run(context: typer.Context, verb: str, argument: dict[str, Any]) -> dict[str, Any]:
    from twinlens.cli.passes import run_pass  # noqa: PLC0415 - late, as in main
    from twinlens.commands.decide import shown  # noqa: PLC0415

    if len(json.dumps(argument)) > LONGEST_REQUEST:
        raise UsageError("these are too many files for one call", "name fewer")
    result = run_pass(config_path(context), verb, argument)
    decisions = shown(reading_database(config_of(context)), result.pop("ids"))
    return result | {"decisions": decisions}


def _list(context: typer.Context, paths: list[str], *, with_withdrawn: bool) -> dict[str, Any]:
    from twinlens.commands.decide import list_decisions  # noqa: PLC0415 - late, as in main
    from twinlens.commands.named_file import absolute  # noqa: PLC0415
    from twinlens.service.ignoring import reason_to_ignore  # noqa: PLC0415

    config = config_of(context)
    return list_decisions(
        reading_database(config),
        [absolute(path) for path in paths],
        lambda where: reason_to_ignore(config, where),
        with_withdrawn=with_withdrawn,
    )


def show_decided(out: Console, result: dict[str, Any]) -> None:
    """What was recorded."""
    for decision in result["decisions"]:
        print_line(out, decision_text(decision))
    if result["replaced"]:
        numbers = ", ".join(map(str, result["replaced"]))
        print_line(out, f"in place of {numbers}, which no longer stands")


def show_withdrawn(out: Console, result: dict[str, Any]) -> None:
    """What was taken back."""
    for decision in result["decisions"]:
        print_line(out, f"taken back: {decision_text(decision)}")


def show_list(out: Console, result: dict[str, Any]) -> None:
    """Decisions, one a line."""
    for decision in result["decisions"]:
        print_line(out, decision_text(decision, with_time=True))
    if not result["decisions"]:
        print_line(out, "no decisions")


def decision_text(decision: dict[str, Any], *, with_time: bool = False) -> str:
    """A decision in one line of markup, its number first."""
    said = decision["verb"]
    if decision["value"] is not None:
        is_path = said == "discard" or (said == "primary" and not _has_moved(decision))
        has_moved = said == "primary" and not is_path
        if is_path:
            said += f"  {path_text(decision['value'])}"
            return _timed(decision, said, with_time=with_time)
        if not has_moved:
            said += f" {visible(decision['value'])}"
    text = f"{said}  {_some_path(decision['paths'], decision['sha256'])}"
    if decision["other_sha256"]:
        text += f"  and  {_some_path(decision['other_paths'], decision['other_sha256'])}"
    return _timed(decision, text, with_time=with_time)


def _timed(decision: dict[str, Any], text: str, *, with_time: bool) -> str:
    line = f"[bold]{decision['id']:>4}[/bold]  "
    if with_time:
        line += f"{decision['decided_at'].replace('T', ' ').replace('+00:00', ' UTC')}  "
    line += text
    if with_time and decision["withdrawn_at"]:
        line += f"  (withdrawn {decision['withdrawn_at'].replace('T', ' ')[:19]} UTC)"
    return line


def _has_moved(decision: dict[str, Any]) -> bool:
    """Whether the file that was named is elsewhere by now: the choice holds for its content."""
    return bool(decision["paths"]) and decision["value"] not in decision["paths"]


def _some_path(paths: list[str], sha256: str) -> str:
    if not paths:
        return f"content {sha256[:16]}, which no file holds now"
    more = f" (and {len(paths) - 1} more of the same content)" if len(paths) > 1 else ""
    return f"{path_text(paths[0])}{more}"
