"""Claims about the one door for writing: in order, whole or not at all, patient with the disk."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from peewee import OperationalError

from support.stores import Store
from twinlens.errors import StoreError
from twinlens.store import database as database_module
from twinlens.store import meta
from twinlens.store.database import Database
from twinlens.store.schema import prepare
from twinlens.store.writer import Writer


def hold_lock(path: Path, seconds: float) -> threading.Thread:
    """Another program that has the write lock for a while, from now on."""
    has_lock = threading.Event()

    def hold() -> None:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        has_lock.set()
        time.sleep(seconds)
        other.rollback()
        other.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert has_lock.wait(5.0)
    return thread


def write_facts(count: int, size: int) -> None:
    for number in range(count):
        meta.write(f"fact {number}", "x" * size)


def test_calls_go_through_in_the_order_in_which_they_came(store: Store) -> None:
    order: list[int] = []
    futures = [store.writer.submit(partial(order.append, n)) for n in range(50)]

    for future in futures:
        future.result(5.0)

    assert order == list(range(50))


def test_a_call_that_fails_leaves_nothing_and_the_next_one_works(store: Store) -> None:
    def half() -> None:
        meta.write("first", "1")
        raise KeyError("no more")

    with pytest.raises(KeyError):
        store.write(half)
    store.write(lambda: meta.write("second", "2"))

    assert store.read(lambda: (meta.read("first"), meta.read("second"))) == (None, "2")


def test_an_error_of_the_database_is_told_as_one_of_the_store(store: Store) -> None:
    with pytest.raises(StoreError, match="no such table"):
        store.write(lambda: store.database.peewee.execute_sql("DELETE FROM nowhere"))

    store.write(lambda: meta.write("still", "alive"))


def test_what_waits_for_the_commit_hears_of_it_and_of_no_rollback(store: Store) -> None:
    heard: list[str] = []

    def work(name: str, fails: bool) -> None:
        store.database.after_commit(lambda: heard.append(name))
        if fails:
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very one raised above
        store.write(lambda: work("rolled back", True))
    store.write(lambda: work("committed", False))

    assert heard == ["committed"]


def test_a_call_from_inside_a_transaction_is_refused(store: Store) -> None:
    with pytest.raises(RuntimeError, match="wait for itself"):
        store.write(lambda: store.writer.call(lambda: None))


def test_a_call_that_was_given_up_before_its_turn_is_not_carried_out(store: Store) -> None:
    is_busy, go_on = threading.Event(), threading.Event()

    def busy() -> None:
        is_busy.set()
        go_on.wait(5.0)

    first = store.writer.submit(busy)
    assert is_busy.wait(5.0)
    second = store.writer.submit(lambda: meta.write("unwanted", "1"))
    assert second.cancel()
    go_on.set()
    first.result(5.0)

    assert store.write(lambda: meta.read("unwanted")) is None


def test_stop_lets_what_waits_go_through_and_refuses_what_comes_later(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    writer = Writer(database)
    writer.start()
    waiting = [writer.submit(partial(meta.write, f"fact {n}", "1")) for n in range(20)]

    writer.stop()

    assert writer.join(5.0)
    assert all(future.exception(0.0) is None for future in waiting)
    with pytest.raises(StoreError, match="stopped"):
        writer.call(lambda: None)


def test_a_writer_that_cannot_open_its_database_says_so_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "twinlens.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(StoreError, match="not a database"):
        Writer(Database(tmp_path / "twinlens.db")).start()


def test_a_writer_waits_for_another_program_that_holds_the_lock(store: Store) -> None:
    other = hold_lock(store.path, 1.0)

    store.write(lambda: meta.write("owner", "Ada"))
    other.join()

    assert store.read(lambda: meta.read("owner")) == "Ada"


def test_a_lock_that_outlasts_sqlites_own_patience_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    heard: list[str] = []
    writer = Writer(database, on_trouble=heard.append)
    writer.start()
    other = hold_lock(database.path, 0.6)

    writer.call(lambda: meta.write("owner", "Ada"))
    other.join()
    writer.stop()
    writer.join(5.0)

    assert "locked" in heard[0]
    assert "another program" in heard[0]
    assert heard[-1] == ""


def test_a_writer_of_little_patience_gives_up_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    writer = Writer(database, patience_seconds=0.1)
    writer.start()
    other = hold_lock(database.path, 0.6)

    with pytest.raises(StoreError, match="locked") as caught:
        writer.call(lambda: meta.write("owner", "Ada"))
    other.join()
    writer.call(lambda: meta.write("owner", "Bo"))
    writer.stop()
    writer.join(5.0)

    assert "another program" in caught.value.advice


def test_a_writer_that_waits_for_the_disk_can_be_stopped(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    is_in_trouble = threading.Event()
    writer = Writer(database, on_trouble=lambda words: is_in_trouble.set())
    writer.start()

    def full() -> None:
        raise OperationalError("database or disk is full")

    waiting = writer.submit(full)
    assert is_in_trouble.wait(5.0)
    writer.stop()

    assert writer.join(5.0)
    with pytest.raises(StoreError, match="full"):
        waiting.result(0.0)


def test_what_waits_for_the_commit_hears_nothing_of_one_that_sqlite_itself_took_back(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    writer = Writer(database, patience_seconds=0.0)
    writer.start()
    heard: list[str] = []

    def too_much() -> None:
        database.after_commit(lambda: heard.append("never committed"))
        pages = database.path.stat().st_size // 4096
        database.peewee.execute_sql(f"PRAGMA max_page_count = {pages + 10}")
        write_facts(100, 4000)

    with pytest.raises(StoreError, match="full"):
        writer.call(too_much)
    writer.call(lambda: meta.write("small", "1"))
    writer.stop()
    writer.join(5.0)

    assert heard == []


def test_a_full_database_pauses_the_writer_until_there_is_room(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")
    prepare(database)
    heard: list[str] = []

    def make_room(words: str) -> None:
        heard.append(words)
        if words:  # this is the writer's own thread, between two tries
            database.peewee.execute_sql("PRAGMA max_page_count = 100000")

    writer = Writer(database, on_trouble=make_room)
    writer.start()
    pages = database.path.stat().st_size // 4096
    writer.call(lambda: database.peewee.execute_sql(f"PRAGMA max_page_count = {pages + 100}"))

    writer.call(lambda: write_facts(300, 4000))
    with database.reading():
        kept = sum(meta.read(f"fact {n}") is not None for n in range(300))
    writer.stop()
    writer.join(5.0)

    assert "make room" in heard[0]
    assert heard[-1] == ""
    assert kept == 300


FILL_THE_DISK = """
import json, os, sys
from pathlib import Path
from twinlens.store import meta
from twinlens.store.database import Database
from twinlens.store.schema import prepare
from twinlens.store.writer import Writer

