"""Claims about opening the database: what cannot be a safe one is refused, with advice."""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.made_up import put_file
from support.nobody import run_as_nobody
from support.stores import Store, opened_store
from twinlens.errors import StoreError
from twinlens.store import meta
from twinlens.store.database import Database, has_wal_reset_bug
from twinlens.store.schema import prepare


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter, and write in."""
    folder = Path(tempfile.mkdtemp(prefix="twinlens-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def write_facts() -> None:
    for number in range(200):
        meta.write(f"fact {number}", "x" * 500)


def read_all(database: Database) -> None:
    with database.reading():
        for number in range(200):
            meta.read(f"fact {number}")


def test_a_database_that_is_a_link_is_refused(tmp_path: Path) -> None:
    prepare(Database(tmp_path / "real.db"))
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")

    with pytest.raises(StoreError, match="not a plain file") as caught:
        Database(tmp_path / "link.db")

    assert "not to a link" in caught.value.advice


def test_a_database_with_a_second_name_is_refused(tmp_path: Path) -> None:
    prepare(Database(tmp_path / "one.db"))
    os.link(tmp_path / "one.db", tmp_path / "two.db")

    with pytest.raises(StoreError, match="hard link") as caught:
        Database(tmp_path / "one.db")

    assert "remove the other name" in caught.value.advice


def test_a_folder_at_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a plain file"):
        Database(tmp_path)


def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "twinlens.db"
    path.write_bytes(b"the diary of somebody\n" * 500)

    with pytest.raises(StoreError, match="not a database") as caught:
        prepare(Database(path))

    assert "something else" in caught.value.advice
    assert path.read_bytes() == b"the diary of somebody\n" * 500


def test_a_corrupt_database_is_told_with_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "twinlens.db"
    with opened_store(path) as store:
        store.write(write_facts)
    content = bytearray(path.read_bytes())
    page = 4096
    content[20 * page : -page] = b"\xa5" * (len(content) - 21 * page)
    path.write_bytes(content)

    with pytest.raises(StoreError, match="malformed") as caught:
        read_all(Database(path, read_only=True))

    assert "restore the last backup" in caught.value.advice


def test_quick_check_names_damages(tmp_path: Path) -> None:
    path = tmp_path / "twinlens.db"
    with opened_store(path) as store:
        store.write(write_facts)
        assert store.database.quick_check() == []
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master "
            "WHERE name = 'meta') WHERE name = 'catalog'"
        )
    connection.close()

    assert Database(path, read_only=True).quick_check() != []


def test_a_read_only_look_at_no_database_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database yet") as caught:
        Database(tmp_path / "state" / "twinlens.db", read_only=True)

    assert "twinlens scan" in caught.value.advice
    assert list(tmp_path.iterdir()) == []


TRY_TO_WRITE = """
import json, sys
from pathlib import Path
from twinlens.errors import StoreError
from twinlens.store import meta
from twinlens.store.database import Database
from twinlens.store.writer import Writer
try:
    writer = Writer(Database(Path(sys.argv[1])))
    writer.start()
    writer.call(lambda: meta.write("owner", "Ada"))
except StoreError as error:
    print(json.dumps([str(error), error.advice]))
"""


def test_a_database_that_may_not_be_written_is_told_with_advice(open_folder: Path) -> None:
    path = open_folder / "twinlens.db"
    prepare(Database(path))
    for file in open_folder.iterdir():
        file.chmod(0o444)
    open_folder.chmod(0o555)

    message, advice = json.loads(run_as_nobody(TRY_TO_WRITE, str(path)))

    assert "readonly" in message
    assert "right to write" in advice


def test_a_database_in_a_closed_folder_is_told_with_advice(open_folder: Path) -> None:
    closed = open_folder / "closed"
    prepare(Database(closed / "twinlens.db"))
    closed.chmod(0o000)

    message, advice = json.loads(run_as_nobody(TRY_TO_WRITE, str(closed / "twinlens.db")))
    closed.chmod(0o700)

    assert "Permission denied" in message
    assert "enter the folder" in advice


def test_a_new_database_and_its_folder_are_the_owners_alone(tmp_path: Path) -> None:
    Database(tmp_path / "state" / "twinlens.db")

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "twinlens.db").stat().st_mode & 0o777 == 0o600


def test_a_row_cannot_refer_to_nothing(store: Store, root_id: int) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.write(lambda: put_file(root_id, b"a.jpg", 4711))
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.write(lambda: put_file(4711, b"a.jpg", None))


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="readonly"):
        store.read(lambda: meta.write("owner", "Ada"))


def test_a_reader_sees_what_was_committed_while_the_writer_is_at_work(store: Store) -> None:
    seen = []

    def work() -> None:
        meta.write("owner", "Ada")
        reader = sqlite3.connect(store.path)
        seen.append(reader.execute("SELECT value FROM meta").fetchall())
        reader.close()

    store.write(work)

    assert seen == [[]]
    assert store.read(lambda: meta.read("owner")) == "Ada"


def test_a_deleted_database_is_noticed(store: Store) -> None:
    assert store.database.is_in_place()

    store.path.unlink()

    assert not store.database.is_in_place()


def test_a_replaced_database_is_noticed(store: Store, tmp_path: Path) -> None:
    prepare_other = tmp_path / "other.db"
    shutil.copyfile(store.path, prepare_other)

    os.replace(prepare_other, store.path)

    assert not store.database.is_in_place()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_the_versions_of_sqlite_that_may_lose_commits_are_known(
    version: tuple[int, ...], expected: bool
) -> None:
    assert has_wal_reset_bug(version) is expected
