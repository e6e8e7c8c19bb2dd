"""One function a verb: what a person sees of its result."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape

from twinlens.cli.showing import (
    path_text,
    print_columns,
    print_facts,
    print_line,
    seconds_text,
    size_text,
)

STATE_STYLES = {
    "ok": "green",
    "online": "green",
    "success": "green",
    "warning": "yellow",
    "unjudged": "yellow",
    "suspect": "yellow",
    "unreachable": "red",
    "changed": "red",
    "error": "red",
    "broken": "red",
    "unreadable": "red",
    "failed": "red",
}


def styled(state: str, width: int = 0) -> str:
    """A state in its colour, padded to a width."""
    style = STATE_STYLES.get(state)
    text = escape(state.ljust(width))
    return f"[{style}]{text}[/{style}]" if style else text


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def when(text: str | None) -> str:
    """A time of the store, for people."""
    return (text or "never").replace("T", " ").replace("+00:00", " UTC")


def show_scan(out: Console, result: dict[str, Any]) -> None:
    """What a scan did."""
    changes = [
        f"{result[name]} {name}"
        for name in ("added", "changed", "moved", "gone", "unchanged")
        if result[name]
    ]
    if result["reread"]:
        changes.append(f"{result['reread']} of these read again")
    speed = result["bytes_read"] / max(result["seconds"], 0.001)
    read = f"{size_text(result['bytes_read'])} in {seconds_text(result['seconds'])}"
    print_facts(
        out,
        [
            ("files", f"{result['files']}, {result['originals']} different contents"),
            ("this scan", ", ".join(changes) or "nothing to do"),
            ("read", f"{read} ({size_text(speed)}/s)" if result["bytes_read"] else "nothing"),
        ],
    )


def complaints(result: dict[str, Any]) -> list[str]:
    """What a scan has to say of the files that it read and that are not well."""
    words = []
    if failed := result["failed"]:
        words.append(
            f"{counted(failed, 'file')} {'is' if failed == 1 else 'are'} broken or unreadable "
            f"among those read; see all with: twinlens files --state broken, or unreadable"
        )
    for reason, number in result["unjudged"].items():
        words.append(
            f"{counted(number, 'file')} could not be judged ({reason}); see all with: "
            f"twinlens files --state unjudged"
        )
    return words


def show_status(out: Console, status: dict[str, Any]) -> None:
    """What is known, waiting, failing."""
    queue = status["queue"]
    groups = [f"{n} {name}" for name, n in status["groups"].items() if n]
    duplicates = [f"{n} {name.replace('_', '-')}" for name, n in status["duplicates"].items() if n]
    words = {"waiting": "empty"}
    states = [f"{n} {styled(words.get(s, s))}" for s, n in status["states"].items() if s != "ok"]
    unread = sum(root["unread"]["count"] for root in status["roots"])
    if unread:
        states.append(f"[red]{counted(unread, 'folder')} not read[/red]")
    kinds = [f"{n} {kind}" for kind, n in sorted(status["kinds"].items())]
    running = "[green]running[/green]" if status["running"] else "[yellow]not running[/yellow]"
    copies = f"; exact copies take {size_text(status['reclaimable_bytes'])}"
    facts = [
        ("daemon", running),
        ("files", f"{status['files']} ({', '.join(kinds) or 'none'})"),
        ("", f"{size_text(status['bytes'])}, {status['originals']} different contents"),
        ("not well", ", ".join(states) or "none"),
        *(("left out", f"[yellow]{escape(words)}[/yellow]") for words in status["left_out"]),
        ("groups", ", ".join(groups) or "none"),
        ("duplicates", ", ".join(duplicates) + copies if duplicates else "none"),
        (
            "queue",
            f"{queue['pending']} waiting, {queue['running']} under way, {queue['failed']} given up",
        ),
        *(("pass", _pass_words(job)) for job in status["jobs"]),
        ("orphans", f"{counted(status['orphans'], 'content')} that no file holds any more"),
    ]
    damaged = status["verification"]["rotten"] + status["verification"]["unreadable"]
    if damaged:
        facts.append(("damaged", f"[red]{counted(damaged, 'file')}[/red]: see twinlens verify"))
    if vault := status["vault"]:
        held = f"{vault['kept']} originals kept, {vault['lacking']} lacking"
        trouble = f": [yellow]{escape(vault['trouble'])}[/yellow]" if vault["trouble"] else ""
        facts.append(("vault", held + trouble))
    if status["unwatched_files"]:
        facts.append(
            (
                "unwatched",
                f"{counted(status['unwatched_files'], 'file')} of folders no longer in the config",
            )
        )
    webhooks = status["webhooks"]
    if webhooks["waiting"] or webhooks["given_up"]:
        facts.append(
            (
                "webhooks",
                f"{webhooks['waiting']} messages waiting, {webhooks['given_up']} given up; "
                f"last error: {escape(webhooks['last_error'] or 'none')}",
            )
        )
    print_facts(out, facts)
    for root in status["roots"]:
        out.print()
        _show_root(out, root)
    for failure in status["given_up"]:
        print_line(
            out,
            f"[red]given up[/red] after {counted(failure['attempts'], 'try', 'tries')}: "
            f"{escape(failure['error'])}: {path_text(failure['path'])}",
        )


def _pass_words(job: dict[str, Any]) -> str:
    """How far a pass is that has not ended, and what it waits for."""
    things = "files that are new or changed" if job["name"] == "scan" else "things"
    if job["left"] is not None:
        how_far = f"{job['left']} of {job['total']} {things} are still to be looked at"
    elif job["state"] == "pending":
        how_far = "not begun"
    else:
        how_far = "looks for what there is to do"
    waits = f"; waits: {job['waits_for']}" if job["waits_for"] else ""
    return escape(f"{job['name']} (job {job['id']}): {how_far}{waits}")


def _show_root(out: Console, root: dict[str, Any]) -> None:
    state = styled(root["state"])
    if root["state"] != "online":
        state += f": {escape(root['detail'])}"
    watched = f"by {root['watch']}" if root["watch"] != "none" else "no"
    if root["watch_detail"]:
        watched += f" ({escape(root['watch_detail'])})"
    if root["overflows"]:
        watched += f"; events were lost {counted(root['overflows'], 'time')}"
    facts = [
        ("root", path_text(root["path"])),
        ("state", state),
        ("watched", watched),
        ("files", f"{root['files']}, all folders last gone through {when(root['last_scan_at'])}"),
    ]
    unread = root["unread"]
    for folder in unread["folders"]:
        words = f"[red]{escape(folder['reason'])}[/red]: {path_text(folder['path'])}"
        facts.append(("not read", words))
    if unread["count"] > len(unread["folders"]):
        facts.append(("", f"and {unread['count'] - len(unread['folders'])} more"))
    print_facts(out, facts)


def show_files(out: Console, rows: Iterable[dict[str, Any]], left_out: str | None = None) -> None:
    """Every live file, one a line, as they come; `left_out` says what `ok` does not mean."""
    print_line(
        out,
        f"[bold]{'state':<10}  {'kind':<7}  {'size':>7}  {'pixels':>11}  {'taken':<19}  "
        f"{'sure':<6}  path[/bold]",
    )
    count = 0
    for row in rows:
        count += 1
        pixels = f"{row['width']}x{row['height']}" if row["width"] else ""
        taken = (row["taken_at"] or "").replace("T", " ")[:19]
        error = f"  [red]({escape(row['error'])})[/red]" if row["error"] else ""
        print_line(
            out,
            f"{styled(row['status'], 10)}  {row['kind'] or '':<7}  {size_text(row['size']):>7}  "
            f"{pixels:>11}  {escape(taken):<19}  {row['taken_at_confidence']:<6}  "
            f"{path_text(row['path'])}{error}",
        )
    print_line(out, counted(count, "file"))
    if left_out is not None:
        print_line(out, f"[yellow]{escape(left_out)}[/yellow]")


def show_groups(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Files that are one photograph."""
    count = 0
    for row in rows:
        count += 1
        show_group(out, row)
        out.print()
    number = counted(count, "group")
    print_line(out, f"{number}; * stands for its group" if count else "no groups are known")


