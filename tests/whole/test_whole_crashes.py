"""`kill -9` at any moment: nothing is lost, nothing is done half, and the end is the same."""

import os
import random
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.pictures import picture
from support.snapshot import differences, leftovers, snapshot

IS_LONG = bool(os.environ.get("TWINLENS_LONG"))
KILLS, FILES = (200, 2000) if IS_LONG else (12, 150)


class Pourer:
    """Copies, overwrites, renames, removes and moves pictures, always the same for one seed.

    Real pictures are mixed with made ones, so that pairs, broken files and copies are among them.
    """

    def __init__(self, root: Path, real: list[Path], seed: int) -> None:
        self._root = root
        self._real = real
        self._random = random.Random(seed)
        self._made: list[Path] = []

    def pour(self, count: int) -> None:
        """Do as many things as `count` says."""
        for _ in range(count):
            self._do_one()

    def _do_one(self) -> None:
        dice = self._random.random()
        if dice < 0.6 or not self._made:
            self._arrive()
        elif dice < 0.7:
            self._one().write_bytes(picture(self._random.randrange(10**9)))
        elif dice < 0.8:
            shutil.copyfile(self._one(), self._new("copy.jpg"))
        elif dice < 0.9:
            path = self._one()
            self._made.remove(path)
            path.rename(self._new(path.name))
        else:
            path = self._one()
            self._made.remove(path)
            path.unlink()

    def _arrive(self) -> None:
        if self._real and self._random.random() < 0.4:
            source = self._random.choice(self._real)
            # Both halves of a pair share their folder, so that they can meet.
            for twin in sorted(source.parent.glob(f"{source.stem}.*")):
                shutil.copy2(twin, self._new(twin.name, source.parent.name))
        else:
            seed = self._random.randrange(10**9)
            self._new(f"{seed}.jpg").write_bytes(picture(seed))

    def _one(self) -> Path:
        return self._random.choice(self._made)

    def _new(self, name: str, folder: str = "") -> Path:
        path = self._root / (folder or f"day {self._random.randrange(12)}") / name
        while path.exists() and not folder:
            path = path.with_name(f"{self._random.randrange(1000)} {name}")
        path.parent.mkdir(exist_ok=True)
        if path not in self._made:
            self._made.append(path)
        return path


@pytest.fixture
def real(photos: Path) -> list[Path]:
    """Real pictures of all kinds, small enough to be copied often."""
    found = [p for p in sorted(photos.glob("*/**/*")) if p.is_file() and p.stat().st_size < 200_000]
    return [p for p in found if "LICENSES" not in p.parts and p.suffix]


@pytest.mark.slow
@pytest.mark.timeout(5400 if IS_LONG else 120)
def test_a_daemon_killed_again_and_again_ends_with_what_a_fresh_scan_finds(
    house: House, real: list[Path]
) -> None:
    seed = int(os.environ.get("TWINLENS_SEED", random.randrange(10**6)))
    print(f"TWINLENS_SEED={seed}")
    chance = random.Random(seed)
    pourer = Pourer(house.root, real, seed)
    poured = 0

    for kill in range(KILLS):
        with Daemon(house, is_waited_for=chance.random() < 0.8) as daemon:
            until = FILES * (kill + 1) // KILLS
            deadline = time.monotonic() + chance.uniform(0.05, 1.5)
            while time.monotonic() < deadline and daemon.is_running:
                if poured < until:
                    pourer.pour(1)
                    poured += 1
                time.sleep(chance.uniform(0, 0.03))
            pourer.pour(until - poured)
            poured = until
            daemon.kill()
        assert_sound(house.database)
    with Daemon(house) as daemon:
        eventually(lambda: is_done(house), 120 if IS_LONG else 60, "quiet after the last start")
        daemon.stop()

    assert leftovers(house.database) == {}
    assert differences(snapshot(house.database), snapshot(fresh_scan(house))) == {}


@pytest.mark.slow
def test_a_kill_during_a_scan_by_hand_loses_nothing(house: House, real: list[Path]) -> None:
    pourer = Pourer(house.root, real, 7)
    pourer.pour(120)
    for delay in (0.9, 1.3, 1.8):
        kill_after(house, delay)

    house.scan()

    assert leftovers(house.database) == {}
    assert differences(snapshot(house.database), snapshot(fresh_scan(house))) == {}


def kill_after(house: House, seconds: float) -> None:
    """Start a scan by hand, and kill it."""
    done = house.cli("scan", prefix=("timeout", "--signal=KILL", str(seconds)))
    assert done.returncode in (0, 1, 137, -9), done.stderr


def is_done(house: House) -> bool:
    state = house.root_state()
    return bool(state["last_scan_at"]) and house.is_quiet()


def assert_sound(database: Path) -> None:
    if database.exists():
        connection = sqlite3.connect(database)
        damages = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        assert damages == [("ok",)]


def fresh_scan(house: House) -> Path:
    """What one scan with an empty database makes of the same files."""
    other = house.folder / "fresh" / "twinlens.db"
    house.configure(database={"path": str(other)}, watch={"settle_seconds": 0.1})
    time.sleep(0.2)
    house.scan()
    return other
