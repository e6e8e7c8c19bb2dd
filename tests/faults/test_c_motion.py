"""Section C: files that are being written, and clocks that are wrong."""

import hashlib
import mmap
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faults.conftest import WorldAt
from support.acting import MemoryJournal, step_for
from support.daemon import Daemon, House, eventually
from support.injecting import FalseClock
from support.mounts import Mounts
from support.pictures import picture, put_picture
from support.truth import digests, require_truth, require_world, rows_of
from support.world import World, jpeg
from twinlens.actions.performing import perform
from twinlens.ingest.worker import look_at
from twinlens.model.actions import ActionKind, StepState
from twinlens.model.files import Look

IS_LONG = bool(os.environ.get("TWINLENS_LONG"))
SOON = 20.0


class Household:
    """A house with its daemon running; tests share it, each in a folder of its own."""

    def __init__(self, house: House, daemon: Daemon) -> None:
        self.house = house
        self.daemon = daemon

    def is_true(self, folder: str) -> bool:
        """Everything below the folder is known as it is."""
        rows = self.house.files()
        told = {name: row["sha256"] for name, row in rows.items() if name.startswith(f"{folder}/")}
        there = digests(self.house.root / folder)
        return told == {f"{folder}/{name}": digest for name, digest in there.items()}

    def told_of(self, folder: str) -> list[str]:
        """The lines of the log that name the folder, after they were told of."""
        return [line for line in self.daemon.log.splitlines() if f"/{folder}/" in line]


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """One daemon for all tests of this file that need a running one."""
    house = House(tmp_path_factory.mktemp("household"))
    house.configure(watch={"settle_seconds": 0.8})
    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["last_scan_at"], SOON)
        yield Household(house, daemon)
        daemon.stop()


def test_c1_a_slow_copy_is_taken_once_and_whole(household: Household) -> None:
    folder = household.house.root / "c1"
    folder.mkdir()
    content = picture(1, (640, 480))
    step = len(content) // 9 + 1
    for start in range(0, len(content), step):
        # Opened and closed in each round, as some programs copy.
        with (folder / "slow.jpg").open("ab") as file:
            file.write(content[start : start + step])
        time.sleep(0.2)

    eventually(lambda: household.is_true("c1"), SOON)

    arrivals = [line for line in household.told_of("c1") if "slow.jpg" in line]
    assert len(arrivals) == 1, arrivals
    assert "file_arrived" in arrivals[0]


def test_c2_a_file_that_never_stops_growing_holds_up_nothing_else(household: Household) -> None:
    folder = household.house.root / "c2"
    folder.mkdir()
    is_ended = threading.Event()

    def grow() -> None:
        with (folder / "endless.jpg").open("ab", buffering=0) as file:
            while not is_ended.wait(0.05):
                file.write(b"more " * 200)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        put_picture(folder / "other.jpg", 2)
        eventually(lambda: "c2/other.jpg" in household.house.files(), SOON)
        time.sleep(1.5)
        assert "c2/endless.jpg" not in household.house.files()
    finally:
        is_ended.set()
        writer.join()

    eventually(lambda: household.is_true("c2"), SOON)


def test_c3_a_silent_writer_keeps_actions_away_and_its_last_word_is_read(world: World) -> None:
    world.put("keep.jpg", jpeg(1))
    copy = world.put("copy.jpg", jpeg(1))
    with copy.open("r+b") as held:
        world.scan()
        for kind in ActionKind:
            step = step_for(world.photos, "copy.jpg", "keep.jpg", kind)
            (outcome,) = perform([step], MemoryJournal([step]))
            assert outcome.state is StepState.REFUSED
            assert "open for writing" in outcome.reason
        held.write(b"\xff\xd8\xff the last word")
    world.hint("copy.jpg")

    world.drain()

    require_world(world)


@pytest.mark.parametrize("point", ["before", "checked", "captured"])
def test_c4_what_is_written_through_a_mapping_is_never_lost(world: World, point: str) -> None:
    world.put("keep.jpg", b"\xff\xd8" + b"1" * 8190)
    copy = world.put("copy.jpg", b"\xff\xd8" + b"1" * 8190)
    step = step_for(world.photos, "copy.jpg", "keep.jpg", ActionKind.TRASH)
    with copy.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    try:

        def write(name: str) -> None:
            if name == point:
                mapped[100:105] = b"saved"

        write("before")
        (outcome,) = perform([step], MemoryJournal([step]), write)
    finally:
        mapped.close()

    assert outcome.state is StepState.REFUSED
    assert copy.exists()
    assert (b"saved" in copy.read_bytes()) == (point == "before")
    world.age(copy)
    world.scan()
    require_world(world)


