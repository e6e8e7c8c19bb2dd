"""Section E, first part: the end at any moment, and calls of the kernel that fail or dawdle."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually, processes_below
from support.disturbing import CHANGES, ERRORS, MEMORY, disturbances, prepared, survive
from support.injecting import hits_of
from support.killing import calls_of, require_strace, run_under, thinned
from support.pictures import put_picture
from support.snapshot import leftovers
from support.truth import require_sound, require_truth, require_world
from support.world import jpeg, opened_world, raw
from twinlens.model.actions import ActionKind

IS_LONG = bool(os.environ.get("TWINLENS_LONG"))
SOON = 20.0


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that is quick."""
    folder = tempfile.mkdtemp(dir=MEMORY)
    yield Path(folder)
    shutil.rmtree(folder)


def record(folder: Path) -> None:
    """What is killed: a scan by hand, from opening the store to closing it."""
    with opened_world(folder / "state" / "twinlens.db", folder / "photos") as world:
        world.scan()


def put_pictures(folder: Path) -> None:
    (folder / "photos").mkdir(parents=True)
    contents = {"a.jpg": jpeg(1), "a.nef": raw(1), "copy.jpg": jpeg(1), "b.jpg": jpeg(2)}
    for number, (name, content) in enumerate(contents.items()):
        (folder / "photos" / name).write_bytes(content)
        os.utime(folder / "photos" / name, (1_400_000_000 + number, 1_400_000_000 + number))


def test_e1_a_kill_at_any_call_of_recording_is_made_good_by_the_next_scan(memory: Path) -> None:
    require_strace()
    put_pictures(memory / "first")
    log = memory / "first.log"
    assert run_under(None, log, lambda: record(memory / "first"), has_threads=True) == 0
    calls = {name: n for name, n in calls_of(log).items() if name in CHANGES | {"pwrite64"}}
    most = 10_000 if IS_LONG else 4
    killed = 0
    for name, numbers in thinned(calls, most).items():
        for number in numbers:
            folder = memory / f"{name}{number}"
            put_pictures(folder)
            fault = f"{name}:signal=SIGKILL:when={number}"
            status = run_under(fault, folder / "log", lambda f=folder: record(f), has_threads=True)
            assert status in (-9, 0), fault
            killed += status == -9

            with opened_world(folder / "state" / "twinlens.db", folder / "photos") as world:
                world.scan()
                world.drain()
                require_world(world)
            assert leftovers(folder / "state" / "twinlens.db") == {}, fault
            shutil.rmtree(folder)
    assert killed >= 8, killed


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
def test_e1_a_kill_at_any_call_of_an_action_loses_nothing(memory: Path, kind: ActionKind) -> None:
    require_strace()
    killed = 0
    # Each time of each call: tests/actions/test_crashes.py.
    tried = list(disturbances(lambda folder: prepared(folder, kind, "act"), memory, few=1))
    for name, number in tried if IS_LONG else tried[::4]:
        folder = memory / f"{name}{number}"
        case, work = prepared(folder, kind, "act")
        fault = f"{name}:signal=SIGKILL:when={number}"
        killed += survive(case, work, fault, folder / "log", "act") == -9
        shutil.rmtree(folder)
    assert killed >= 6, killed


@pytest.mark.timeout(36_000 if IS_LONG else 120)
def test_e2_kills_at_random_times_under_load_lose_nothing(house: House) -> None:
    seed = int(os.environ.get("TWINLENS_SEED", random.randrange(10**6)))
    print(f"TWINLENS_SEED={seed}")
    chance = random.Random(seed)
    for life in range(10_000 if IS_LONG else 5):
        with Daemon(house, is_waited_for=False) as daemon:
            ends = time.monotonic() + chance.uniform(0.3, 1.6)
            number = 0
            while time.monotonic() < ends and daemon.is_running:
                put_picture(house.root / f"{life % 50}" / f"{number}.jpg", chance.randrange(10**9))
                number += 1
                time.sleep(chance.uniform(0, 0.1))
            daemon.kill()
        if house.database.exists() and house.database.stat().st_size:
            require_sound(house.database)
    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["last_scan_at"] and house.is_quiet(), 60.0)
        daemon.stop()

    require_truth(house.files(), house.root)
    assert leftovers(house.database) == {}


