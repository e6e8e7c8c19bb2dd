"""Section E, second part: processes that die, hang, run out of something, or meet another."""

import fcntl
import hashlib
import os
import resource
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from support.daemon import PROGRAM, Daemon, House, eventually, processes_below
from support.fault_folder import FaultFolder
from support.injecting import ControlGroup
from support.mounts import Mounts
from support.pictures import picture, put_picture
from support.poison import stand_in
from support.truth import require_truth
from twinlens.errors import StoreError

SOON = 20.0
PATIENCE = {"processes": 2, "retries": 1, "retry_pause_seconds": 0.3}


def all_true(house: House) -> bool:
    """All that is there is known, and nothing waits."""
    try:
        require_truth(house.files(), house.root)
    except (AssertionError, StoreError):
        return False
    return house.is_quiet()


@pytest.mark.timeout(120)
def test_e5_a_decoder_that_is_killed_for_its_memory_costs_its_file_alone(house: House) -> None:
    Image.new("RGB", (11_000, 11_000), (200, 10, 10)).save(
        house.root / "vast.png", compress_level=1
    )
    put_picture(house.root / "small.jpg", 1)
    house.configure(workers=PATIENCE | {"processes": 1, "memory_mib": 4096})
    with (
        ControlGroup("memory", "memory.limit_in_bytes", 380 << 20) as group,
        Daemon(house, prefix=group.prefix) as daemon,
    ):
        eventually(lambda: len(house.files()) == 2 and house.is_quiet(), 60.0)
        assert daemon.is_running
        rows = house.files()
        assert rows["small.jpg"]["status"] == "ok"
        assert rows["vast.png"]["error"], "it was not decoded"
        assert rows["vast.png"]["sha256"], "its content is known all the same"
        put_picture(house.root / "later.jpg", 2)
        eventually(lambda: "later.jpg" in house.files(), SOON)
        daemon.stop()


def test_e7_without_free_descriptors_the_daemon_waits_and_nothing_is_gone(house: House) -> None:
    for number in range(4):
        put_picture(house.root / f"{number}.jpg", number)
    with Daemon(house) as daemon:
        eventually(lambda: all_true(house), SOON)
        open_now = [int(name) for name in os.listdir(f"/proc/{daemon.pid}/fd")]
        before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        lowest_free = next(n for n in range(1 << 16) if n not in open_now)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
        put_picture(house.root / "new.jpg", 9)
        (house.root / "0.jpg").unlink()
        time.sleep(4.0)
        assert daemon.is_running, daemon.log
        known = house.files()
        assert set(known) >= {"1.jpg", "2.jpg", "3.jpg"}

        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)

        eventually(lambda: all_true(house), 3 * SOON)
        assert "oo many open files" in daemon.log or "unable to open" in daemon.log
        assert daemon.log.count("file_gone") == 1
        daemon.stop()


def test_e8_without_room_for_a_process_the_file_waits(house: House) -> None:
    with (
        ControlGroup("pids", "pids.max", 500) as group,
        Daemon(house, prefix=group.prefix) as daemon,
    ):
        eventually(lambda: house.root_state()["last_scan_at"] and house.is_quiet(), SOON)
        group.set_limit(group.used("pids.current"))
        put_picture(house.root / "a.jpg", 1)
        time.sleep(4.0)
        assert daemon.is_running

        group.set_limit(500)

        eventually(lambda: all_true(house), 3 * SOON)
        daemon.stop()


def test_e12_a_second_daemon_is_refused_and_a_dead_ones_lock_is_free(house: House) -> None:
    with Daemon(house) as daemon:
        put_picture(house.root / "a.jpg", 1)
        eventually(lambda: all_true(house), SOON)
        # Some child of the first may outlive it for a moment: it must not hold the lock.
        child = processes_below(daemon.pid)[-1]
        os.kill(child, signal.SIGSTOP)

        second = house.cli("run")

        assert second.returncode == 3
        assert str(daemon.pid) in second.stderr
        daemon.kill()
        try:
            with Daemon(house) as third:
                assert third.is_running
                third.stop()
        finally:
            if Path(f"/proc/{child}").exists():
                os.kill(child, signal.SIGKILL)


