"""Section F, the database at work: full, locked, broken off, forked, and its connections.

A child process has the fault; what it left is judged afterwards by SQLite itself.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually, processes_below
from support.killing import calls_of, failures, kills, require_strace, run_under
from support.made_up import AT, digest, put_file, put_original, stat
from support.pictures import put_picture
from support.stores import Store, opened_store
from twinlens.errors import StoreError
from twinlens.maintenance.reconcile import Reconcile
from twinlens.model.roots import RootRecord
from twinlens.store import database as database_module
from twinlens.store import files, meta, originals, work_items
from twinlens.store.database import Database, has_wal_reset_bug, translated
from twinlens.store.schema import Schema, prepare
from twinlens.store.writer import Writer

SOMETIME = 25.0
LONG = os.environ.get("TWINLENS_LONG") == "1"
FACTS = 40


def some(faults: list[str], most: int) -> list[str]:
    """All of them where there is time, else so many, evenly spread."""
    if LONG or len(faults) <= most:
        return faults
    return [faults[number * len(faults) // most] for number in range(most)]


def write_facts() -> None:
    for number in range(FACTS):
        meta.write(f"fact {number}", "x" * 600)


def facts_in(path: Path) -> int:
    """How many of the facts are there; the database is whole."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (count,) = connection.execute(
            "SELECT count(*) FROM meta WHERE key LIKE 'fact %'"
        ).fetchone()
    connection.close()
    return int(count)


def work_on(path: Path) -> Callable[[], None]:
    """One transaction by the writer, which waits for better times where it fails."""

    def work() -> None:
        writer = Writer(Database(path))
        writer.start()
        writer.call(write_facts)
        writer.stop()
        assert writer.join(10.0)

    return work