def test_e3_an_end_in_any_phase_comes_soon_and_leaves_nothing_half(house: House) -> None:
    for number in range(60):
        put_picture(house.root / f"{number}.jpg", number)
    for pause in (0.0, 0.4, 1.0):
        with Daemon(house, is_waited_for=False) as daemon:
            daemon.wait_for("READY=1", SOON)
            time.sleep(pause)
            assert daemon.stop(30.0) < 30.0
            assert "Traceback" not in daemon.log
        require_sound(house.database)

    house.scan()

    require_truth(house.files(), house.root)
    assert leftovers(house.database) == {}


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE file SET name = 'half' || name")
print("held", flush=True)
sys.stdin.read()
"""


def test_e4_a_writer_that_freezes_in_a_transaction_is_waited_for_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        world.put("a.jpg", jpeg(1))
        world.scan()
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(world.store.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            holder.send_signal(signal.SIGSTOP)
            world.put("b.jpg", jpeg(2))
            scanning = threading.Thread(target=world.scan)
            scanning.start()
            started = time.monotonic()
            require_truth_of_readers(world.store.path)
            assert time.monotonic() - started < 2.0, "who only reads is not held up"
            time.sleep(0.5)
            assert scanning.is_alive()
        finally:
            holder.kill()
            holder.wait(10.0)
            for stream in (holder.stdin, holder.stdout):
                if stream is not None:
                    stream.close()
        scanning.join(30.0)
        assert not scanning.is_alive()
        require_world(world)


def require_truth_of_readers(database: Path) -> None:
    """A reader sees what was committed last, and nothing of what is under way."""
    reader = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    assert reader.execute("SELECT name FROM file").fetchall() == [(b"a.jpg",)]
    reader.close()


def test_e6_a_main_process_that_is_killed_leaves_no_child_and_starts_again(house: House) -> None:
    with Daemon(house) as daemon:
        for number in range(12):
            put_picture(house.root / f"{number}.jpg", number)
        eventually(lambda: len(processes_below(daemon.pid)) >= 3, SOON, "workers are there")
        family = processes_below(daemon.pid)
        daemon.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), SOON)

    with Daemon(house) as daemon:
        eventually(lambda: len(house.files()) == 12 and house.is_quiet(), SOON)
        daemon.stop()

    require_truth(house.files(), house.root)


def faults_of_an_action(memory: Path, fault: str, names: set[str]) -> Iterator[tuple[str, int]]:
    """(fault, exit status) of an action under this fault at some times of these calls."""
    require_strace()
    make = lambda folder: prepared(folder, ActionKind.TRASH, "act")  # noqa: E731 - a name
    for name, number in list(disturbances(make, memory, few=1)):
        if name not in names:
            continue
        folder = memory / f"{name}{number}"
        case, work = prepared(folder, ActionKind.TRASH, "act")
        told = f"{name}:{fault}:when={number}"
        yield told, survive(case, work, told, folder / "log", "act")
        assert hits_of(folder / "log") == 1, told
        shutil.rmtree(folder)


def test_e9_a_write_that_is_claimed_and_not_done_costs_no_picture(memory: Path) -> None:
    tried = list(faults_of_an_action(memory, "retval=10", {"write"}))

    assert tried


@pytest.mark.parametrize("error", ["error=EINTR", "delay_enter=50000"])
def test_e10_a_call_that_is_interrupted_or_late_makes_no_double_action(
    memory: Path, error: str
) -> None:
    names = {"renameat2", "linkat", "fsync", "mkdirat", "unlinkat"}
    tried = list(faults_of_an_action(memory, error, names))

    assert len(tried) >= 4


def test_e11_an_fsync_that_fails_once_leaves_no_action_half_done(memory: Path) -> None:
    tried = list(faults_of_an_action(memory, "error=EIO", {"fsync", "fdatasync"}))

    assert len(tried) >= 2


def test_e11_any_error_of_recording_is_told_or_made_good(memory: Path) -> None:
    require_strace()
    put_pictures(memory / "first")
    log = memory / "first.log"
    assert run_under(None, log, lambda: record(memory / "first"), has_threads=True) == 0
    calls = {n: times for n, times in calls_of(log).items() if n in ("fsync", "fdatasync")}
    errors = cycle(ERRORS)
    for name, numbers in thinned(calls, 10_000 if IS_LONG else 3).items():
        for number in numbers:
            folder = memory / f"{name}{number}"
            put_pictures(folder)
            run_under(
                f"{name}:error={next(errors)}:when={number}",
                folder / "log",
                lambda f=folder: record(f),
                has_threads=True,
            )
            with opened_world(folder / "state" / "twinlens.db", folder / "photos") as world:
                world.scan()
                require_world(world)
            shutil.rmtree(folder)
    assert calls
