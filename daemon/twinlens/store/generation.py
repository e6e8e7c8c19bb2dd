"""How a database that was put back from an older copy is noticed.

A number grows with each start, each backup and each cleanup. It is kept in the database and, right
after that is committed, in a small file beside it. Whoever puts an older database in place brings
an older number, and the file beside it tells. So does a power cut that took the last commits with
it: the database is then older than it was, too.

What an older database believes to be orphaned may have files by now. So the cleanup is frozen until
every root was scanned whole and the references were counted anew, in this order.
"""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import StoreError
from twinlens.model.paths import to_text
from twinlens.model.roots import RootState
from twinlens.store import jobs, meta, roots
from twinlens.store.database import advice_for

_KEY = "generation"
_FREEZE = "cleanup_freeze"


@dataclass(frozen=True, slots=True)
class Mark:
    """Which database it is (random, for life) and how far it has come."""

    identity: str
    number: int


InTransaction = Callable[[Callable[[], Mark]], Mark]
"""Runs a function in a transaction of the writer."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Why the cleanup is frozen and since when. `scans` holds, by root, the time of its last scan
    then: only another one than that is a scan since, whatever the clock says."""

    reason: str
    at: str
    scans: dict[str, str | None]


def advance(database: Path, call: InTransaction, at: str) -> str | None:
    """Look whether the database is older than it was, remember that, and count one further.

    Returns the reason where the database was found to be older by this very call. Raises
    StoreError where the file beside it cannot be read or written.
    """
    path = _path(database)
    beside = _read(path)
    found: list[str] = []

    def work() -> Mark:
        own = _stored()
        reason = _difference(own, beside)
        if reason is not None:
            found.append(reason)
            _write_freeze(reason, at)
        higher = max(own.number if own else 0, beside.number if beside else 0)
        mark = Mark(own.identity if own else secrets.token_hex(16), higher + 1)
        meta.write(_KEY, json.dumps({"identity": mark.identity, "number": mark.number}))
        return mark

    mark = call(work)
    # After the commit: a crash in between leaves a database that is ahead, which is no sign of age.
    _write(path, mark)
    return found[-1] if found else None


def freeze() -> Freeze | None:
    """Why the cleanup is frozen; None where it is not. Inside a connection."""
    text = meta.read(_FREEZE)
    return Freeze(**json.loads(text)) if text else None


def lift_if_known_again() -> bool:
    """End a freeze once every root was scanned since; for whoever has just counted the references
    anew, in the same transaction. Returns whether it did."""
    frozen = freeze()
    if frozen is None or not has_been_scanned(frozen):
        return False
    meta.write(_FREEZE, "")
    return True


def has_been_scanned(frozen: Freeze) -> bool:
    """Whether every root is online and was scanned whole since, with all of it recorded."""
    if any(job.name == "scan" for job in jobs.unfinished()):
        return False
    return all(
        record.state is RootState.ONLINE
        and record.last_scan_at is not None
        and record.last_scan_at != frozen.scans.get(to_text(record.path))
        for record in roots.active()
    )


def _difference(own: Mark | None, beside: Mark | None) -> str | None:
    if own is None:
        further = "the database is new, or was put back: another one had come further here"
        return further if beside else None
    if beside is None:
        return "the database was put here without the file that says how far it had come"
    if beside.identity == own.identity:
        behind = beside.number - own.number
        older = f"the database is older than it was, by {behind} of its passes: it was put back"
        return older if behind > 0 else None
    if beside.identity:
        return "another database stood here before"
    return "the file beside the database that says how far it had come cannot be read"


def _stored() -> Mark | None:
    text = meta.read(_KEY)
    return Mark(**json.loads(text)) if text else None


def _write_freeze(reason: str, at: str) -> None:
    scans = {to_text(record.path): record.last_scan_at for record in roots.every()}
    meta.write(_FREEZE, json.dumps({"reason": reason, "at": at, "scans": scans}))


def _path(database: Path) -> Path:
    return database.with_name(f"{database.name}.generation")


def _read(path: Path) -> Mark | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Mark(str(values["identity"]), int(values["number"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # Torn or overwritten: nothing is known of how far it had come.
        return Mark("", 0)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", advice_for(error)) from error


def _write(path: Path, mark: Mark) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump({"identity": mark.identity, "number": mark.number}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", advice_for(error)) from error
