"""Claims about the schema's versions: they go up and down, and are never half-way."""

import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.made_up import measured, put_file, put_original
from support.stores import opened_store
from twinlens.errors import StoreError, UsageError
from twinlens.model.files import FileStatus
from twinlens.model.picture import DECODED_VERSIONS
from twinlens.store import exact_copies, files, listing, meta, originals, roots, tallies
from twinlens.store.database import TABLES, Database
from twinlens.store.schema import Schema, prepare

OWN = Path(sys.modules[Schema.__module__].__file__ or "").parent / "migrations"
ALL = sorted(path.stem for path in OWN.glob("0*.py"))
FIRST = ALL[0]
MORE = "9000_more"

A_MIGRATION_MORE = """
def up(migrator, db):
    db.execute_sql("ALTER TABLE meta ADD COLUMN note TEXT")
    {after_first}
    db.execute_sql("CREATE TABLE extra (id INTEGER PRIMARY KEY)")

def down(migrator, db):
    db.execute_sql("DROP TABLE extra")
    db.execute_sql("ALTER TABLE meta DROP COLUMN note")
"""


def statements(path: Path) -> set[tuple[object, ...]]:
    """What the schema says, whatever the order it was said in: columns, references, indexes and
    checks; without the record of the migrations."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL"
        ).fetchall()
        said: set[tuple[object, ...]] = set()
        for what, name, sql in rows:
            if "schema_migration" in sql or "schemamigration" in name:
                continue
            if what != "table":
                said.add((name, re.sub(r"\s+", " ", sql).strip()))
                continue
            for _, *column in connection.execute(f'PRAGMA table_info("{name}")'):
                said.add((name, *column))
            for _, _, *reference in connection.execute(f'PRAGMA foreign_key_list("{name}")'):
                said.add((name, "refers", *reference))
            said.update((name, check) for check in re.findall(r"CHECK \(.*?\)", sql))
    connection.close()
    return said


def write_fact(database: Database, key: str, value: str) -> None:
    with database.connected(), database.peewee.atomic():
        meta.write(key, value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the package's migrations and room for more."""
    copy = tmp_path / "migrations"
    shutil.copytree(OWN, copy)
    return copy


def test_the_migrated_schema_is_the_one_the_tables_describe(tmp_path: Path) -> None:
    prepare(Database(tmp_path / "migrated.db"))
    described = Database(tmp_path / "described.db")
    with described.connected():
        described.peewee.create_tables(TABLES, safe=False)
        for trigger in (*tallies.TRIGGERS, *exact_copies.TRIGGERS):
            described.peewee.execute_sql(trigger)

    assert statements(tmp_path / "migrated.db") == statements(tmp_path / "described.db")


def test_up_down_and_up_again_gives_the_same_schema(tmp_path: Path) -> None:
    path = tmp_path / "twinlens.db"
    schema = Schema(Database(path))

    assert schema.up() == ALL
    whole = statements(path)
    assert schema.down(FIRST) == ALL[::-1]
    assert statements(path) == set()
    assert schema.up() == ALL
    assert statements(path) == whole
    schema.require_current()


def test_no_two_migrations_have_one_number() -> None:
    numbers = [name.split("_")[0] for name in ALL]

    assert len(set(numbers)) == len(numbers)


def test_up_of_a_current_database_does_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)

    assert prepare(database) == []
    assert [p.name for p in tmp_path.glob("*.before-*")] == []


