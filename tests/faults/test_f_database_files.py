"""Section F, the files of the database: read-only, rotten, deleted, put back, copied, misplaced."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.acting import contents_everywhere
from support.daemon import Daemon, House, eventually
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from support.pictures import picture, put_picture
from support.stores import Store, opened_store
from support.world import Workers, World, jpeg, opened_world
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply
from twinlens.commands.files import files as listed
from twinlens.commands.maintain import cleanup, reconcile
from twinlens.config.schema import Config
from twinlens.errors import StoreError
from twinlens.store import backups, generation, meta
from twinlens.store.database import Database

SOMETIME = 25.0


def stored(path: Path) -> set[str]:
    """The keys of the facts in a database, as another program sees them."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        found = {key for (key,) in connection.execute("SELECT key FROM meta")}
    connection.close()
    return found


def note(store: Store, *keys: str) -> None:
    for key in keys:
        store.write(lambda: meta.write(key, "x"))  # noqa: B023 - called at once


def config_of(world: World, action: str) -> Config:
    catalog = {"name": "family", "roots": [str(world.photos)], "action": action}
    return Config.model_validate({"catalog": [catalog], "database": {"path": world.store.path}})


def cleaned(world: World, hours: float = 0.0) -> dict[str, object]:
    store = world.store
    return cleanup(store.database, store.writer, world.clock, grace_hours=hours, batch_limit=100)


def test_f2_a_database_that_may_not_be_written_is_refused_with_the_reason(
    house: House, mounts: Mounts
) -> None:
    put_picture(house.root / "one.jpg", 1)
    house.scan()
    state = house.database.parent
    mounts.run("mount", "--bind", state, state)
    mounts.run("mount", "-o", "remount,bind,ro", state)

    for verb in ("scan", "run"):
        done = house.cli(verb, prefix=mounts.prefix)
        assert done.returncode == 3, (verb, done.stderr)
        assert re.search(r"[Rr]ead-?only", done.stderr), done.stderr
        assert "Traceback" not in done.stderr

    mounts.run("mount", "-o", "remount,bind,rw", state)
    put_picture(house.root / "two.jpg", 2)
    assert house.scan(prefix=mounts.prefix)["added"] == 1


def test_f4_a_database_with_flipped_bits_is_refused_in_words_or_still_true(tmp_path: Path) -> None:
    path = tmp_path / "good" / "twinlens.db"
    with opened_store(path) as store:
        note(store, *(f"fact {number}" for number in range(300)))
    good = path.read_bytes()
    refused = 0
    for seed in range(60):
        chance = random.Random(seed)
        rotten = bytearray(good)
        area = (0, 100) if seed % 4 == 0 else (0, len(good))
        for _ in range(chance.randrange(1, 40)):
            place = chance.randrange(*area)
            rotten[place] ^= 1 << chance.randrange(8)
        copy = tmp_path / "rotten.db"
        copy.write_bytes(rotten)
        try:
            # As the daemon does at its start; nothing but words of our own may come out.
            with opened_store(copy) as store:
                note(store, "new")
                keys = stored(copy)
        except (StoreError, sqlite3.DatabaseError):
            refused += 1  # the second: by the test's own look
        else:
            assert "new" in keys, seed
        for left in tmp_path.glob("rotten.db*"):
            if left.is_file():
                left.unlink()
    assert refused > 10, "nothing was noticed at all"
    assert path.read_bytes() == good


def test_f4_a_digest_that_rotted_in_the_database_leads_to_no_action(world: World) -> None:
    """What SQLite cannot notice, a turned bit in a row, must not cost a picture."""
    for name, seed in (("a.jpg", 1), ("b.jpg", 2), ("c.jpg", 1)):
        world.put(name, jpeg(seed))
    world.scan()
    before = contents_everywhere(world.photos)

    def make_all_one() -> None:
        run = world.store.database.peewee.execute_sql
        run("UPDATE file SET original_id = (SELECT min(id) FROM original), size = 1")
        run("UPDATE file SET size = (SELECT max(size) FROM original)")

    world.store.write(make_all_one)
    store = world.store
    room = ActionRoom(
        config_of(world, "trash"), store.database, store.writer, world.absorber.regroup, world.clock
    )
    apply(room)

    assert contents_everywhere(world.photos) >= before
    assert (world.photos / "b.jpg").exists(), "the only one of its content"