def show_group(out: Console, row: dict[str, Any]) -> None:
    """One group with its members."""
    types = [row["group_type"], *(t for t in row["group_types"] if t != row["group_type"])]
    print_line(out, f"[bold]{' + '.join(types)}[/bold]  {escape(row['rule'])}")
    if row.get("started_at"):
        camera = f", {row['camera']}" if row["camera"] else ""
        words = f"from {row['started_at']} on, {row['seconds']:g} s{camera}"
        print_line(out, f"    {escape(words)}")
    for member in row["members"]:
        mark = "*" if member["is_primary"] else " "
        number = f"{member['sequence']:>4} " if member["sequence"] is not None else ""
        print_line(out, f"  {mark} {number}{member['file_type']:<8} {path_text(member['path'])}")


def show_duplicates(
    out: Console, rows: Iterable[dict[str, Any]], left_out: str | None = None
) -> None:
    """Contents that show the same; `left_out` says what is not looked for."""
    numbers: dict[str, int] = {}
    copies = 0
    for row in rows:
        name = row["class"].replace("_", "-")
        numbers[name] = numbers.get(name, 0) + 1
        copies += row["reclaimable_bytes"] if name == "exact" else 0
        show_duplicate(out, row)
        out.print()
    found = ", ".join(f"{number} {name}" for name, number in numbers.items())
    number = counted(sum(numbers.values()), "group")
    print_line(out, f"{number}: {found}; * stands first" if found else "no duplicates are known")
    if left_out is not None:
        print_line(out, f"[yellow]{escape(left_out)}[/yellow]")
    if copies:
        print_line(out, f"exact copies take {size_text(copies)}")


