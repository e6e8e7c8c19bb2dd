"""What `why` tells a person: the story of one file, in the order in which it is asked for.

Whatever comes from a file is shown with `visible`: metadata is data, and must not steer a terminal.
"""

from collections.abc import Callable
from typing import Any

from rich.console import Console

from twinlens.cli.deciding import decision_text
from twinlens.cli.showing import (
    path_text,
    print_columns,
    print_facts,
    print_line,
    size_text,
    visible,
)
from twinlens.cli.tables import counted, show_duplicate, styled, when

MOST_VERDICTS = 8
"""Members of a duplicate group of which the verdict is shown; all are in the JSON."""

Facts = list[tuple[str, str]]

KIND_WORDS = {
    "image": "picture",
    "raw": "RAW picture",
    "video": "video",
    "sidecar": "sidecar: facts about another file",
    "other": "no picture",
}


GROUP_WORDS = {
    "raw_jpeg": "RAW + JPEG",
    "live_photo": "live photo",
    "burst": "burst",
    "sidecar": "sidecar",
    "edited": "edited",
}


def show_why(out: Console, why: dict[str, Any]) -> None:
    """Everything behind what is said of a file."""
    print_line(out, f"[bold]{path_text(why['file']['path'])}[/bold]")
    print_facts(out, _file_facts(why))
    chapters: tuple[Callable[[Console, dict[str, Any]], None], ...] = (
        _show_time,
        _show_groups,
        _show_duplicates,
        _show_near_misses,
        _show_owner,
    )
    for show in chapters:
        show(out, why)


def _title(out: Console, words: str) -> None:
    print_line(out, f"\n[bold]{words}[/bold]")


def _file_facts(why: dict[str, Any]) -> Facts:
    file, content, waiting = why["file"], why["content"], why["waiting"]
    facts: Facts = [("state", _state(why))]
    if file["error"]:
        facts.append(("because", visible(file["error"])))
    if waiting is not None:
        facts.append(("queue", _queue(waiting)))
    if (unread := why["unread"]) is not None:
        words = f"could not be read by the last scan ({visible(unread['reason'])})"
        facts.append(("folder", f"{words}: {path_text(unread['path'])}"))
        facts.append(("", "what is said here is from before that"))
    facts += _name_facts(why)
    if content is None:
        facts.append(("content", "not known: it was never read whole"))
        return facts
    kind = KIND_WORDS.get(file["kind"] or "", "unknown")
    facts += [
        ("content", f"{kind}, {visible(file['media_type'])} by its bytes, {_size(file['size'])}"),
        ("sha256", str(content["sha256"])),
        ("held by", _holders(content)),
    ]
    if file["width"]:
        turned = f", orientation {file['orientation']}" if file["orientation"] else ""
        facts.append(("pixels", f"{file['width']} x {file['height']}{turned}"))
    return facts + _content_facts(file, content)


def _state(why: dict[str, Any]) -> str:
    file = why["file"]
    if file["status"] == "gone":
        return f"gone since {when(file['gone_since'])}; this is what was known of it"
    words = {
        "waiting": "empty: it is looked at again when it changes",
        "unjudged": "unjudged: it was read whole, and may well be sound",
    }
    state = str(words.get(file["status"]) or styled(file["status"]))
    if _is_of_header_alone(why):
        return f"{state}; not decoded: damage inside the picture would not show"
    return state


def _is_of_header_alone(why: dict[str, Any]) -> bool:
    return why["content"] is not None and bool(why["content"]["is_of_header_alone"])


def _queue(waiting: dict[str, Any]) -> str:
    tried = counted(waiting["attempts"], "try", "tries")
    error = f", the last one: {visible(waiting['last_error'])}" if waiting["last_error"] else ""
    if waiting["state"] == "failed":
        return f"given up after {tried}{error}; try again with: twinlens jobs retry"
    return f"to be looked at, after {tried}{error}" if waiting["attempts"] else "to be looked at"


def _name_facts(why: dict[str, Any]) -> Facts:
    name = why["name"]
    added = [
        f"{what} {visible(name[key])}"
        for key, what in (
            ("copy_mark", "copy mark"),
            ("edit_mark", "edit mark"),
            ("facet", "camera's mark"),
            ("burst_key", "burst"),
            ("grammar", "written by"),
        )
        if name.get(key)
    ]
    return [("name", f"{visible(name['stem'])}; {', '.join(added)}")] if added else []


def _size(size: int) -> str:
    return f"{size} bytes" if size < 1000 else f"{size_text(size)} ({size} bytes)"


def _holders(content: dict[str, Any]) -> str:
    held = content["references"]
    others = [
        words.format(counted(held[name], one))
        for name, one, words in (
            ("trash", "file", "{} in the trash"),
            ("jobs", "running job", "{}"),
            ("blobs", "copy", "{} in the vault"),
        )
        if held[name]
    ]
    if held["files"]:
        return ", ".join([counted(held["files"], "file"), *others])
    since = f", since {when(content['orphaned_at'])}" if content["orphaned_at"] else ""
    return ", ".join([f"no file any more{since}", *others])