def test_f5_a_database_deleted_while_in_use_ends_the_daemon_and_a_new_start_finds_all(
    house: House,
) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        for path in house.database.parent.glob("twinlens.db*"):
            if path.suffix != ".lock" and path.is_file():
                path.unlink()
        put_picture(house.root / "two.jpg", 2)
        assert daemon.wait(SOMETIME + 10) == 3
        assert "was deleted or replaced while in use" in daemon.log
        assert "Traceback" not in daemon.log

    assert house.scan()["files"] == 2
    assert {p.name: p.read_bytes() for p in house.root.iterdir()} == {
        "one.jpg": picture(1),
        "two.jpg": picture(2),
    }


def put_back(world: World, copy: Path) -> None:
    """What an owner does with a backup: the files of the database are replaced while it rests."""
    for left in world.store.path.parent.glob(f"{world.store.path.name}*"):
        if left.is_file() and not left.name.endswith(".generation"):
            left.unlink()
    shutil.copy(copy, world.store.path)


def test_f6_a_backup_that_is_put_back_forgets_nothing_until_all_was_scanned_and_counted(
    tmp_path: Path, workers: Workers
) -> None:
    path, photos, copy = tmp_path / "state" / "a.db", tmp_path / "photos", tmp_path / "copy.db"
    with opened_world(path, photos, workers) as world:
        world.put("one.jpg", jpeg(1))
        world.put("away.jpg", jpeg(2))
        world.scan()
        (photos / "away.jpg").rename(tmp_path / "away.jpg")
        world.scan()
        cleaned(world)
        # In the copy, the second picture is an orphan that one pass has seen.
        backups.write(path, copy)
        (tmp_path / "away.jpg").rename(photos / "away.jpg")
        world.scan()
        cleaned(world)
    put_back(world, copy)

    with opened_world(path, photos, workers) as world:
        store = world.store
        for _ in range(3):
            first = cleaned(world)
            assert "put back" in str(first["frozen_by"])
            assert first["removed_originals"] == 0
        # Scans are told apart by the second in which they ended.
        time.sleep(1.1)
        world.scan()
        reconcile(store.database, store.writer, world.clock)
        assert cleaned(world)["frozen_by"] == []
        assert {Path(row["path"]).name for row in listed(store.database)} == {
            "one.jpg",
            "away.jpg",
        }


def test_f7_a_backup_holds_what_a_copy_of_the_file_would_miss(tmp_path: Path) -> None:
    with opened_store(tmp_path / "a" / "twinlens.db") as store:
        note(store, "early")
        store.database.peewee.connect(reuse_if_open=True)
        note(store, *(f"fact {number}" for number in range(20)))
        plain, whole = tmp_path / "plain.db", tmp_path / "whole.db"
        shutil.copy(store.path, plain)
        store.database.peewee.close()

        backups.write(store.path, whole)

        assert len(stored(whole)) >= 21
        try:
            missed = len(stored(plain))
        except sqlite3.DatabaseError:
            missed = 0
        assert missed < 21, "a plain copy would have done: the control"


CRASH = """
import os, sys
from pathlib import Path
from support.stores import opened_store
from twinlens.store import generation, meta
path = Path(sys.argv[1])
with opened_store(path) as store:
    store.write(lambda: meta.write("kept", "x"))
with opened_store(path) as store:
    generation.advance(path, store.writer.call, "2026-01-10T12:00:00+00:00")
    store.write(lambda: meta.write("late", "x"))
    os._exit(0)
"""


