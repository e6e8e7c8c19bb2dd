"""One function a verb: what a person sees of its result."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape

from twinlens.cli.showing import (
    fact_table,
    path_text,
    plain_table,
    seconds_text,
    size_text,
)

STATE_STYLES = {
    "ok": "green",
    "online": "green",
    "success": "green",
    "warning": "yellow",
    "suspect": "yellow",
    "unreachable": "red",
    "changed": "red",
    "error": "red",
    "broken": "red",
    "unreadable": "red",
    "failed": "red",
}


def styled(state: str) -> str:
    """A state in its colour."""
    style = STATE_STYLES.get(state)
    return f"[{style}]{escape(state)}[/{style}]" if style else escape(state)


def show_scan(out: Console, result: dict[str, Any]) -> None:
    """What a scan did."""
    changes = [
        f"{result[name]} {name}"
        for name in ("added", "changed", "moved", "gone", "unchanged")
        if result[name]
    ]
    speed = result["bytes_read"] / max(result["seconds"], 0.001)
    read = f"{size_text(result['bytes_read'])} in {seconds_text(result['seconds'])}"
    out.print(
        fact_table(
            [
                ("files", f"{result['files']}, {result['originals']} different contents"),
                ("this scan", ", ".join(changes) or "nothing to do"),
                ("read", f"{read} ({size_text(speed)}/s)"),
            ]
        )
    )


def show_status(out: Console, status: dict[str, Any]) -> None:
    """What is known, waiting, failing."""
    queue = status["queue"]
    groups = [f"{n} {name}" for name, n in status["groups"].items() if n]
    duplicates = [f"{n} {name.replace('_', '-')}" for name, n in status["duplicates"].items() if n]
    states = [f"{n} {styled(s)}" for s, n in status["states"].items() if s != "ok"]
    kinds = [f"{n} {kind}" for kind, n in sorted(status["kinds"].items())]
    running = "[green]running[/green]" if status["running"] else "[yellow]not running[/yellow]"
    out.print(
        fact_table(
            [
                ("daemon", running),
                (
                    "files",
                    f"{status['files']} ({', '.join(kinds) or 'none'}), "
                    f"{size_text(status['bytes'])}, {status['originals']} different contents",
                ),
                ("not well", ", ".join(states) or "none"),
                ("groups", ", ".join(groups) or "none"),
                (
                    "duplicates",
                    f"{', '.join(duplicates) or 'none'}; exact copies take "
                    f"{size_text(status['reclaimable_bytes'])}",
                ),
                (
                    "queue",
                    f"{queue['pending']} waiting, {queue['running']} under way, "
                    f"{queue['failed']} given up",
                ),
                ("orphans", str(status["orphans"])),
            ]
        )
    )
    table = plain_table("root", "state", "watched by", ">files", "last scan", "remarks")
    for root in status["roots"]:
        remarks = root["detail"] if root["state"] != "online" else root["watch_detail"]
        if root["overflows"]:
            remarks += f"; events were lost {root['overflows']} times"
        table.add_row(
            path_text(root["path"]),
            styled(root["state"]),
            root["watch"],
            str(root["files"]),
            (root["last_scan_at"] or "never").replace("T", " ").replace("+00:00", " UTC"),
            escape(remarks),
        )
    out.print()
    out.print(table)
    for failure in status["given_up"]:
        out.print(
            f"[red]given up[/red] after {failure['attempts']} tries: "
            f"{escape(failure['error'])}: {path_text(failure['path'])}"
        )


def show_files(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Every live file."""
    table = plain_table("state", "kind", ">size", ">pixels", "taken", "sure", "path")
    count = 0
    for row in rows:
        count += 1
        pixels = f"{row['width']}x{row['height']}" if row["width"] else ""
        name = path_text(row["path"])
        if row["error"]:
            name += f"  [red]{escape(row['error'])}[/red]"
        table.add_row(
            styled(row["status"]),
            row["kind"] or "",
            size_text(row["size"]),
            pixels,
            (row["taken_at"] or "").replace("T", " "),
            row["taken_at_confidence"],
            name,
        )
    out.print(table)
    out.print(f"{count} files")