def test_the_status_names_what_is_applied_and_what_waits(tmp_path: Path, folder: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    (folder / f"{MORE}.py").write_text(A_MIGRATION_MORE.format(after_first=""))

    rows = Schema(database, folder).status()

    assert [(row.name, row.applied_at is not None, row.is_known) for row in rows] == [
        *((name, True, True) for name in ALL),
        (MORE, False, True),
    ]


def test_a_schema_that_lacks_a_migration_is_not_current(tmp_path: Path, folder: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    (folder / f"{MORE}.py").write_text(A_MIGRATION_MORE.format(after_first=""))

    with pytest.raises(StoreError, match=f"lacks {MORE}") as caught:
        Schema(database, folder).require_current()

    assert "migrate up" in caught.value.advice


def test_a_copy_with_all_data_lies_beside_a_database_before_it_is_changed(
    tmp_path: Path, folder: Path
) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    write_fact(database, "owner", "Ada")
    (folder / f"{MORE}.py").write_text(A_MIGRATION_MORE.format(after_first=""))

    Schema(database, folder).up()
    Schema(database, folder).down(FIRST)

    copies = sorted(tmp_path.glob("twinlens.db.*.before-*"))
    assert [copy.name.split(".", 2)[2] for copy in copies] == [
        f"{ALL[-1]}.before-up",
        f"{MORE}.before-down",
    ]
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


def test_an_older_database_no_longer_calls_broken_what_nobody_could_judge(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    errors = ("exiftool is needed for this; install it", "too large to decode: 9x9", "truncated")
    with database.connected():
        (root,) = roots.adopt([("home", "report", [b"/photos"])])
        for number, error in enumerate(errors):
            content = put_original(error, measurement=measured(error=error))
            put_file(root.id, b"%d.jpg" % number, content, status=FileStatus.BROKEN)
    Schema(database).down("0081_what_could_not_be_judged")

    Schema(database).up()

    with database.reading():
        states = [record.status.value for record in files.sample(root.id, 9)]
        numbers = listing.summary().by_status
        outdated = originals.outdated(DECODED_VERSIONS)
    assert sorted(states) == ["broken", "unjudged", "unjudged"]
    assert numbers == {"broken": 1, "unjudged": 2}
    assert len(outdated) == 1, "what lacks exiftool alone is measured anew"


def test_what_an_older_database_says_was_not_decoded_is_looked_at_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    schema = Schema(database)
    schema.down("0091_workers_that_a_file_cost")
    errors = ("not decoded: it has stopped workers before", "empty")
    with database.connected():
        (root,) = roots.adopt([("home", "report", [b"/photos"])])
        ids = []
        for error in errors:
            measurement = replace(measured(error=error), algorithm_version=0)
            ids.append(put_original(error, measurement=measurement))
            put_file(root.id, error.encode(), ids[-1])

    schema.up()

    with database.reading():
        assert originals.outdated(DECODED_VERSIONS) == {ids[0]}


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
    (folder / f"{MORE}.py").write_text(
        A_MIGRATION_MORE.format(after_first='db.execute_sql("CREATE TABLE meta (id)")')
    )

    for _ in range(2):
        with pytest.raises(StoreError, match="already exists"):
            Schema(database, folder).up()

    assert statements(database.path) == before
    # However often it is tried.
    assert [path.name for path in tmp_path.iterdir() if "before" in path.name] == [
        f"twinlens.db.{ALL[-1]}.before-up"
    ]
    assert [row.applied_at is None for row in Schema(database, folder).status()] == [
        *(False for _ in ALL),
        True,
    ]


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
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STATEMENT, str(tmp_path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    states = [tuple(map(int, line.split())) for line in killed.stdout.splitlines()]
    assert len(states) > len(TABLES)
    # Nothing made, nothing noted, and the next start makes it; or all of the first ones, each with
    # all of its tables.
    made_by = {done: made for made, done, _ in states}
    assert set(states) == {(made, done, len(ALL) - done) for done, made in made_by.items()}
    assert (made_by[0], made_by[len(ALL)]) == (0, len(TABLES))


def test_an_upgrade_names_the_buckets_and_bursts_of_recorded_files_anew(tmp_path: Path) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        root_id = store.adopt(tmp_path)[0].id
        for name in (b"a.jpg.xmp", b"00000IMG_00000_BURST20190811134326873.jpg"):
            store.write(lambda name=name: put_file(root_id, name, None, radical="old"))
    database = Database(tmp_path / "twinlens.db")
    schema = Schema(database)

    schema.down("0005_where_files_meet")
    schema.up()

    with database.reading():
        rows = set(database.peewee.execute_sql("SELECT radical, burst_key FROM file").fetchall())
    assert rows == {
        ("a", None),
        ("00000img_00000_burst20190811134326873", "20190811134326873"),
    }