@pytest.mark.parametrize(
    ("lost", "is_older"), [(("-shm",), False), (("-wal",), True), (("-wal", "-shm"), True)]
)
def test_f8_a_journal_lost_after_a_crash_is_noticed(
    tmp_path: Path, lost: tuple[str, ...], is_older: bool
) -> None:
    path = tmp_path / "twinlens.db"
    environ = {"PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", CRASH, str(path)], env=environ, check=True)
    assert path.with_name("twinlens.db-wal").stat().st_size > 0
    for end in lost:
        path.with_name(f"twinlens.db{end}").unlink()

    with opened_store(path) as store:
        reason = generation.advance(path, store.writer.call, "2026-01-10T13:00:00+00:00")
        assert (reason is not None) is is_older
        assert (store.read(generation.freeze) is not None) is is_older
        assert store.read(lambda: meta.read("kept")) == "x"
        assert store.read(lambda: meta.read("late")) == (None if is_older else "x")


def test_f10_a_database_on_a_mount_of_the_network_kind_is_refused(
    house: House, mounts: Mounts
) -> None:
    behind = house.folder / "behind"
    behind.mkdir()
    state = house.database.parent
    state.mkdir()
    put_picture(house.root / "one.jpg", 1)
    with FaultFolder(mounts, behind, state):
        for verb in ("scan", "run"):
            done = house.cli(verb, prefix=mounts.prefix)
            assert done.returncode == 2, done.stderr
            assert "network mount" in done.stderr
        assert list(behind.iterdir()) == []


def test_f11_a_database_behind_a_link_or_with_a_second_name_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real.db"
    with opened_store(real) as store:
        note(store, "kept")
    link, second = tmp_path / "link.db", tmp_path / "second.db"
    link.symlink_to(real)
    with pytest.raises(StoreError, match="not a plain file"):
        Database(link)

    os.link(real, second)
    for name in (real, second):
        with pytest.raises(StoreError, match="second name"):
            Database(name)
    second.unlink()

    with opened_store(real) as store:
        assert store.read(lambda: meta.read("kept")) == "x"


def locks_of(pid: int, inode: int) -> int:
    """How many locks a process holds on a file."""
    table = Path("/proc/locks").read_text(encoding="ascii")
    return len(re.findall(rf"POSIX .* {pid} \S+:{inode} ", table))


def test_f13_reading_the_databases_own_files_as_pictures_drops_no_lock(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        shared = house.database.with_name("twinlens.db-shm").stat().st_ino
        before = locks_of(daemon.pid, shared)
        assert before > 0, "the daemon holds no lock: nothing could be dropped"
        for end in ("", "-shm", "-wal"):
            os.link(f"{house.database}{end}", house.root / f"trap{end}.jpg")
        # Whoever opens it now is refused: it has a second name.
        eventually(lambda: all(f"trap{e}.jpg" in daemon.log for e in ("", "-shm")), SOMETIME)

        assert locks_of(daemon.pid, shared) == before
        for trap in house.root.glob("trap*"):
            trap.unlink()
        put_picture(house.root / "two.jpg", 2)
        eventually(lambda: set(house.files()) == {"one.jpg", "two.jpg"}, SOMETIME)
        daemon.stop()
    assert Database(house.database, read_only=True).quick_check() == []


def test_f13_a_database_below_a_root_is_refused(house: House) -> None:
    house.configure(database={"path": str(house.root / "deep" / "twinlens.db")})

    done = house.cli("scan")

    assert done.returncode == 2
    assert "lies within the root" in done.stderr
    assert not (house.root / "deep").exists()


def test_f13_no_copy_of_the_database_is_put_below_a_root(house: House) -> None:
    house.scan()

    done = house.cli("backup", str(house.root / "copy.db"))

    assert done.returncode == 2
    assert list(house.root.iterdir()) == []