def test_c5_a_change_behind_an_old_mtime_is_read(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.scan()
    old = path.stat()
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (old.st_size, old.st_mtime_ns)

    result = world.scan()

    assert result["changed"] == 1
    require_world(world)


def test_c6_where_times_are_whole_seconds_a_change_within_one_is_read(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.mount(mounts.new_disk(options=("-I", "128")), point)
    world = world_at(mounts.inside(point))
    world.settle_seconds = 1.0
    world.restart()
    # Just after a second has begun, so that both writes fall into it.
    time.sleep(1.02 - time.time() % 1.0)
    path = world.put("a.bmp", b"BM" + b"1" * 3000, is_young=True)
    first = path.stat()
    result = world.scan()
    world.put("a.bmp", b"BM" + b"2" * 3000, is_young=True)
    second = path.stat()
    if (first.st_ctime_ns, first.st_mtime_ns) != (second.st_ctime_ns, second.st_mtime_ns):
        pytest.skip("this kernel tells the two changes apart")

    assert result["waiting"] == 1, "what is as young as a tick of the clock is not believed"

    def is_known() -> bool:
        world.intake.step()
        return bool(rows_of(world))

    eventually(is_known, SOON)
    require_world(world)


@pytest.mark.parametrize("is_renamed", [False, True])
def test_c6_what_is_written_with_its_old_mtime_in_the_second_of_its_reading_is_read_again(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt, is_renamed: bool
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.mount(mounts.new_disk(options=("-I", "128")), point)
    world = world_at(mounts.inside(point))
    path = world.put("a.bmp", b"BM" + b"1" * 3000)
    old = path.stat()
    if is_renamed:
        world.scan()
    time.sleep(1.02 - time.time() % 1.0)
    if is_renamed:
        path = path.rename(world.path("b.bmp"))
    else:
        os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    world.scan()

    content = b"BM" + b"2" * 3000
    path.write_bytes(content)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    world.scan()

    require_world(world)
    assert rows_of(world)[path.name]["sha256"] == hashlib.sha256(content).hexdigest()


def test_c7_only_the_final_name_of_a_transfer_is_taken(household: Household) -> None:
    folder = household.house.root / "c7"
    folder.mkdir()
    transfers = {
        ".IMG_1.jpg.Xy12ab": "IMG_1.jpg",
        "IMG_2.jpg.part": "IMG_2.jpg",
        "IMG_3.jpg.filepart": "IMG_3.jpg",
        ".syncthing.IMG_4.jpg.tmp": "IMG_4.jpg",
    }
    for number, name in enumerate(transfers):
        put_picture(folder / name, 700 + number)
    put_picture(folder / ".smbdelete0001", 77)
    time.sleep(1.2)
    assert household.told_of("c7") == []
    for name, final in transfers.items():
        (folder / name).rename(folder / final)

    eventually(lambda: len(household.told_of("c7")) >= len(transfers), SOON)

    known = {name for name in household.house.files() if name.startswith("c7/")}
    assert known == {f"c7/{name}" for name in transfers.values()}
    assert all("file_arrived" in line for line in household.told_of("c7"))
    assert len(household.told_of("c7")) == len(transfers)


def test_c8_what_was_replaced_while_it_was_hashed_is_hashed_again(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")
    world.workers.is_held = True
    world.intake.step()
    assert len(world.workers.waiting) == 1, "it is being looked at"
    newer = world.put("newer.tmp", jpeg(2))
    os.replace(newer, path)

    world.workers.finish()
    world.drain()

    require_world(world)
    assert rows_of(world)["a.jpg"]["size"] == len(jpeg(2))


CUT = """
import os, sys
while True:
    os.truncate(sys.argv[1], 0)
    os.truncate(sys.argv[1], int(sys.argv[2]))
"""


@pytest.mark.timeout(90)
def test_c9_a_file_that_is_cut_while_it_is_hashed_is_never_a_mixture(world: World) -> None:
    size = 32 << 20
    path = world.put("a.bmp", b"\0" * size)
    whole = {hashlib.sha256(b"\0" * size).hexdigest(), hashlib.sha256().hexdigest()}
    told = set()
    with subprocess.Popen([sys.executable, "-c", CUT, str(path), str(size)]) as cutter:
        try:
            for _ in range(40):
                found = world.workers.submit(look_at, Look(os.fsencode(path))).result(timeout=10)
                told.add((found.sha256, found.problem))
        finally:
            cutter.kill()

    assert {sha256 for sha256, _ in told if sha256 is not None} <= whole
    problems = {problem for sha256, problem in told if sha256 is None}
    assert "changed while it was read" in problems, "they did not meet"
    world.put("a.bmp", jpeg(1))
    world.scan()
    require_world(world)


def test_c10_a_clock_that_jumps_forgets_nothing_and_misses_nothing(house: House) -> None:
    clock = FalseClock(house.folder)
    gone = put_picture(house.root / "gone.jpg", 1)
    for number in range(8):
        put_picture(house.root / f"{number}.jpg", number + 10)
    house.configure(cleanup={"grace_hours": 1})
    day, year = 86_400, 365 * 86_400
    with Daemon(house, environ=clock.environ) as daemon:
        eventually(lambda: len(house.files()) == 9, SOON)
        gone.unlink()
        eventually(lambda: house.status()["orphans"] == 1, SOON)
        for number, jump in enumerate((10 * year, -day, 0)):
            clock.jump(jump)
            put_picture(house.root / f"after {number}.jpg", 50 + number)
            eventually(lambda n=number: f"after {n}.jpg" in house.files(), SOON)
            house.cli("cleanup", environ=clock.environ)
            assert house.status()["orphans"] == 1, f"forgotten at {jump} s"
        assert "step failed" not in daemon.log
        daemon.stop()
    require_truth(house.files(), house.root)


def test_c11_times_from_any_century_are_numbers(world: World) -> None:
    seconds = (0, -1, -2_000_000_000, 2**31, 4_102_444_800, 15_032_385_535)
    for number, second in enumerate(seconds):
        path = world.put(f"{number}.jpg", jpeg(number))
        os.utime(path, ns=(second * 10**9 + 7, second * 10**9 + 7))

    first = world.scan()
    again = world.scan()

    assert (first["added"], first["failed"]) == (len(seconds), 0)
    assert (again["unchanged"], again["bytes_read"]) == (len(seconds), 0)
    require_world(world)


def test_c12_after_a_machine_slept_all_goes_on(household: Household) -> None:
    root = household.house.root
    put_picture(root / "c12" / "before.jpg", 5)
    eventually(lambda: household.is_true("c12"), SOON)
    put_picture(root / "c12" / "under way.jpg", 6)
    household.daemon.signal(signal.SIGSTOP)
    time.sleep(60 if IS_LONG else 2)
    put_picture(root / "c12" / "while it slept.jpg", 7)
    (root / "c12" / "before.jpg").unlink()
    household.daemon.signal(signal.SIGCONT)

    eventually(lambda: household.is_true("c12"), SOON)

    assert len(digests(root / "c12")) == 2


@pytest.fixture
def zone() -> Iterator[None]:
    """Gives the process's time zone back."""
    before = os.environ.get("TZ")
    yield
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_c13_another_time_zone_changes_nothing_that_is_known(
    world: World, zone: None, tmp_path: Path
) -> None:
    world.put("2019-03-31 02.30.00.jpg", picture(1))
    world.put("b.jpg", jpeg(2))
    shutil.copy2(world.put("c.jpg", picture(3)), world.path("copy of c.jpg"))
    told = []
    for name in ("UTC", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns"):
        os.environ["TZ"] = name
        time.tzset()
        result = world.scan()
        told.append(rows_of(world))
        assert name == "UTC" or (result["unchanged"], result["bytes_read"]) == (4, 0)

    assert all(rows == told[0] for rows in told)
    connection = sqlite3.connect(f"file:{world.store.path}?mode=ro", uri=True)
    times = [at for (at,) in connection.execute("SELECT first_seen_at FROM file")]
    connection.close()
    assert times
    assert {datetime.fromisoformat(at).utcoffset() for at in times} == {timedelta(0)}