def new_database(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    prepare(Database(path))
    return path


def test_f1_an_error_of_the_disk_in_a_transaction_leaves_nothing_half_and_is_got_over(
    tmp_path: Path,
) -> None:
    require_strace()
    log = tmp_path / "calls"
    assert run_under(None, log, work_on(new_database(tmp_path / "plain.db")), has_threads=True) == 0
    writing = {"pwrite64": calls_of(log)["pwrite64"]}
    assert writing["pwrite64"] > 5
    got_over = 0
    for number, fault in enumerate(
        some(list(failures(writing, "ENOSPC")), 5) + some(list(failures(writing, "EIO")), 4)
    ):
        path = new_database(tmp_path / f"{number}" / "twinlens.db")
        log = path.with_name("calls")
        status = run_under(fault, log, work_on(path), has_threads=True)
        assert "INJECTED" in log.read_text(encoding="utf-8"), fault
        # Either the writer waited for better times, or the opening was refused in words.
        assert facts_in(path) == (FACTS if status == 0 else 0), f"half a transaction: {fault}"
        if status != 0:
            words = path.with_name("calls.error").read_text(encoding="utf-8")
            assert "in connected" in words, fault
            assert "StoreError" in words.splitlines()[-1], fault
            with opened_store(path) as store:
                store.write(write_facts)
            assert facts_in(path) == FACTS, fault
        got_over += status == 0
    assert got_over >= 5, "the writer gave up, though the disk had room again"


def test_f1_a_kill_in_a_transaction_leaves_all_of_it_or_nothing(tmp_path: Path) -> None:
    require_strace()
    log = tmp_path / "calls"
    assert run_under(None, log, work_on(new_database(tmp_path / "plain.db")), has_threads=True) == 0
    seen = calls_of(log)
    calls = {name: seen[name] for name in ("pwrite64", "fdatasync", "ftruncate") if name in seen}
    for number, fault in enumerate(some(list(kills(calls)), 8)):
        path = new_database(tmp_path / f"{number}" / "twinlens.db")
        assert run_under(fault, log, work_on(path), has_threads=True) == -9, fault
        with opened_store(path) as store:
            assert store.write(lambda: meta.read("fact 0")) in (None, "x" * 600)
        assert facts_in(path) in (0, FACTS), f"half a transaction after {fault}"


def test_f3_a_database_locked_by_another_program_is_waited_for_and_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    path = new_database(tmp_path / "twinlens.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    heard: list[str] = []
    writer = Writer(Database(path), on_trouble=heard.append)
    writer.start()

    asked = writer.submit(write_facts)
    eventually(lambda: heard, SOMETIME)
    assert not asked.done()
    other.execute("ROLLBACK")
    other.close()
    asked.result(SOMETIME)
    writer.stop()
    assert writer.join(SOMETIME)

    assert "locked" in heard[0]
    assert "another program" in heard[0]
    assert heard[-1] == ""
    assert facts_in(path) == FACTS


def test_f3_a_scan_by_hand_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    path = new_database(tmp_path / "twinlens.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = Writer(Database(path), patience_seconds=0.3)
    writer.start()

    with pytest.raises(StoreError, match="locked") as caught:
        writer.call(write_facts)

    other.close()
    writer.stop()
    assert writer.join(SOMETIME)
    assert "another program" in caught.value.advice
    assert facts_in(path) == 0


def test_f9_a_schema_change_killed_at_any_call_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    require_strace()
    log = tmp_path / "calls"

    def older(path: Path) -> Path:
        """A database with data, three changes of the schema ago."""
        database = Database(new_database(path))
        names = [row.name for row in Schema(database).status()]
        Schema(database).down(names[-3])
        with sqlite3.connect(path) as connection:
            connection.execute("INSERT INTO meta (key, value) VALUES ('owner', 'Ada')")
        connection.close()
        return path

    def upgrade(path: Path) -> Callable[[], None]:
        def work() -> None:
            assert len(prepare(Database(path))) == 3

        return work

    assert run_under(None, log, upgrade(older(tmp_path / "plain" / "a.db"))) == 0
    seen = calls_of(log)
    calls = {name: seen[name] for name in ("pwrite64", "fdatasync", "unlink") if name in seen}
    assert sum(calls.values()) > 20
    done_at_once = 0
    tried = some(list(kills(calls)), 9)
    for number, fault in enumerate(tried):
        path = older(tmp_path / f"{number}" / "a.db")
        assert run_under(fault, log, upgrade(path)) == -9, fault
        database = Database(path)
        left = [row.name for row in Schema(database).status() if row.applied_at is None]
        done_at_once += not left
        assert prepare(database) == left, fault
        Schema(database).require_current()
        assert database.quick_check() == []
        with database.reading():
            assert meta.read("owner") == "Ada", fault
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
    assert done_at_once < len(tried), "every kill came too late to tell anything"


def test_f12_no_process_that_was_forked_holds_the_database(house: House) -> None:
    for number in range(12):
        put_picture(house.root / f"{number}.jpg", number)
    held: dict[int, set[str]] = {}
    with Daemon(house) as daemon:

        def look() -> bool:
            for pid in processes_below(daemon.pid):
                held.setdefault(pid, set()).update(open_files(pid, house.database.parent))
            return len(house.files()) == 12

        eventually(look, SOMETIME)
        own = held.pop(daemon.pid)
        daemon.stop()
    assert any(name.startswith("twinlens.db") for name in own), "the daemon itself holds it"
    assert held, "workers were there"
    # They open the lock file themselves, for locks on its bytes by which they take turns: the
    # daemon's own is bound to its own descriptor (flock), and ends with it.
    assert all(files <= {"twinlens.db.lock"} for files in held.values()), held


def open_files(pid: int, folder: Path) -> set[str]:
    """The names of what a process has open in this folder."""
    found = set()
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            target = Path(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
            if target.is_relative_to(folder):
                found.add(target.name)
    except OSError:
        return found
    return found


def test_f12_a_forked_child_is_refused_the_connection_of_its_parent(tmp_path: Path) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        store.write(write_facts)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with store.database.reading():
                    meta.read("fact 0")
            except StoreError as error:
                status = 0 if "another process" in str(error) else 2
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(ended) == 0
        assert store.read(lambda: meta.read("fact 0")) == "x" * 600


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 50, 7), False),
        ((3, 44, 6), False), ((3, 50, 6), True), ((3, 6, 23), False),
    ],
)  # fmt: skip
def test_f14_versions_of_sqlite_that_may_lose_commits_are_known(
    version: tuple[int, ...], is_affected: bool
) -> None:
    assert has_wal_reset_bug(version) is is_affected


