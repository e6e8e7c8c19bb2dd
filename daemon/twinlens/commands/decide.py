"""`decide`: what the owner says of pictures, recorded with its time, listed, and taken back.

Everything is keyed by content. All paths of one call are taken, or none: they are checked first,
and written in one transaction together with what they change.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from twinlens.commands.named_file import Ignored, named_file
from twinlens.commands.said_value import said_date, said_tag
from twinlens.errors import UsageError
from twinlens.ingest.reconsider import reconsider
from twinlens.ingest.recorder import Touched
from twinlens.model.decisions import Decision, DecisionVerb, Statement
from twinlens.model.files import FileStatus
from twinlens.model.paths import printable, to_bytes, to_text
from twinlens.model.views import FileView
from twinlens.store import decisions as decisions_store
from twinlens.store import files as files_store
from twinlens.store import listing
from twinlens.store import originals as originals_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

MOST_PATHS = 1000
MOST_OF_PAIRS = 100
"""Paths of one `not-duplicate`: each pair among them is a decision of its own."""

MOST_REFUSALS = 5
"""Refusals that one message names; the rest are counted."""

WITH_VALUE = frozenset({DecisionVerb.DATE, DecisionVerb.TAG})


@dataclass(frozen=True, slots=True)
class DecisionRoom:
    """What deciding works with: the store, whoever groups anew, the clock, whose junk a path is."""

    database: Database
    writer: Writer
    regroup: Callable[[Touched], object]
    clock: Callable[[], datetime]
    ignored: Ignored

    def at(self) -> str:
        """The time as the store keeps it."""
        return self.clock().isoformat(timespec="seconds")


def decide(
    room: DecisionRoom, verb: str, paths: Sequence[str], value: str | None
) -> dict[str, Any]:
    """Record a decision on files, by absolute path; it takes effect at once.

    Returns ids only, because an answer of the daemon must stay small: `shown` makes them readable.
    Raises UsageError, with nothing recorded, where any of it cannot be meant.
    """
    said = _verb(verb)
    value = _checked_value(said, value, room.clock())
    if not paths:
        raise UsageError(f"{said} needs a file", f"twinlens decide {said} PATH…")
    most = MOST_OF_PAIRS if said is DecisionVerb.NOT_DUPLICATE else MOST_PATHS
    if len(paths) > most:
        raise UsageError(f"{len(paths)} files are too many for one {said}", f"{most} at most")
    wanted = [to_bytes(path) for path in paths]

    def work() -> dict[str, Any]:
        views = _decidable(wanted, room.ignored)
        statements = _statements(said, views, value)
        rivals = {_sha256(view): _rivals(view, said) for view in views}
        at = room.at()
        made: set[int] = set()
        replaced: list[int] = []
        for statement in statements:
            decision, old = decisions_store.record(statement, at, rivals[statement.sha256])
            made.add(decision.id)
            replaced += old
        _take_effect(room, statements)
        return {
            "verb": said.value,
            "value": value,
            "ids": sorted(made),
            "replaced": sorted(replaced),
        }

    return room.writer.call(work)


def withdraw(room: DecisionRoom, ids: Sequence[str]) -> dict[str, Any]:
    """Take standing decisions back, by their ids: all of them, or none."""
    if not ids:
        raise UsageError("withdraw needs the number of a decision", "see: twinlens decide list")
    numbers = sorted({_number(text) for text in ids})

    def work() -> dict[str, Any]:
        standing = [_standing(number) for number in numbers]
        at = room.at()
        for decision in standing:
            decisions_store.withdraw(decision, at)
        _take_effect(room, [decision.statement for decision in standing])
        return {"ids": numbers}

    return room.writer.call(work)


def shown(database: Database, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Decisions by their ids, as they are shown."""
    with database.reading():
        return shapes(d for number in ids if (d := decisions_store.get(number)) is not None)


