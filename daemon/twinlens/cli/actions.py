"""`apply`, `undo` and `trash` on the command line: the only verbs that change the owner's files."""

import math
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from twinlens.cli.options import AsJson, config_of, config_path, reading_database
from twinlens.cli.showing import path_text, print_columns, print_line, show_result, size_text
from twinlens.cli.tables import counted
from twinlens.errors import CannotRunError, UsageError

trash_app = typer.Typer(
    no_args_is_help=True, help="What actions have put aside: list, restore, empty."
)

MOST_SHOWN = 200
"""Steps that are printed one by one; `--json` has all of them."""


def apply(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, and change nothing.")
    ] = False,
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan", metavar="ID", help="Only if the plan is still the one that --dry-run named."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Act on exact copies as the config allows, at once; --dry-run shows the plan."""
    from twinlens.commands.apply import plan_of, shown  # noqa: PLC0415 - `status` must not wait

    config = config_of(context)
    made = plan_of(config, reading_database(config))
    if dry_run:
        show_result(made.as_result(), as_json, show_plan)
        return
    answer = run_action(context, "apply", {"plan": plan or made.id})
    if answer["action"] is None:
        show_result(made.as_result() | {"action": None}, as_json, show_plan)
        return
    result = shown(reading_database(config), int(answer["action"]))
    show_result(made.as_result() | result, as_json, show_action)
    if result["done"] < len(result["steps"]):
        raise typer.Exit(1)


