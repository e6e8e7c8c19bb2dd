"""Opening the one SQLite database, safely.

One connection alone writes and checkpoints (`writer`); all others are query-only. That is needed
for more than order: SQLite 3.7.0 to 3.51.2 can lose acknowledged commits when two connections
write and checkpoint at once (fixed in 3.51.3, 3.50.7 and 3.44.6), and Debian 12 ships 3.40.1.

Nothing in this process may open the database's own files by `open()`: closing them would drop
SQLite's locks.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from peewee import DatabaseError, Model, PeeweeException, SqliteDatabase

from twinlens.errors import StoreError
from twinlens.store.tables import LIBRARY_TABLES
from twinlens.store.tables_care import CARE_TABLES
from twinlens.store.tables_owner import OWNER_TABLES
from twinlens.store.tables_vault import VAULT_TABLES
from twinlens.store.tables_work import WORK_TABLES

TABLES: tuple[type[Model], ...] = (
    *LIBRARY_TABLES,
    *WORK_TABLES,
    *OWNER_TABLES,
    *CARE_TABLES,
    *VAULT_TABLES,
)

BUSY_SECONDS = 10
CACHE_KIB = 8192


def has_wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Tell whether this SQLite may lose commits when two connections write and checkpoint."""
    if version >= (3, 51, 3) or version < (3, 7, 0):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


def advice_for(error: BaseException) -> str:
    """What the owner can do about an error of SQLite, from its words."""
    text = str(error).lower()
    table = (
        ("locked", "another program holds the database; close it, or wait"),
        ("full", "make room on the disk that holds the database; nothing recorded is lost"),
        ("disk i/o", "look at the disk that holds the database (dmesg); nothing recorded is lost"),
        ("malformed", "restore the last backup, or move the file away and scan again"),
        ("not a database", "the file is something else; move it away or set database.path"),
        ("readonly", "give the daemon's user the right to write the file and its folder"),
        ("permission denied", "let the daemon's user enter the folder and its parents"),
        ("unable to open", "make the folder of database.path, writable for the daemon's user"),
        ("no such table", "run: twinlens migrate up"),
    )
    return next((advice for words, advice in table if words in text), "see the log")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and peewee into StoreError with advice."""
    try:
        yield
    except (PeeweeException, sqlite3.Error) as error:
        raise StoreError(f"{path}: {error}", advice_for(error)) from error
    except UnicodeDecodeError as error:
        # sqlite3 cannot put SQLite's own words into text where a name in the schema has rotted.
        words = f"the database is malformed: {error}"
        raise StoreError(f"{path}: {words}", advice_for(ValueError(words))) from error


class _Sqlite(SqliteDatabase):
    """Peewee's connection, whose rollback does not hide why there is nothing to roll back."""

    def rollback(self) -> None:
        # After some errors, such as a full disk, SQLite has rolled back by itself. Another
        # ROLLBACK would fail, hide the cause, and leave the lost transaction's callbacks behind.
        if self.is_closed() or SqliteDatabase.connection(self).in_transaction:
            super().rollback()


class Database:
    """The database file, its tables bound to it. Make one a process.

    Raises StoreError where the file cannot be a safe database: a symlink, a file with a second
    name, a folder that cannot be made.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        _refuse_odd_file(path, must_exist=read_only)
        name: str = str(path)
        if read_only:
            name = f"file:{quote(os.fsencode(path))}?mode=ro"
        pragmas: dict[str, object] = {
            "foreign_keys": 1,
            "busy_timeout": BUSY_SECONDS * 1000,
            "cache_size": -CACHE_KIB,
            "temp_store": "memory",
        }
        if not read_only:
            pragmas |= {
                "journal_mode": "wal",
                "synchronous": "normal",
                "journal_size_limit": 64 << 20,
            }
        self.peewee: SqliteDatabase = _Sqlite(
            name,
            pragmas=pragmas,
            uri=read_only,
            autoconnect=False,
            lock_type="IMMEDIATE",
            timeout=BUSY_SECONDS,
        )
        self.peewee.bind(TABLES, bind_refs=False, bind_backrefs=False)
        self._identity: tuple[int, int] | None = None
        self._pid = os.getpid()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A query-only connection for this thread, closed at the end. May be nested."""
        self._require_own_process()
        with translated(self.path):
            if not self.peewee.is_closed():
                yield
                return
            with self.peewee.connection_context():
                self.peewee.execute_sql("PRAGMA query_only = 1")
                yield

    def shrink(self) -> None:
        """Free the pages that this thread's connection keeps in memory; the next query reads them
        again."""
        self.peewee.execute_sql("PRAGMA shrink_memory")

    @contextmanager
    def connected(self) -> Iterator[None]:
        """The writing connection. Only the writer's thread and migrations may take it."""
        self._require_own_process()
        with translated(self.path), self.peewee.connection_context():
            status = os.stat(self.path)
            self._identity = (status.st_dev, status.st_ino)
            yield

    def _require_own_process(self) -> None:
        # A connection carried over a fork corrupts the file (sqlite.org/howtocorrupt.html, 2.6).
        if os.getpid() != self._pid:
            raise StoreError(f"{self.path}: was opened by another process, {self._pid}")

    def after_commit(self, then: Callable[[], None]) -> None:
        """Call `then` once the current transaction is committed; not if it is rolled back."""
        self.peewee.after_commit(then)

    def is_in_place(self) -> bool:
        """False once the file was deleted or replaced: writes would then go nowhere."""
        if self._identity is None:
            return True
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def quick_check(self) -> list[str]:
        """SQLite's own quick look at the file: the damages found, none where it is sound."""
        with self.reading():
            rows = self.peewee.execute_sql("PRAGMA quick_check(20)").fetchall()
        return [str(row[0]) for row in rows if row[0] != "ok"]


def _refuse_odd_file(path: Path, *, must_exist: bool) -> None:
    try:
        if not must_exist:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.lstat(path)
    except FileNotFoundError:
        if must_exist:
            raise StoreError(
                f"{path}: there is no database yet",
                "run `twinlens scan` once, or start the daemon",
            ) from None
        _make(path)
        return
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", advice_for(error)) from error
    if not os.path.isfile(path) or os.path.islink(path):
        raise StoreError(
            f"{path}: is not a plain file", "set database.path to the real file, not to a link"
        )
    if status.st_nlink > 1:
        raise StoreError(
            f"{path}: has a second name (hard link); SQLite's journal would be missed under it",
            "remove the other name, or copy the file with `twinlens backup`",
        )


def _make(path: Path) -> None:
    """Make the file, closed to others: it tells where and when every picture was taken. SQLite
    would make it by the umask, and makes its journal like the file."""
    with suppress(OSError):  # what is in the way, SQLite tells
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def is_database_error(error: BaseException) -> bool:
    """Whether the error came from the database layer."""
    return isinstance(error, DatabaseError | sqlite3.Error)