def _content_facts(file: dict[str, Any], content: dict[str, Any]) -> Facts:
    metadata = content["metadata"]
    facts: Facts = []
    camera = [part for part in (file["make"], file["model"], metadata["lens"]) if part]
    if camera:
        facts.append(("camera", visible(", ".join(camera))))
    if metadata["software"]:
        facts.append(("software", visible(metadata["software"])))
    if metadata["has_embedded_video"]:
        facts.append(("inside", "a video: a motion picture"))
    if content["place"]:
        place = content["place"]
        where = f"{place['latitude']:.5f}, {place['longitude']:.5f} (geohash {place['geohash8']})"
        facts.append(("place", where))
    if file["quality_score"] is not None:
        facts.append(("quality", f"{file['quality_score']} of 100"))
    fingerprint = content["fingerprint"]
    if fingerprint:
        hashes = [f"{n} {fingerprint[n.lower()]}" for n in ("pHash", "dHash", "aHash", "wHash")]
        facts.append(("fingerprint", ", ".join(hashes)))
        if fingerprint["is_degenerate"]:
            reason = visible(fingerprint["reason"])
            facts.append(("", f"says nothing ({reason}): compared by exact pixels only"))
    return facts


def _show_time(out: Console, why: dict[str, Any]) -> None:
    taken = why["taken_at"]
    if taken is None:
        return
    if taken["value"] is None:
        _title(out, "When it was taken is not known")
    else:
        zone = f"zone {taken['zone']}" if taken["zone"] else "local time, its zone is not known"
        value = visible(taken["value"]).replace("T", " ")
        _title(out, f"Taken {value} ({zone}); confidence {taken['confidence']}")
    for reason in taken["because"]:
        print_line(out, f"  {visible(reason)}")
    rows = [
        (
            str(candidate["rank"]),
            visible(candidate["value"]),
            visible(candidate["source"]),
            visible(candidate["rank_means"]),
            visible(candidate["means"]),
        )
        for candidate in taken["candidates"]
    ]
    if rows:
        print_columns(out, (">rank", "said", "by", "which is", "and means"), rows)


def _show_groups(out: Console, why: dict[str, Any]) -> None:
    for group in why["groups"]:
        names = group["group_types"] or [group["group_type"]]
        ties = ", ".join(GROUP_WORDS.get(name, name) for name in names)
        is_burst = group["group_type"] == "burst"
        what = "Part of a series of shots" if is_burst else "One photograph together with others"
        _title(out, f"{what} ({ties})")
        print_line(out, f"  {visible(group['rule'])}")
        if group.get("seconds") is not None:
            start = visible(group["started_at"]).replace("T", " ")
            print_line(out, f"  {group['seconds']:.2f} s from {start}")
        for member in group["members"]:
            _show_member(out, member, why["file"]["path"])
    for words in why["left_open"]:
        _title(out, "Left open")
        print_line(out, f"  {visible(words)}")
    if not why["groups"] and not why["left_open"] and why["file"]["status"] != "gone":
        _title(out, "No other file of the same photograph is known")


def _show_member(out: Console, member: dict[str, Any], path: str) -> None:
    mark = "*" if member["is_primary"] else " "
    number = f" {member['sequence']:>3}" if member["sequence"] is not None else ""
    here = "  (this file)" if member["path"] == path else ""
    print_line(out, f"  {mark} {member['file_type']:<8}{number} {path_text(member['path'])}{here}")
    reasons = [member["rule"], member["evidence"]]
    shown = ": ".join(dict.fromkeys(visible(reason) for reason in reasons if reason))
    if shown:
        print_line(out, f"      because {shown}")
    if member["runner_up"]:
        print_line(out, f"      rather than {visible(member['runner_up'])}")


def _show_duplicates(out: Console, why: dict[str, Any]) -> None:
    for duplicate in why["duplicates"]:
        out.print()
        show_duplicate(out, duplicate)
        verdicts = duplicate.get("verdicts", [])
        for verdict in verdicts[:MOST_VERDICTS]:
            print_line(out, f"    with {path_text(verdict['path'])}: {visible(verdict['because'])}")
        if len(verdicts) > MOST_VERDICTS:
            print_line(out, f"    and {len(verdicts) - MOST_VERDICTS} more; see --json")
    if not why["duplicates"] and why["content"] is not None and why["file"]["size"]:
        if _is_of_header_alone(why):
            _title(out, "No exact copy of it is known; like pictures are not looked for")
            print_line(out, "  it was not decoded: similarity.enabled was false")
        else:
            _title(out, "No duplicate of it is known")


def _show_near_misses(out: Console, why: dict[str, Any]) -> None:
    if why["near_misses"]:
        _title(out, "Nearest pictures that are no duplicates of it")
    for miss in why["near_misses"]:
        print_line(out, f"  {path_text(miss['path'])}")
        print_line(out, f"      {visible(miss['because'])}")


def _show_owner(out: Console, why: dict[str, Any]) -> None:
    if why["decisions"] or why["tags"]:
        _title(out, "What you decided")
    if why["tags"]:
        print_line(out, f"  tags: {', '.join(visible(tag) for tag in why['tags'])}")
    for decision in why["decisions"]:
        print_line(out, f"  {decision_text(decision, with_time=True)}")
    if why["revisions"]:
        _title(out, "What was changed")
    for revision in why["revisions"]:
        words = f"{visible(revision['by'])}: {visible(revision['words'])}"
        print_line(out, f"  {when(revision['at'])}  {words}")