disk = Path(sys.argv[1])
ballast = disk / "ballast"
database = Database(disk / "twinlens.db")
prepare(database)
heard = []

def trouble(words):
    heard.append(words)
    if len(heard) == 2:
        ballast.unlink()

writer = Writer(database, on_trouble=trouble)
writer.start()
writer.call(lambda: meta.write("first", "1"))
with open(ballast, "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
for batch in range(10):
    writer.call(lambda: [meta.write(f"{batch} {n}", "x" * 1000) for n in range(20)])
writer.stop()
writer.join(5.0)
with database.reading():
    kept = sum(meta.read(f"{b} {n}") is not None for b in range(10) for n in range(20))
print(json.dumps([heard, kept, database.quick_check()]))
"""


def test_a_full_disk_pauses_the_writer_until_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size=4m tmpfs "$1" || exit 77; shift; exec "$@"'
    unshare = shutil.which("unshare")
    if unshare is None or os.getuid() != 0:
        pytest.skip("a private disk needs root and unshare")

    fill = [sys.executable, "-c", FILL_THE_DISK]
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", mount, "sh", str(disk), *fill, str(disk)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no private disk here: {done.stderr.strip()}")

    assert done.returncode == 0, done.stderr
    heard, kept, damages = json.loads(done.stdout)
    assert "make room" in heard[0]
    assert heard[-1] == ""
    assert (kept, damages) == (200, [])