def list_decisions(
    database: Database, paths: Sequence[bytes], ignored: Ignored, *, with_withdrawn: bool
) -> dict[str, Any]:
    """The decisions that stand, oldest first; those on the contents of files where any are named,
    and those that were withdrawn where they are asked for."""
    with database.reading():
        if not paths:
            found = decisions_store.listing(with_withdrawn=with_withdrawn)
        else:
            by_id = {
                decision.id: decision
                for path in paths
                if (original := named_file(path, ignored).original) is not None
                for decision in decisions_store.of_content(
                    original.sha256, with_withdrawn=with_withdrawn
                )
            }
            found = [by_id[number] for number in sorted(by_id)]
        return {"decisions": shapes(found)}


def shapes(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    """How decisions are shown, with the live files that they are about, the one that was named
    first. Inside a connection."""
    return [
        {
            "id": decision.id,
            "verb": decision.statement.verb.value,
            "value": decision.statement.value,
            "sha256": decision.statement.sha256,
            "paths": _paths(decision.statement.sha256, decision.statement.named),
            "other_sha256": decision.statement.other_sha256 or None,
            "other_paths": _paths(decision.statement.other_sha256, decision.statement.other_named),
            "decided_at": decision.decided_at,
            "withdrawn_at": decision.withdrawn_at,
        }
        for decision in decisions
    ]


def _paths(sha256: str, named: bytes | None) -> list[str]:
    original_id = originals_store.find_id(sha256) if sha256 else None
    if original_id is None:
        return []
    paths = [view.path for view in listing.files_of_original(original_id)]
    return [to_text(path) for path in sorted(paths, key=lambda path: path != named)]


def _verb(text: str) -> DecisionVerb:
    try:
        return DecisionVerb(text)
    except ValueError:
        known = ", ".join([*DecisionVerb, "list", "withdraw"])
        raise UsageError(f"there is no decision {text!r}", f"known: {known}") from None


def _checked_value(verb: DecisionVerb, value: str | None, now: datetime) -> str | None:
    if verb not in WITH_VALUE:
        if value is not None:
            raise UsageError(f"{verb} takes no value", "leave --value out")
        return None
    if value is None:
        example = "2019-05-01T10:20:30" if verb is DecisionVerb.DATE else "beach"
        raise UsageError(f"{verb} needs a value", f"add it: --value {example}")
    return said_date(value, now) if verb is DecisionVerb.DATE else said_tag(value)


def _decidable(paths: Iterable[bytes], ignored: Ignored) -> list[FileView]:
    """The files at these paths, each once; UsageError that names those that nothing can be said
    of."""
    views: dict[int, FileView] = {}
    refused: list[UsageError] = []
    for path in paths:
        try:
            view = named_file(path, ignored)
            _require_content(view)
        except UsageError as error:
            refused.append(error)
        else:
            views[view.file.id] = view
    if refused:
        _refuse(refused)
    return list(views.values())


def _require_content(view: FileView) -> None:
    """Raise UsageError where there is nothing that a decision could be tied to."""
    shown = printable(view.path)
    if view.file.status is FileStatus.GONE:
        raise UsageError(f"it is gone: {shown}", "what was decided of its content stays")
    if view.original is None:
        raise UsageError(
            f"it could not be read, so its content is not known: {shown}",
            f"{view.file.error or 'unreadable'}; mend that, and scan again",
        )
    if view.original.size == 0:
        raise UsageError(f"it is empty: {shown}", "wait until it has a content")


def _statements(
    verb: DecisionVerb, views: Sequence[FileView], value: str | None
) -> list[Statement]:
    if verb is DecisionVerb.NOT_DUPLICATE:
        return _rejected_pairs(views)
    if verb is DecisionVerb.PRIMARY:
        return _choices(views)
    if verb is DecisionVerb.DISCARD:
        named = {view.file.id for view in views}
        values = [_one_copy(view, named) for view in views]
    else:
        values = [value] * len(views)
    said = [
        Statement(verb, _sha256(view), value=value, named=view.path)
        for view, value in zip(views, values, strict=True)
    ]
    return list(dict.fromkeys(said))


def _one_copy(view: FileView, named: set[int]) -> str | None:
    """The path, where the content has other files that were not named: they are not discarded."""
    copies = listing.files_of_original(view.original.id) if view.original else ()
    others = [copy for copy in copies if copy.file.id not in named]
    return to_text(view.path) if others else None


def _rejected_pairs(views: Sequence[FileView]) -> list[Statement]:
    by_content: dict[str, FileView] = {}
    refused = []
    for view in views:
        same = by_content.setdefault(_sha256(view), view)
        if same is not view:
            refused.append(
                UsageError(
                    f"they are the same, byte for byte: {printable(same.path)} and "
                    f"{printable(view.path)}",
                    "to keep both, say: twinlens decide keep PATH",
                )
            )
    if refused:
        _refuse(refused)
    if len(views) < 2:
        raise UsageError(
            "not-duplicate is said of two files or more", "name all that are not the same picture"
        )
    return [
        Statement(
            DecisionVerb.NOT_DUPLICATE,
            one,
            other,
            named=by_content[one].path,
            other_named=by_content[other].path,
        )
        for one, other in combinations(sorted(by_content), 2)
    ]


def _choices(views: Sequence[FileView]) -> list[Statement]:
    refused = [
        UsageError(f"it is in no group: {printable(view.path)}", "a primary stands for a group")
        for view in views
        if not _is_in_a_group(view)
    ]
    if refused:
        _refuse(refused)
    chosen: dict[str, FileView] = {}
    for view in views:
        rivals = _rivals(view, DecisionVerb.PRIMARY)
        for sha256, other in chosen.items():
            if sha256 in rivals:
                raise UsageError(
                    f"they are in one group: {printable(other.path)} and {printable(view.path)}",
                    "only one of them can stand first; name one",
                )
        chosen[_sha256(view)] = view
    return [
        Statement(DecisionVerb.PRIMARY, sha256, value=to_text(view.path), named=view.path)
        for sha256, view in chosen.items()
    ]


def _is_in_a_group(view: FileView) -> bool:
    copies = listing.files_of_original(view.original.id) if view.original else ()
    return len(copies) > 1 or _rivals(view, DecisionVerb.PRIMARY) > {_sha256(view)}


def _rivals(view: FileView, verb: DecisionVerb) -> frozenset[str]:
    """The contents of the groups that a file is in, of which only one can be the primary."""
    if verb is not DecisionVerb.PRIMARY or view.original is None:
        return frozenset()
    members = {
        member.original_id
        for found in listing.perceptual_groups(view.original.id)
        for member in found.group.members
    }
    for photograph in listing.groups_of_file(view.file.id):
        records = (files_store.get_or_none(m.file_id) for m in photograph.group.members)
        members |= {r.original_id for r in records if r is not None and r.original_id is not None}
    return frozenset(o.sha256 for o in originals_store.get_many({*members, view.original.id}))


def _take_effect(room: DecisionRoom, statements: Iterable[Statement]) -> None:
    digests = {s.sha256 for s in statements} | {s.other_sha256 for s in statements}
    known = {originals_store.find_id(sha256) for sha256 in digests if sha256}
    reconsider([i for i in known if i is not None], room.regroup, room.clock)


def _standing(number: int) -> Decision:
    decision = decisions_store.get(number)
    if decision is None:
        raise UsageError(f"there is no decision {number}", "see: twinlens decide list")
    if decision.withdrawn_at is not None:
        raise UsageError(
            f"decision {number} was withdrawn already, at {decision.withdrawn_at}",
            "see: twinlens decide list --all",
        )
    return decision


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise UsageError(
            f"{text!r} is no number of a decision", "see the first column of: twinlens decide list"
        )
    return int(text)


def _sha256(view: FileView) -> str:
    if view.original is None:
        raise LookupError("a file without content was let through")
    return view.original.sha256


def _refuse(refused: Sequence[UsageError]) -> None:
    if len(refused) == 1:
        raise refused[0]
    words = [f"{error}; {error.advice}" for error in refused[:MOST_REFUSALS]]
    if len(refused) > MOST_REFUSALS:
        words.append(f"and {len(refused) - MOST_REFUSALS} more")
    raise UsageError("\n  ".join(["nothing was recorded:", *words]))