def test_f14_whatever_the_version_one_connection_alone_writes(tmp_path: Path) -> None:
    with opened_store(tmp_path / "twinlens.db") as store, store.database.reading():
        for words in ("DELETE FROM meta", "CREATE TABLE x (y)"):
            with pytest.raises(StoreError, match="readonly"), translated(store.path):
                store.database.peewee.execute_sql(words)


def test_f14_the_owner_is_told_of_the_version(house: House) -> None:
    rows = {row["check"]: row for row in house.ask("doctor", codes=(0, 1))["checks"]}

    assert sqlite3.sqlite_version in rows["sqlite"]["detail"]
    is_said = "writes through one alone" in rows["sqlite"]["detail"]
    assert is_said is has_wal_reset_bug()


def test_f15_the_journal_is_used_again_from_its_beginning_once_a_long_reader_is_gone(
    tmp_path: Path,
) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        journal = tmp_path / "twinlens.db-wal"

        def grow() -> int:
            for round_number in range(30):
                store.write(lambda: fill(round_number))  # noqa: B023 - called at once
            return journal.stat().st_size

        reader = sqlite3.connect(store.path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM meta").fetchone()
        first = grow()
        while_read = grow()
        assert while_read > 1.5 * first, "a reader keeps the journal growing: the control"
        reader.close()

        settled = grow()
        assert grow() == settled < while_read + first, "it grows on, though nobody reads"
        assert journal.stat().st_size < 64 << 20
    assert not journal.exists()


def fill(number: int) -> None:
    for place in range(40):
        meta.write(f"fact {place}", f"{number} " * 1000)


def test_f16_numbers_of_64_bits_come_back_as_they_were(tmp_path: Path) -> None:
    huge = ((1 << 63) + 5, (1 << 64) - 1, 1 << 63, (1 << 63) - 1)
    with opened_store(tmp_path / "twinlens.db") as store:
        (root,) = store.adopt(tmp_path)
        for number, inode in enumerate(huge):
            at = stat(inode, device=(1 << 64) - 7)
            store.write(lambda: put_file(root.id, b"%d" % number, None, at=at))  # noqa: B023 - called at once
        with store.database.reading():
            for number, inode in enumerate(huge):
                record = files.find(root.id, b"%d" % number)
                assert record is not None
                assert (record.stat.inode, record.stat.device) == (inode, (1 << 64) - 7)


def test_f17_every_connection_keeps_references_true(tmp_path: Path) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        with store.database.reading():
            assert store.database.peewee.execute_sql("PRAGMA foreign_keys").fetchone() == (1,)
        assert store.write(
            lambda: store.database.peewee.execute_sql("PRAGMA foreign_keys").fetchone()
        ) == (1,)
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            store.write(lambda: put_file(4711, b"a", None))


def test_f17_what_another_program_tore_off_without_them_is_found_and_looked_at_again(
    tmp_path: Path,
) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        root = torn(store, tmp_path)

        found = Reconcile(store.database, store.writer, _now, look=lambda root, known: None).run()

        assert found.without_original == 1
        ((asked, _),) = store.write(lambda: work_items.lease(1e12, 60.0, 10))
        assert (asked.root_id, asked.path) == (root.id, b"lost.jpg")
        (kept,) = [o for o in [store.read(lambda: originals.find(digest("kept")))] if o]
        assert kept.reference_count == 1


def torn(store: Store, folder: Path) -> RootRecord:
    """A store in which a content went without its file."""
    (root,) = store.adopt(folder)

    def work() -> None:
        put_file(root.id, b"kept.jpg", put_original("kept"), at=stat(1))
        put_file(root.id, b"lost.jpg", put_original("lost"), at=stat(2))

    store.write(work)
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('DELETE FROM original WHERE sha256 = ?', (sys.argv[2],)); c.commit()"
    )
    subprocess.run([sys.executable, "-c", script, store.path, digest("lost")], check=True)
    return root


def _now() -> datetime:
    return datetime.fromisoformat(AT)