def show_groups(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Files that are one photograph."""
    count = 0
    for row in rows:
        count += 1
        out.print(f"[bold]{row['group_type']}[/bold]  {escape(row['rule'])}")
        for member in row["members"]:
            mark = "*" if member["is_primary"] else " "
            out.print(f"  {mark} {member['file_type']:<8} {path_text(member['path'])}")
    out.print(f"{count} groups; * stands for its group")


def show_duplicates(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Contents that show the same."""
    count = total = 0
    for row in rows:
        count += 1
        if row["class"] != "similar":
            total += row["reclaimable_bytes"]
        out.print(
            f"[bold]{row['class'].replace('_', '-')}[/bold]  {row['confidence']:.0f} % sure, "
            f"{size_text(row['reclaimable_bytes'])}  {escape(row['rule'])}"
        )
        for member in row["members"]:
            mark = "*" if member["is_primary"] else " "
            out.print(f"  {mark} {member['similarity']:>5.1f} %  {path_text(member['path'])}")
    out.print(f"{count} groups; * would be kept; copies take {size_text(total)} more than needed")


def show_why(out: Console, why: dict[str, Any]) -> None:
    """Everything behind what is said of a file."""
    file, content = why["file"], why["content"]
    out.print(f"[bold]{path_text(file['path'])}[/bold]")
    facts = [("state", styled(file["status"]))]
    if file["error"]:
        facts.append(("because", escape(file["error"])))
    facts += [
        ("content", f"{file['media_type']}, {size_text(file['size'])}, sha256 {file['sha256']}"),
        ("picture", f"{file['width']} x {file['height']}, orientation {file['orientation']}"),
        ("camera", escape(f"{file['make'] or '?'} / {file['model'] or '?'}")),
        ("quality", f"{file['quality_score']}"),
    ]
    if content is not None:
        facts.append(("referred to by", f"{content['reference_count']} files"))
        fingerprint = content["fingerprint"]
        if fingerprint and fingerprint["is_degenerate"]:
            facts.append(("fingerprint", f"not compared: {escape(str(fingerprint['reason']))}"))
        elif fingerprint:
            facts.append(("fingerprint", f"pHash {fingerprint['phash']}"))
        if content["place"]:
            place = content["place"]
            facts.append(("place", f"{place['latitude']:.5f}, {place['longitude']:.5f}"))
    out.print(fact_table(facts))
    taken = why["taken_at"]
    if taken is not None:
        out.print(
            f"\ntaken at [bold]{taken['value'] or 'unknown'}[/bold] "
            f"({taken['confidence']}, from {taken['source']})"
        )
        for candidate in taken["candidates"]:
            rejected = f"  rejected: {candidate['rejected']}" if candidate["rejected"] else ""
            out.print(
                f"  rank {candidate['rank']:>2}  {escape(candidate['value'])}  "
                f"{escape(candidate['source'])}{escape(rejected)}"
            )
    for words in why["left_open"]:
        out.print(f"\nleft open: {escape(words)}")
    if why["groups"]:
        out.print()
        show_groups(out, why["groups"])
        for group in why["groups"]:
            for member in group["members"]:
                out.print(f"  because: {escape(member['evidence'])}")
    if why["duplicates"]:
        out.print()
        show_duplicates(out, why["duplicates"])


def show_jobs(out: Console, rows: Iterable[dict[str, Any]]) -> None:
    """Long passes."""
    table = plain_table(">id", "job", "state", ">done", ">failed", ">of", "begun", "remarks")
    for row in rows:
        table.add_row(
            str(row["id"]),
            row["name"],
            styled(row["state"]),
            str(row["succeeded"]),
            str(row["failed"]),
            "?" if row["total"] is None else str(row["total"]),
            (row["started_at"] or "").replace("T", " ").replace("+00:00", ""),
            escape(row["error"] or ""),
        )
    out.print(table)


def show_doctor(out: Console, report: dict[str, Any]) -> None:
    """What twinlens stands on."""
    table = plain_table("", "what", "how it is")
    for check in report["checks"]:
        words = escape(check["detail"])
        if check["advice"]:
            words += f"\n[bold]{escape(check['advice'])}[/bold]"
        table.add_row(styled(check["state"]), check["check"], words)
    out.print(table)


def show_facts(out: Console, result: dict[str, Any]) -> None:
    """An object of plain facts."""
    facts = []
    for name, value in result.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        facts.append((name.replace("_", " "), escape(text) or "none"))
    out.print(fact_table(facts))
