"""Claims about the schema's versions: they go up and down, and are never half-way."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from twinlens.errors import StoreError, UsageError
from twinlens.store import meta
from twinlens.store.database import TABLES, Database
from twinlens.store.schema import Schema, prepare

FIRST = "0001_first_schema"

SECOND_MIGRATION = """
def up(migrator, db):
    db.execute_sql("ALTER TABLE meta ADD COLUMN note TEXT")
    {after_first}
    db.execute_sql("CREATE TABLE extra (id INTEGER PRIMARY KEY)")

def down(migrator, db):
    db.execute_sql("DROP TABLE extra")
    db.execute_sql("ALTER TABLE meta DROP COLUMN note")
"""


def statements(path: Path) -> set[str]:
    """The schema as SQLite keeps it, one line each; without the record of the migrations."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL"
        ).fetchall()
    connection.close()
    return {
        re.sub(r"\s+", " ", sql).strip().replace("( ", "(").replace(" )", ")")
        for name, sql in rows
        if "schema_migration" not in sql and "schemamigration" not in name
    }


def write_fact(database: Database, key: str, value: str) -> None:
    with database.connected(), database.peewee.atomic():
        meta.write(key, value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the package's migration and room for more."""
    copy = tmp_path / "migrations"
    copy.mkdir()
    own = Path(sys.modules[Schema.__module__].__file__ or "").parent / "migrations"
    (copy / f"{FIRST}.py").write_text((own / f"{FIRST}.py").read_text())
    return copy


def test_the_migrated_schema_is_the_one_the_tables_describe(tmp_path: Path) -> None:
    prepare(Database(tmp_path / "migrated.db"))
    described = Database(tmp_path / "described.db")
    with described.connected():
        described.peewee.create_tables(TABLES, safe=False)

    assert statements(tmp_path / "migrated.db") == statements(tmp_path / "described.db")


def test_up_down_and_up_again_gives_the_same_schema(tmp_path: Path) -> None:
    path = tmp_path / "twinlens.db"
    schema = Schema(Database(path))

    assert schema.up() == [FIRST]
    whole = statements(path)
    assert schema.down() == [FIRST]
    assert statements(path) == set()
    assert schema.up() == [FIRST]
    assert statements(path) == whole
    schema.require_current()


def test_up_of_a_current_database_does_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)

    assert prepare(database) == []
    assert [p.name for p in tmp_path.glob("*.before-*")] == []


def test_the_status_names_what_is_applied_and_what_waits(tmp_path: Path, folder: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    (folder / "0002_more.py").write_text(SECOND_MIGRATION.format(after_first=""))

    rows = Schema(database, folder).status()

    assert [(row.name, row.applied_at is not None, row.is_known) for row in rows] == [
        (FIRST, True, True),
        ("0002_more", False, True),
    ]


def test_a_schema_that_lacks_a_migration_is_not_current(tmp_path: Path, folder: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    (folder / "0002_more.py").write_text(SECOND_MIGRATION.format(after_first=""))

    with pytest.raises(StoreError, match="lacks 0002_more") as caught:
        Schema(database, folder).require_current()

    assert "migrate up" in caught.value.advice


def test_a_copy_with_all_data_lies_beside_a_database_before_it_is_changed(
    tmp_path: Path, folder: Path
) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    write_fact(database, "owner", "Ada")
    (folder / "0002_more.py").write_text(SECOND_MIGRATION.format(after_first=""))

    Schema(database, folder).up()
    Schema(database, folder).down(FIRST)

    copies = sorted(tmp_path.glob("twinlens.db.before-*"))
    assert [copy.name.split(".")[2] for copy in copies] == ["before-down", "before-up"]
    for copy in copies:
        with sqlite3.connect(copy) as connection:
            assert connection.execute("SELECT value FROM meta").fetchall() == [("Ada",)]
        connection.close()


def test_a_database_from_a_newer_program_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    with sqlite3.connect(database.path) as connection:
        connection.execute(
            "INSERT INTO schema_migration (name, applied) VALUES ('0099_future', '2030-01-01')"
        )
    connection.close()

    with pytest.raises(StoreError, match="newer twinlens") as caught:
        prepare(database)

    assert "install that version again" in caught.value.advice
    assert list(tmp_path.glob("*.before-*")) == []


def test_an_unknown_target_is_wrong_usage(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")

    with pytest.raises(UsageError, match="0042"):
        Schema(database).up("0042_nowhere")


def test_a_migration_that_fails_leaves_the_old_schema_and_data(
    tmp_path: Path, folder: Path
) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    write_fact(database, "owner", "Ada")
    before = statements(database.path)
    (folder / "0002_more.py").write_text(
        SECOND_MIGRATION.format(after_first='db.execute_sql("CREATE TABLE meta (id)")')
    )

    with pytest.raises(StoreError, match="already exists"):
        Schema(database, folder).up()

    assert statements(database.path) == before
    assert [row.applied_at is None for row in Schema(database, folder).status()] == [False, True]


KILLED_AT_EACH_STATEMENT = """
import os, signal, sqlite3, sys
from pathlib import Path
from peewee import SqliteDatabase
from twinlens.store.database import Database
from twinlens.store.schema import prepare

execute = SqliteDatabase.execute_sql

def die_at(last):
    count = 0
    def counted(self, *args, **kwargs):
        nonlocal count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *args, **kwargs)
    SqliteDatabase.execute_sql = counted

for last in range(1, 1000):
    path = Path(sys.argv[1]) / f"{last}.db"
    child = os.fork()
    if child == 0:
        die_at(last)
        prepare(Database(path))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    with sqlite3.connect(path) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = {name for (name,) in connection.execute(query)}
        noted = []
        if "schema_migration" in tables:
            noted = connection.execute("SELECT name FROM schema_migration").fetchall()
    connection.close()
    made = tables - {"schema_migration", "sqlite_sequence"}
    print(len(made), len(noted), len(prepare(Database(path))))
"""


def test_a_migration_killed_at_any_statement_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STATEMENT, str(tmp_path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    states = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(states) > len(TABLES)
    # Nothing made, nothing noted, and the next start makes it; or all of it.
    assert set(states) <= {(0, 0, 1), (len(TABLES), 1, 0)}
