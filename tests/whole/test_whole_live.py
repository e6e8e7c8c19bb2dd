"""The running daemon and what owners, cameras, editors and copy programs do to files."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Daemon, House, eventually, processes_below
from support.pictures import picture, put_picture
from twinlens.host.disks import disks_under
from twinlens.host.lock import lock_path
from twinlens.host.turns import Turns

SETTLE = 0.3
SOON = SETTLE + 1.0
"""How long after it was closed a file may take to be listed."""

SOMETIME = 30.0
"""For what takes more than one step, on a busy machine."""


@pytest.fixture
def daemon(house: House) -> Iterator[Daemon]:
    """The daemon over an empty root, its first scan done."""
    with Daemon(house) as running:
        eventually(lambda: house.root_state()["last_scan_at"], SOMETIME, "the first scan")
        yield running
        running.stop()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_listed(house: House, path: str, content: bytes | None = None) -> bool:
    row = house.files().get(path)
    return row is not None and (content is None or row["sha256"] == digest(content))


def bytes_read_by_a_scan(house: House) -> int:
    return int(house.scan()["bytes_read"])


def test_a_picture_copied_in_is_listed_soon(house: House, daemon: Daemon) -> None:
    put_picture(house.root / "warm.jpg", 1)  # the first one starts the workers
    eventually(lambda: is_listed(house, "warm.jpg"), SOMETIME)

    put_picture(house.root / "new.jpg", 2)

    took = eventually(lambda: is_listed(house, "new.jpg", picture(2)), SOMETIME)
    assert took < SOON
    assert house.files()["new.jpg"]["kind"] == "image"


def test_a_picture_that_arrives_overtakes_a_scan_of_many(house: House) -> None:
    number = 3000
    for n in range(number):
        put_picture(house.root / f"{n % 10}" / f"{n}.jpg", n + 1)
    with Daemon(house) as running:
        eventually(lambda: len(house.files()) > 1, SOMETIME, "the scan's first batch")
        put_picture(house.root / "new.jpg", 0)

        eventually(lambda: is_listed(house, "new.jpg", picture(0)), SOMETIME)

        left = number - len(house.files())
        assert left > number / 4
        eventually(lambda: len(house.files()) == number + 1, 2 * SOMETIME, "the scan's end")
        running.stop()


def test_the_daemon_waits_for_its_turn_to_read(house: House) -> None:
    house.configure(workers={"readers_per_disk": "one"})
    put_picture(house.root / "one.jpg", 1)
    device = house.root.stat().st_dev
    numbers = [found.number for found in disks_under(device)] or [device]
    house.database.parent.mkdir()
    turn = ExitStack()
    turn.enter_context(Turns(lock_path(house.database)).taken(numbers))
    with turn, Daemon(house) as running:
        eventually(lambda: house.status()["jobs"], SOMETIME, "the scan is under way")
        time.sleep(1.0)
        assert house.files() == {}
        turn.close()
        eventually(lambda: is_listed(house, "one.jpg"), SOMETIME)
        running.stop()


def test_a_large_scan_waits_in_quiet_hours_and_arrivals_and_the_owner_do_not(house: House) -> None:
    now = datetime.now()  # noqa: DTZ005 - the clock on the wall
    spans = [f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=2):%H:%M}"]
    house.configure(schedule={"quiet_hours": spans})
    number = 600
    for n in range(number):
        put_picture(house.root / f"{n}.jpg", n + 1)
        os.utime(house.root / f"{n}.jpg", (1e9, 1e9))
    with Daemon(house) as running:
        eventually(lambda: house.status()["passes_wait"], SOMETIME, "the scan waits")
        assert house.status()["passes_wait"] == f"quiet hours until {spans[0][-5:]}"
        assert 0 < len(house.files()) < number
        put_picture(house.root / "new.jpg", 0)
        eventually(lambda: is_listed(house, "new.jpg"), SOMETIME, "what arrives is taken in")
        assert len(house.files()) < number

        house.scan()

        assert len(house.files()) == number + 1
        eventually(lambda: house.status()["passes_wait"] is None, SOMETIME)
        running.stop()


def test_a_removed_picture_is_no_longer_listed(house: House, daemon: Daemon) -> None:
    put_picture(house.root / "one.jpg", 1)
    eventually(lambda: is_listed(house, "one.jpg"), SOMETIME)

    (house.root / "one.jpg").unlink()

    assert eventually(lambda: house.files() == {}, SOMETIME) < SOON
    assert house.status()["orphans"] == 1


def test_a_renamed_picture_is_not_read_again(house: House, daemon: Daemon) -> None:
    put_picture(house.root / "one.jpg", 1)
    eventually(lambda: is_listed(house, "one.jpg"), SOMETIME)
    trace = house.folder / "trace"

    with traced(daemon, trace):
        (house.root / "one.jpg").rename(house.root / "two.jpg")
        eventually(lambda: set(house.files()) == {"two.jpg"}, SOMETIME)

    assert is_listed(house, "two.jpg", picture(1))
    assert "two.jpg" not in opened(trace)
    assert house.status()["orphans"] == 0


def test_a_renamed_folder_keeps_its_pictures_unread(house: House, daemon: Daemon) -> None:
    for number in range(20):
        put_picture(house.root / "old" / "deep" / f"{number}.jpg", number)
    eventually(lambda: len(house.files()) == 20, SOMETIME)
    before = {Path(path).name: row["sha256"] for path, row in house.files().items()}
    trace = house.folder / "trace"

    with traced(daemon, trace):
        (house.root / "old").rename(house.root / "new")
        expected = {f"new/deep/{number}.jpg" for number in range(20)}
        eventually(lambda: set(house.files()) == expected, SOMETIME)

    assert {Path(path).name: row["sha256"] for path, row in house.files().items()} == before
    assert ".jpg" not in opened(trace)
    put_picture(house.root / "new" / "deep" / "later.jpg", 99)
    eventually(lambda: is_listed(house, "new/deep/later.jpg"), SOMETIME, "the moved folder's watch")


@pytest.mark.parametrize("is_into_a_new_folder", [False, True])
def test_pictures_written_with_their_old_times_and_then_renamed_are_known_by_their_new_content(
    house: House, daemon: Daemon, is_into_a_new_folder: bool
) -> None:
    expected = {}
    for number in range(4):
        put_picture(house.root / f"{number}.jpg", number)
    eventually(lambda: len(house.files()) == 4 and house.is_quiet(), SOMETIME)

    for number in range(4):
        path = house.root / f"{number}.jpg"
        new = house.root / (f"{number}/a.jpg" if is_into_a_new_folder else f"a{number}.jpg")
        new.parent.mkdir(exist_ok=True)
        stamp = path.stat()
        with path.open("r+b") as file:
            file.seek(-10, os.SEEK_END)
            file.write(b"\0")
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        path.rename(new)
        expected[os.path.relpath(new, house.root)] = digest(new.read_bytes())

    eventually(lambda: set(house.files()) == set(expected) and house.is_quiet(), SOMETIME)
    time.sleep(SOON)
    assert {path: row["sha256"] for path, row in house.files().items()} == expected


def test_an_overwritten_picture_is_known_by_its_new_content(house: House, daemon: Daemon) -> None:
    put_picture(house.root / "one.jpg", 1)
    eventually(lambda: is_listed(house, "one.jpg", picture(1)), SOMETIME)

    put_picture(house.root / "one.jpg", 2)

    assert eventually(lambda: is_listed(house, "one.jpg", picture(2)), SOMETIME) < SOON


def test_a_picture_overwritten_with_its_old_times_is_noticed(house: House, daemon: Daemon) -> None:
    path = put_picture(house.root / "one.jpg", 1)
    eventually(lambda: is_listed(house, "one.jpg", picture(1)), SOMETIME)
    stamp = path.stat()
    other = bytearray(picture(1))
    other[-10] ^= 1

    path.write_bytes(other)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    eventually(lambda: is_listed(house, "one.jpg", bytes(other)), SOMETIME)


def test_a_picture_replaced_by_rename_is_known_by_its_new_content(
    house: House, daemon: Daemon
) -> None:
    """Editors write beside the file and rename over it; the name beside it is junk."""
    put_picture(house.root / "one.jpg", 1)
    eventually(lambda: is_listed(house, "one.jpg", picture(1)), SOMETIME)

    temporary = put_picture(house.root / ".one.jpg.Xy12Ab", 2)
    temporary.rename(house.root / "one.jpg")

    eventually(lambda: is_listed(house, "one.jpg", picture(2)), SOMETIME)
    assert set(house.files()) == {"one.jpg"}


def test_a_file_that_grows_slowly_is_taken_up_once_it_is_whole(
    house: House, daemon: Daemon
) -> None:
    content = picture(1, (640, 480))
    size = -(-len(content) // 16)
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    path = house.root / "slow.jpg"
    with path.open("wb") as file:
        for piece in pieces[:8]:
            file.write(piece)
            file.flush()
            time.sleep(SETTLE / 3)
    for piece in pieces[8:]:  # several rounds of opening and closing, as some cameras do
        with path.open("ab") as file:
            file.write(piece)
        time.sleep(SETTLE / 3)
        assert not is_listed(house, "slow.jpg"), "taken up while it grew"

    eventually(lambda: is_listed(house, "slow.jpg", content), SOMETIME)

    assert house.status()["originals"] == 1, "half a file was recorded"


def test_a_new_deep_folder_is_watched_from_its_first_file_on(house: House, daemon: Daemon) -> None:
    for number in range(30):
        put_picture(house.root / "a" / "b" / "c" / str(number) / "one.jpg", number)

    eventually(lambda: len(house.files()) == 30, SOMETIME)
    put_picture(house.root / "a" / "b" / "c" / "29" / "two.jpg", 99)
    eventually(lambda: len(house.files()) == 31, SOMETIME, "a file that came later")


def test_an_archive_unpacked_in_place_is_listed_whole(house: House, daemon: Daemon) -> None:
    outside = house.folder / "outside"
    for number in range(60):
        put_picture(outside / f"day {number % 7}" / f"{number}.jpg", number)
    archive = house.folder / "pictures.tar"
    subprocess.run(["tar", "-C", outside, "-cf", archive, "."], check=True)

    subprocess.run(["tar", "-C", house.root, "-xf", archive], check=True)

    expected = {f"day {number % 7}/{number}.jpg" for number in range(60)}
    eventually(lambda: set(house.files()) == expected, 2 * SOMETIME)


def test_folders_moved_in_and_out_are_followed(house: House, daemon: Daemon) -> None:
    outside = house.folder / "outside"
    for number in range(5):
        put_picture(outside / "trip" / "day" / f"{number}.jpg", number)

    (outside / "trip").rename(house.root / "trip")
    eventually(lambda: len(house.files()) == 5, SOMETIME, "moved in")
    (house.root / "trip" / "day" / "3.jpg").rename(outside / "3.jpg")
    eventually(lambda: len(house.files()) == 4, SOMETIME, "one file moved out")
    (house.root / "trip").rename(outside / "trip")
    eventually(lambda: house.files() == {}, SOMETIME, "the folder moved out")

    (outside / "trip").rename(house.root / "trip")
    eventually(lambda: len(house.files()) == 4, SOMETIME, "moved in again")
    put_picture(house.root / "trip" / "day" / "9.jpg", 9)
    eventually(lambda: len(house.files()) == 5, SOMETIME, "watched again")


def test_a_removed_folder_takes_its_pictures_with_it(house: House, daemon: Daemon) -> None:
    for number in range(10):
        put_picture(house.root / "trip" / str(number % 3) / f"{number}.jpg", number)
    eventually(lambda: len(house.files()) == 10, SOMETIME)

    shutil.rmtree(house.root / "trip")

    eventually(lambda: house.files() == {}, SOMETIME)


def test_a_late_jpeg_joins_its_raw(
    house: House, daemon: Daemon, photos: Path, truth: dict[str, Any]
) -> None:
    pair = truth["raw_pairs"][0]
    raw, jpeg = Path(pair["raw"]), Path(pair["jpeg"])
    shutil.copyfile(photos / raw, house.root / raw.name)
    eventually(lambda: is_listed(house, raw.name), SOMETIME)
    assert house.groups("raw_jpeg") == []

    shutil.copyfile(photos / jpeg, house.root / jpeg.name)

    eventually(lambda: house.groups("raw_jpeg"), SOMETIME)
    members = {Path(m["path"]).name for m in house.groups("raw_jpeg")[0]["members"]}
    assert members == {raw.name, jpeg.name}
    (house.root / raw.name).unlink()
    eventually(lambda: house.groups("raw_jpeg") == [], SOMETIME, "a pair of one is none")


def test_a_broken_picture_is_mended_by_a_whole_one(house: House, daemon: Daemon) -> None:
    whole = picture(1, (640, 480))
    (house.root / "one.jpg").write_bytes(whole[: len(whole) // 2])
    eventually(lambda: is_listed(house, "one.jpg"), SOMETIME)
    assert house.files()["one.jpg"]["status"] == "broken"
    assert house.files()["one.jpg"]["error"]

    (house.root / "one.jpg").write_bytes(whole)

    eventually(lambda: house.files()["one.jpg"]["status"] == "ok", SOMETIME)
    assert house.files()["one.jpg"]["error"] is None


def test_a_copy_is_a_duplicate_until_it_is_removed(house: House, daemon: Daemon) -> None:
    one = put_picture(house.root / "one.jpg", 1)
    eventually(lambda: is_listed(house, "one.jpg"), SOMETIME)

    shutil.copyfile(one, house.root / "copy.jpg")
    eventually(lambda: house.duplicates("exact"), SOMETIME)
    assert house.status()["originals"] == 1
    (house.root / "copy.jpg").unlink()

    eventually(lambda: house.duplicates("exact") == [], SOMETIME)
    assert set(house.files()) == {"one.jpg"}


def test_files_that_come_and_go_at_once_leave_nothing(house: House, daemon: Daemon) -> None:
    for number in range(200):
        put_picture(house.root / f"{number}.jpg", number).unlink()
    put_picture(house.root / "last.jpg", 1)

    eventually(lambda: set(house.files()) == {"last.jpg"} and house.is_quiet(), SOMETIME)
    assert house.status()["originals"] == 1


class traced:  # noqa: N801 - reads as a verb where it is used
    """Watches which files the daemon and its workers open, where strace is at hand."""

    def __init__(self, daemon: Daemon, trace: Path) -> None:
        if shutil.which("strace") is None:
            pytest.skip("strace is not installed")
        self._command = ["strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace)]
        self._pid = daemon.pid
        self._trace = trace
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> None:
        pids = [word for pid in processes_below(self._pid) for word in ("-p", str(pid))]
        self._process = subprocess.Popen([*self._command, *pids])
        eventually(lambda: is_being_traced(self._pid), 5.0, "strace is attached")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(5.0)


def is_being_traced(pid: int) -> bool:
    status = Path("/proc", str(pid), "status").read_text(encoding="ascii", errors="replace")
    return "TracerPid:\t0\n" not in status


def opened(trace: Path) -> str:
    """Every file that was opened, folders aside."""
    lines = trace.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    assert lines, "the tracer saw nothing"
    return "\n".join(line for line in lines if "O_DIRECTORY" not in line)
