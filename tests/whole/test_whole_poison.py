"""Files that hang or kill whoever looks at them: they cost themselves and nothing else."""

import os
import random
import shutil
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from support.daemon import Daemon, House, eventually, processes_below
from support.pictures import picture, put_picture
from support.poison import KILL_WORKER, stand_in

SOMETIME = 30.0

PATIENCE = {"processes": 2, "retries": 1, "retry_pause_seconds": 0.3}


def a_raw(photos: Path, target: Path) -> Path:
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(photos / "raw" / "DSC_0101.DNG", target)
    return target


def test_a_file_that_kills_its_worker_costs_itself_alone(house: House, photos: Path) -> None:
    house.configure(workers=PATIENCE, exiftool={"path": stand_in(house, KILL_WORKER)})
    with Daemon(house) as daemon:
        a_raw(photos, house.root / "poison.dng")
        for number in range(20):
            put_picture(house.root / f"{number}.jpg", number)
        (house.root / "other.dng").write_bytes((photos / "raw" / "P1010102.dng").read_bytes())

        eventually(lambda: len(house.files()) == 22 and house.is_quiet(), 2 * SOMETIME)

        rows = house.files()
        assert [path for path, row in rows.items() if row["error"]] == ["poison.dng"]
        assert rows["poison.dng"]["sha256"] is not None
        assert "it has stopped workers before" in rows["poison.dng"]["error"]
        assert daemon.is_running
        daemon.stop()
    again = house.scan()
    assert again["bytes_read"] == 0, "a poisoned file is not tried again at every scan"


@pytest.mark.slow
def test_a_file_that_hangs_its_tool_costs_itself_alone(house: House, photos: Path) -> None:
    tool = stand_in(house, "time.sleep(1000)")
    house.configure(workers=PATIENCE | {"file_seconds": 3}, exiftool={"path": tool})
    with Daemon(house) as daemon:
        a_raw(photos, house.root / "poison.dng")
        eventually(lambda: house.status()["queue"]["running"] == 1, SOMETIME)
        for number in range(20):
            put_picture(house.root / f"{number}.jpg", number)
        took = eventually(lambda: len(house.files()) >= 20, SOMETIME)

        eventually(lambda: len(house.files()) == 21 and house.is_quiet(), 3 * SOMETIME)

        rows = house.files()
        assert [path for path, row in rows.items() if row["error"]] == ["poison.dng"]
        assert took < SOMETIME
        daemon.stop()


@pytest.mark.slow
def test_a_poisoned_file_is_looked_at_anew_when_it_changes(house: House, photos: Path) -> None:
    house.configure(workers=PATIENCE, exiftool={"path": stand_in(house, KILL_WORKER)})
    path = a_raw(photos, house.root / "poison.dng")
    house.scan()
    assert house.files()["poison.dng"]["status"] == "unjudged"
    shutil.copyfile(photos / "raw" / "P1010102.dng", path)
    house.configure()

    house.scan()

    assert house.files()["poison.dng"]["status"] == "ok"


def test_a_picture_that_needs_too_much_memory_says_so(house: House) -> None:
    house.configure(workers=PATIENCE | {"memory_mib": 256})
    image = Image.new("RGB", (12000, 12000), (200, 10, 10))
    image.save(house.root / "large.png", compress_level=1)
    put_picture(house.root / "small.jpg", 1)

    house.scan()

    rows = house.files()
    assert rows["small.jpg"]["status"] == "ok"
    assert rows["large.png"]["status"] == "unjudged"
    assert "memory" in rows["large.png"]["error"]


def test_without_exiftool_pictures_go_on_and_raw_says_what_is_missing(
    house: House, photos: Path
) -> None:
    house.configure(exiftool={"path": "/nonexistent/exiftool"})
    with Daemon(house) as daemon:
        a_raw(photos, house.root / "one.dng")
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: len(house.files()) == 2 and house.is_quiet(), SOMETIME)
        assert "sudo apt install libimage-exiftool-perl" in daemon.log
        daemon.stop()
    rows = house.files()
    assert rows["one.jpg"]["status"] == "ok"
    assert "exiftool is needed" in rows["one.dng"]["error"]
    assert "libimage-exiftool-perl" in rows["one.dng"]["error"]
    checks = {c["check"]: c for c in house.ask("doctor", codes=(1,))["checks"]}
    assert checks["exiftool"]["state"] == "error"


def test_exiftool_installed_later_mends_what_was_measured_without_it(
    house: House, photos: Path
) -> None:
    house.configure(exiftool={"path": "/nonexistent/exiftool"})
    a_raw(photos, house.root / "one.dng")
    house.scan()
    assert house.files()["one.dng"]["status"] == "unjudged"

    house.configure()
    house.scan()

    assert house.files()["one.dng"]["status"] == "ok"


class Executioner:
    """While it is at work, every process of the daemon that opens the file is killed."""

    def __init__(self, daemon: Daemon, path: Path) -> None:
        self._pid = daemon.pid
        self._path = str(path)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5.0)

    def _work(self) -> None:
        while not self._ended.wait(0.005):
            for pid in processes_below(self._pid)[1:]:
                with suppress(OSError):
                    if self._path in opened_by(pid):
                        os.kill(pid, signal.SIGKILL)


def opened_by(pid: int) -> list[str]:
    folder = f"/proc/{pid}/fd"
    return [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]


def write_large(path: Path, seed: int) -> None:
    """A picture with a long tail: it takes a moment to read."""
    path.write_bytes(picture(seed) + random.Random(seed).randbytes(1 << 20) * 200)


@pytest.mark.timeout(60)
def test_a_file_that_loses_every_worker_is_given_up_and_gets_a_new_start_by_hand_or_by_a_change(
    house: House,
) -> None:
    house.configure(workers=PATIENCE)
    path = house.root / "one.jpg"
    with Daemon(house) as daemon:
        with Executioner(daemon, path):
            write_large(path, 1)
            eventually(lambda: house.status()["queue"]["failed"] == 1, 30.0)
        given_up = house.ask("status")["given_up"]
        shown = " ".join(house.cli("status").stdout.split())
        row = house.files()["one.jpg"]

        answer = house.ask("jobs", "retry")
        eventually(lambda: house.files()["one.jpg"]["status"] == "ok", SOMETIME)

        with Executioner(daemon, path):
            write_large(path, 2)
            eventually(lambda: house.status()["queue"]["failed"] == 1, 30.0)
        put_picture(path, 3)
        eventually(lambda: house.files()["one.jpg"]["status"] == "ok", SOMETIME)
        daemon.stop()
    assert [entry["path"] for entry in given_up] == [str(path)]
    assert given_up[0]["attempts"] == 2
    assert "the worker died" in given_up[0]["error"]
    assert (row["status"], row["error"]) == ("unreadable", given_up[0]["error"])
    assert "given up after 2 tries" in shown
    assert answer == {"files": 1}
    assert house.status()["given_up"] == []


def test_a_sparse_giant_is_not_read(house: House) -> None:
    """Holes are read as fast as memory, and mean nothing: a download that was only begun."""
    with (house.root / "huge.jpg").open("wb") as file:
        file.write(picture(1))
        file.truncate(1 << 33)

    result = house.scan()

    assert result["bytes_read"] < 1 << 20
    assert "sparse" in house.files()["huge.jpg"]["error"]
