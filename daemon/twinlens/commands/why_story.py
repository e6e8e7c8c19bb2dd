"""The story of a content as `why` tells it: who changed what and when, in the owner's words."""

import json
from typing import Any

from twinlens.model.decisions import Revision
from twinlens.store import group_story, orphans, references, revisions

_ACTORS = {
    revisions.OWNER: "you",
    revisions.RULES: "the rules",
    orphans.CLEANUP: "the cleanup",
    references.RECONCILE: "the reconciliation",
}

_GROUPS = {
    group_story.PHOTOGRAPH: ("one photograph", "a photograph by itself"),
    group_story.SERIES: ("a series", "in no series"),
    group_story.DUPLICATES: ("duplicates", "no duplicate of another"),
}


def story_of(sha256: str) -> list[dict[str, Any]]:
    """The revisions of a content as JSON, oldest first; `by` and `words` are for a person."""
    return [
        {
            "at": one.at,
            "actor": one.actor,
            "what": one.what,
            "before": one.before,
            "after": one.after,
            "by": _ACTORS.get(one.actor, one.actor),
            "words": _words(one),
        }
        for one in revisions.of_content(sha256)
    ]


def _words(one: Revision) -> str:
    before, after = _read(one.before), _read(one.after)
    if one.what in _GROUPS:
        together, alone = _GROUPS[one.what]
        sides = (_group(told, together, alone) for told in (before, after))
    elif one.what == "capture time":
        sides = (_time(told) for told in (before, after))
    elif isinstance(before, dict) and "path" in before:
        return _action(one, before, after)
    elif one.what == "reference count":
        return f"{before} files were counted, and there are {after}"
    elif one.what == "forgotten":
        return f"forgotten: it had no file since {before}"
    else:
        sides = (_decision(told) for told in (before, after))
    return f"{one.what}: {' → '.join(sides)}"


def _read(text: str | None) -> Any:
    """A side of a revision; what is no JSON is a word of its own."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _decision(told: Any) -> str:
    if not isinstance(told, dict) or "verb" not in told:
        return "nothing" if told is None else str(told)
    value = f" {told['value']}" if "value" in told else ""
    return f"{told['verb']}{value} (decision {told['decision']})"


def _time(told: Any) -> str:
    if not isinstance(told, dict):
        return "not known"
    return f"{str(told['taken']).replace('T', ' ')} by {told['source']}"


def _group(told: Any, together: str, alone: str) -> str:
    if not isinstance(told, dict):
        return alone
    names = [str(path).rpartition("/")[2] for path in told["files"]]
    more = f" and {told['more']} more" if told.get("more") else ""
    lead = f", led by {str(told['primary']).rpartition('/')[2]}" if told.get("primary") else ""
    return f"{together} of {', '.join(names)}{more}{lead}"


def _action(one: Revision, before: dict[str, Any], after: Any) -> str:
    told = after if isinstance(after, dict) else {}
    step = f" (action {told['action']}.{told['step']})" if "action" in told else ""
    kept = f"; kept: {told['kept']}" if "kept" in told else ""
    reason = f"; {told['reason']}" if told.get("reason") else ""
    return f"{one.what}: {before['path']}{kept}{reason}{step}"