def test_e13_a_database_that_two_machines_could_open_is_refused(
    house: House, mounts: Mounts
) -> None:
    behind, state = house.folder / "behind", house.database.parent
    behind.mkdir()
    state.mkdir()
    with FaultFolder(mounts, behind, state):
        done = house.cli("scan", prefix=mounts.prefix)
        assert done.returncode == 2
        assert "network mount (fuse" in done.stderr
    assert list(behind.iterdir()) == []

    # As on another machine, with its own numbers for its own processes.
    elsewhere = ("unshare", "--pid", "--fork", "--mount-proc")
    with Daemon(house):
        other = house.cli("scan", "--help", prefix=elsewhere)
        if other.returncode != 0:
            pytest.skip("no process namespaces here")
        other = house.cli("run", prefix=elsewhere)
        assert other.returncode == 3, other.stderr


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> House:
    """A house after one scan of files that kill, crash or freeze whoever looks at them."""
    house = House(tmp_path_factory.mktemp("poisoned"))
    harm = (
        "worker = os.getppid()\n"
        "        if b'crash' in target: os.kill(worker, signal.SIGSEGV)\n"
        "        if b'abort' in target: os.kill(worker, signal.SIGABRT)\n"
        "        if b'freeze' in target: os.kill(worker, signal.SIGSTOP)\n"
        "        sys.exit(1)"
    )
    house.configure(
        workers=PATIENCE | {"file_seconds": 2}, exiftool={"path": stand_in(house, harm)}
    )
    for number, name in enumerate(("crash", "abort", "freeze")):
        content = (photos / "raw" / "DSC_0101.DNG").read_bytes()
        (house.root / f"poison {name}.dng").write_bytes(content + bytes([number]))
    for number in range(8):
        put_picture(house.root / f"{number}.jpg", number)
    house.cli("scan", seconds=200.0)
    return house


def require_only_it_suffered(house: House, name: str) -> None:
    rows = house.files()
    assert len(rows) == 11
    assert {row["status"] for path, row in rows.items() if "poison" not in path} == {"ok"}
    poison = rows[f"poison {name}.dng"]
    assert "it has stopped workers before" in poison["error"]
    assert (
        poison["sha256"]
        == hashlib.sha256((house.root / f"poison {name}.dng").read_bytes()).hexdigest()
    )
    assert house.is_quiet()


@pytest.mark.timeout(240)
def test_e14_a_file_that_aborts_every_worker_is_put_aside(poisoned: House) -> None:
    require_only_it_suffered(poisoned, "abort")
    assert poisoned.scan()["bytes_read"] == 0, "it is not tried again at every scan"


@pytest.mark.timeout(240)
def test_e15_a_worker_that_freezes_is_ended_at_its_deadline(poisoned: House) -> None:
    require_only_it_suffered(poisoned, "freeze")


@pytest.mark.timeout(240)
def test_e18_a_crash_of_a_library_costs_the_worker_alone(poisoned: House) -> None:
    require_only_it_suffered(poisoned, "crash")


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "never read"])
def test_e16_a_log_that_nobody_takes_holds_nothing_up(house: House, is_closed: bool) -> None:
    house.configure(log={"level": "debug"})
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [*PROGRAM, "--config", str(house.config), "run"],
        env=house.environ(),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    if is_closed:
        os.close(reader)
    try:
        for number in range(30):
            put_picture(house.root / f"{number}.jpg", number)
        eventually(lambda: all_true(house) and len(house.files()) == 30, 2 * SOON)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0
        assert time.monotonic() - started < 10.0
    finally:
        process.kill()
        process.wait(10.0)
        if not is_closed:
            os.close(reader)


def test_e17_an_older_program_leaves_a_newer_database_alone(house: House) -> None:
    put_picture(house.root / "a.jpg", 1)
    house.scan()
    connection = sqlite3.connect(house.database)
    (table,) = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%migration%'"
    ).fetchone()
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    row = dict.fromkeys(columns, "9999_from_the_future")
    row |= {name: "2999-01-01T00:00:00+00:00" for name in columns if name.endswith("_at")}
    row.pop("id", None)
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = house.database.read_bytes()
    (house.root / "b.jpg").write_bytes(picture(2))

    done = house.cli("scan")

    assert done.returncode == 3
    assert "newer twinlens" in done.stderr
    assert house.database.read_bytes() == before