def undo(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="An action (7) or a step (7.2); nothing: the newest."),
    ] = None,
    *,
    make_folders: Annotated[
        bool, typer.Option("--make-folders", help="Make a folder again that is gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take an action back: files return to where they were, with all that belonged to them."""
    result = run_action(context, "undo", {"what": what, "make_folders": make_folders})
    _show_undone(result, as_json)


@trash_app.command("list")
def trash_list(context: typer.Context, as_json: AsJson = False) -> None:
    """What lies in the trash, and from when on it may be removed."""
    from twinlens.commands.trash import list_trash  # noqa: PLC0415 - late, as above

    config = config_of(context)
    database = reading_database(config)
    result = list_trash(database, config.trash.retention_days, datetime.now(UTC))
    show_result(result, as_json, show_trash)


@trash_app.command("restore")
def trash_restore(
    context: typer.Context,
    items: Annotated[list[str], typer.Argument(help="Their names in `trash list`, such as 7.2.")],
    *,
    make_folders: Annotated[
        bool, typer.Option("--make-folders", help="Make a folder again that is gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give single files back to where they were."""
    results = [
        run_action(context, "undo", {"what": item, "make_folders": make_folders}) for item in items
    ]
    merged = {name: [one for r in results for one in r[name]] for name in ("done", "failed")}
    _show_undone(merged, as_json)


@trash_app.command("empty")
def trash_empty(
    context: typer.Context,
    items: Annotated[
        list[str] | None, typer.Argument(help="Only these, by their names in `trash list`.")
    ] = None,
    *,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Do not wait for trash.retention_days.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove files for good of which another copy is found and read; all others stay."""
    result = run_action(context, "empty", {"at_once": at_once, "only": items or []})
    show_result(result, as_json, show_emptied)
    if result["kept"]:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Make the verbs known to the command line."""
    app.command()(apply)
    app.command()(undo)
    app.add_typer(trash_app, name="trash")


def run_action(context: typer.Context, verb: str, argument: dict[str, Any]) -> dict[str, Any]:
    """Carry the verb out here, or let the daemon do so and wait for as long as it takes."""
    from twinlens.cli.passes import run_pass  # noqa: PLC0415 - late, as above
    from twinlens.host.lock import holder  # noqa: PLC0415
    from twinlens.host.requests import Spool  # noqa: PLC0415

    path = config_path(context)
    database = config_of(context).database.path
    if holder(database) is None:
        return run_pass(path, verb, argument)

    def sleep(seconds: float, where: Path = database) -> None:
        time.sleep(seconds)
        if holder(where) is None:
            raise CannotRunError(
                "the daemon has ended before it answered",
                "what it was in the middle of is taken back at its next start",
            )

    spool = Spool(database)
    answer = spool.wait(spool.put(verb, argument), math.inf, sleep) or {}
    if "error" in answer:
        raise UsageError(str(answer["error"]), str(answer.get("advice", "")))
    return answer


def _show_undone(result: dict[str, Any], as_json: bool) -> None:
    show_result(result, as_json, show_undone)
    if result["failed"]:
        raise typer.Exit(1)


def show_plan(out: Console, plan: dict[str, Any]) -> None:
    """The plan, step by step, and what is spared."""
    for step in plan["steps"][:MOST_SHOWN]:
        print_line(out, f"{escape(step['kind'])}  {path_text(step['victim'])}")
        print_line(out, f"    stays: {path_text(step['keeper'])}  ({escape(step['rule'])})")
    _count_the_rest(out, plan["steps"])
    for one in plan["spared"][:MOST_SHOWN]:
        paths = ", ".join(path_text(path) for path in one["paths"])
        print_line(out, f"spared  {paths}  ({escape(one['reason'])})")
    _count_the_rest(out, plan["spared"])
    if not plan["steps"]:
        print_line(out, "nothing to do")
        return
    size = size_text(plan["reclaimable_bytes"])
    steps = counted(len(plan["steps"]), "step")
    print_line(out, f"plan {plan['plan']}: {steps}, {size} to be gained")


def show_action(out: Console, action: dict[str, Any]) -> None:
    """What became of each step."""
    for step in action["steps"][:MOST_SHOWN]:
        reason = f"  ({escape(step['reason'])})" if step["reason"] else ""
        line = f"{step['id']}  {step['state']}  {step['kind']}  {path_text(step['victim'])}"
        print_line(out, f"{line}{reason}")
    _count_the_rest(out, action["steps"])
    print_line(
        out,
        f"action {action['action']}: {action['done']} done, {action['refused']} refused, "
        f"{action['held']} held; take it back with: twinlens undo {action['action']}",
    )


def show_undone(out: Console, result: dict[str, Any]) -> None:
    """What came back, and what did not."""
    for one in result["done"]:
        reason = f"  ({escape(one['reason'])})" if one["reason"] else ""
        print_line(out, f"{one['id']}  back  {path_text(one['path'])}{reason}")
    for one in result["failed"]:
        sys.stderr.write(f"twinlens: {one['id']}: {one['reason']}\n")


def show_trash(out: Console, result: dict[str, Any]) -> None:
    """What lies in the trash."""
    if result["items"]:
        print_columns(out, ("id", ">size", "kept until", "where it was"), _items(result["items"]))
    for stray in result["strays"]:
        place = path_text(os.path.join(stray["root"], ".twinlens/trash", stray["token"]))
        print_line(out, f"not in the journal: {place}")
    if not result["items"] and not result["strays"]:
        print_line(out, "the trash is empty")


def _items(items: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    for item in items:
        state = "" if item["state"] == "done" else f"  {item['state']}: {escape(item['reason'])}"
        until = item["may_be_emptied_at"][:10]
        yield item["id"], size_text(item["size"]), until, path_text(item["victim"]) + state


def show_emptied(out: Console, result: dict[str, Any]) -> None:
    """What was removed for good."""
    size = size_text(result["freed_bytes"])
    removed = counted(result["removed"], "file")
    print_line(out, f"{removed} removed, {size} freed, {result['waiting']} left for later")
    for one in result["kept"]:
        sys.stderr.write(f"twinlens: {one['id']} stays: {one['reason']}\n")


def _count_the_rest(out: Console, rows: list[Any]) -> None:
    if len(rows) > MOST_SHOWN:
        print_line(out, f"and {len(rows) - MOST_SHOWN} more; see --json")