def show_duplicate(out: Console, row: dict[str, Any]) -> None:
    """One group of duplicates with its members."""
    name = row["class"].replace("_", "-")
    print_line(
        out,
        f"[bold]{name}[/bold]  {row['confidence']:.0f} % sure, "
        f"{size_text(row['reclaimable_bytes'])}  {escape(row['rule'])}"
        + ("  [green]reviewed[/green]" if row["reviewed"] else ""),
    )
    for member, further in _by_content(row):
        mark = "*" if member["is_primary"] else " "
        said = f"  [bold]{member['decision']}[/bold]" if member["decision"] else ""
        copies = f"  (and {counted(further, 'copy', 'copies')})" if further else ""
        print_line(
            out,
            f"  {mark} {member['similarity']:>5.1f} %  {path_text(member['path'])}{copies}{said}",
        )


def _by_content(row: dict[str, Any]) -> list[tuple[dict[str, Any], int]]:
    """The members, the one that stands first before all, and how many further copies of the same
    content and fate each stands for; exact copies are what their group is about."""
    ordered = sorted(row["members"], key=lambda m: (not m["is_primary"], -m["similarity"]))
    if row["class"] == "exact":
        return [(member, 0) for member in ordered]
    numbers = Counter((member["sha256"], member["decision"]) for member in ordered)
    firsts: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    for member in ordered:
        firsts.setdefault((member["sha256"], member["decision"]), member)
    return [(member, numbers[key] - 1) for key, member in firsts.items()]


def show_jobs(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Long passes."""
    print_columns(
        out,
        (">id", "job", "state", ">done", ">failed", ">of", "begun", "remarks"),
        [
            (
                str(row["id"]),
                escape(row["name"]),
                styled(row["state"]),
                str(row["succeeded"]),
                str(row["failed"]),
                "?" if row["total"] is None else str(row["total"]),
                when(row["started_at"]),
                escape(row["error"] or ""),
            )
            for row in rows
        ],
    )


def show_doctor(out: Console, report: dict[str, Any]) -> None:
    """What twinlens stands on."""
    for check in report["checks"]:
        state, name = styled(check["state"], 8), check["check"]
        print_line(out, f"{state} [bold]{name:<9}[/bold] {escape(check['detail'])}")
        if check["advice"]:
            print_line(out, f"{'':<18} → {escape(check['advice'])}")


def show_facts(out: Console, result: dict[str, Any]) -> None:
    """An object of plain facts."""
    facts = []
    for name, value in result.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        facts.append((name.replace("_", " "), escape(text) or "none"))
    print_facts(out, facts)
