"""Copies of the database: complete, checked, and in place at once or not at all.

SQLite itself writes the copy (`VACUUM INTO`, from one moment of the database, beside a daemon that
goes on writing); the file's own bytes are never copied, which would miss what stands in the journal
beside it. The copy grows under another name, is brought to the disk, is checked, and only then
takes its name. SQLite does not sync what `VACUUM INTO` wrote (https://sqlite.org/lang_vacuum.html),
so that is done here.

Nothing here knows the watched folders: whoever names a target has to have refused those.
"""

import contextlib
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from twinlens.errors import StoreError
from twinlens.store.database import BUSY_SECONDS, advice_for

_HEADER = b"SQLite format 3\0"
_STAMP = "%Y%m%dT%H%M%SZ"
_UNFINISHED_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database. `made_at` is what its name says, aware; `number` grows by one with
    each copy in a folder, whatever the clock says."""

    path: Path
    number: int
    made_at: datetime


def is_database(path: Path) -> bool:
    """Whether a file begins as SQLite's do. Not for the live database: see `store.database`."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


def write(
    database: Path, target: Path, *, replace: bool = False, are_strays_refused: bool = True
) -> int:
    """Write a checked copy of `database` to `target`; returns its size in bytes.

    An existing `target` is replaced only with `replace`; rows that refer to one that is missing are
    kept only without `are_strays_refused`. Raises StoreError: nothing is then left at
    `target` that was not there before.
    """
    with _explained(target), _unfinished(target) as unfinished:
        _vacuum(database, unfinished)
        _require_sound(unfinished, are_strays_refused=are_strays_refused)
        _sync(unfinished)
        size = unfinished.stat().st_size
        if replace:
            os.replace(unfinished, target)
        else:
            _claim(unfinished, target)
        _sync(target.parent)
        return size


def numbered(folder: Path, name: str) -> list[Backup]:
    """The copies of the database `name` that `write_numbered` made in a folder, oldest first."""
    shape = re.compile(re.escape(name) + r"\.(\d{6,12})\.(\d{8}T\d{6}Z)\.backup")
    found = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", advice_for(error)) from error
    for entry in names:
        match = shape.fullmatch(entry)
        if match is None:
            continue
        # A name that only looks like one of ours may hold a 31st of February.
        with contextlib.suppress(ValueError):
            made_at = datetime.strptime(match[2], _STAMP).replace(tzinfo=UTC)
            found.append(Backup(folder / entry, int(match[1]), made_at))
    return sorted(found, key=lambda backup: (backup.number, backup.path.name))


def write_numbered(database: Path, folder: Path, now: datetime, keep: int) -> tuple[Backup, int]:
    """Write the next numbered copy, then remove all but the newest `keep`.

    Returns the copy and how many were removed. The numbers say what is oldest: a clock that was
    wrong for a week cannot make the good copies the old ones. Raises StoreError, with every older
    copy still there.
    """
    with _explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_unfinished(folder, now)
    known = numbered(folder, database.name)
    number = known[-1].number + 1 if known else 1
    stamp = now.astimezone(UTC).strftime(_STAMP)
    path = folder / f"{database.name}.{number:06d}.{stamp}.backup"
    write(database, path)
    removed = 0
    for old in known[: max(len(known) + 1 - keep, 0)]:
        with contextlib.suppress(OSError):
            os.unlink(old.path)
            removed += 1
    return Backup(path, number, now), removed


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise StoreError(
            f"{path}: exists already", "name another file, or add --force to replace it"
        ) from error
    except UnicodeError as error:
        raise StoreError(f"{path}: SQLite writes under UTF-8 names only", "name another") from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: {error}", advice_for(error)) from error


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """An empty file of a random name in the target's folder, for nobody else's eyes, and gone at
    the end where it is still there."""
    path = target.parent / f".twinlens-{secrets.token_hex(8)}.unfinished"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def _vacuum(database: Path, target: Path) -> None:
    # Read-only, so that it never checkpoints beside the one connection that writes.
    source = f"file:{quote(os.fsencode(database))}?mode=ro"
    with closing(sqlite3.connect(source, uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.execute("VACUUM INTO ?", (os.fsencode(target).decode("utf-8", "strict"),))


def _require_sound(copy: Path, *, are_strays_refused: bool) -> None:
    source = f"file:{quote(os.fsencode(copy))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(source, uri=True)) as connection:
        damages = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        strays = []
        if are_strays_refused:
            strays = connection.execute("PRAGMA foreign_key_check").fetchall()
        is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if damages != ["ok"] or is_empty:
        words = "it is empty" if is_empty else "; ".join(damages)
        raise StoreError(f"the copy was not kept, it is not sound: {words}", "look at the disk")
    if strays:
        raise StoreError(
            f"the copy was not kept: {len(strays)} rows refer to rows that are not there",
            "mend the database first: twinlens reconcile",
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _claim(unfinished: Path, target: Path) -> None:
    """Give the copy its name, unless something has it; raises FileExistsError."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (vfat, some shares): the name is claimed by an empty file first.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        os.replace(unfinished, target)


def _remove_unfinished(folder: Path, now: datetime) -> None:
    """What a kill left behind a day ago or longer."""
    for name in os.listdir(folder):
        path = folder / name
        if re.fullmatch(r"\.twinlens-[0-9a-f]{16}\.unfinished(-journal)?", name):
            with contextlib.suppress(OSError):
                if now.timestamp() - path.stat().st_mtime > _UNFINISHED_SECONDS:
                    path.unlink()
