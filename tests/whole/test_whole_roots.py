"""Roots that go away, come back, are another disk, cannot be read, or drown in events."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import AS_NOBODY, Daemon, House, eventually
from support.injecting import with_few
from support.mounts import Mounts
from support.pictures import put_picture

SOMETIME = 30.0
NOTICED = 12.0
"""How soon a root that is back is seen."""


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    with Mounts() as private:
        yield private


def live(house: House) -> int:
    return int(house.status()["files"])


def put_many(root: Path, count: int) -> None:
    for number in range(count):
        put_picture(root / f"day {number % 3}" / f"{number}.jpg", number)


def is_known(house: House, count: int) -> bool:
    return live(house) == count and house.is_quiet()


@pytest.mark.slow
def test_a_disk_unmounted_while_it_is_watched_keeps_its_files_and_comes_back_unread(
    house: House, mounts: Mounts
) -> None:
    disk = mounts.new_disk()
    mounts.mount(disk, house.root)
    put_many(mounts.inside(house.root), 12)
    with Daemon(house, prefix=mounts.prefix) as daemon:
        eventually(lambda: is_known(house, 12), SOMETIME)

        mounts.unmount(house.root)
        eventually(lambda: house.root_state()["state"] != "online", SOMETIME, "it is missed")
        assert live(house) == 12
        assert house.status()["orphans"] == 0
        cleanup = house.ask("cleanup", prefix=mounts.prefix)
        assert len(cleanup["frozen_by"]) == 1

        mounts.mount(disk, house.root)
        eventually(lambda: house.root_state()["state"] == "online", NOTICED, "it is back")
        eventually(house.is_quiet, SOMETIME)
        again = house.scan(prefix=mounts.prefix)
        put_picture(mounts.inside(house.root) / "new.jpg", 99)
        eventually(lambda: is_known(house, 13), SOMETIME, "it is watched again")
        log = daemon.log
        daemon.stop()
    assert (again["unchanged"], again["bytes_read"], again["gone"]) == (12, 0, 0)
    assert log.count("file_arrived") == 13, "what was known was looked at anew"
    assert "root_unreachable" in log
    assert "root_back" in log


@pytest.mark.slow
def test_another_disk_at_the_same_path_makes_nothing_gone(house: House, mounts: Mounts) -> None:
    first, second = mounts.new_disk(), mounts.new_disk()
    mounts.mount(second, house.root)
    put_picture(mounts.inside(house.root) / "stranger.jpg", 77)
    mounts.unmount(house.root)
    mounts.mount(first, house.root)
    put_many(mounts.inside(house.root), 12)
    with Daemon(house, prefix=mounts.prefix) as daemon:
        eventually(lambda: is_known(house, 12), SOMETIME)

        mounts.unmount(house.root)
        mounts.mount(second, house.root)
        eventually(lambda: house.root_state()["state"] == "changed", NOTICED)
        result = house.cli("scan", "--json", prefix=mounts.prefix)

        assert result.returncode == 1
        assert (
            "another" in result.stderr or "changed" in result.stderr or "not the" in result.stderr
        )
        assert live(house) == 12
        mounts.unmount(house.root)
        mounts.mount(first, house.root)
        eventually(lambda: house.root_state()["state"] == "online", NOTICED)
        daemon.stop()
    assert live(house) == 12


@pytest.mark.slow
def test_a_root_that_is_missing_at_the_start_is_waited_for(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    house.scan()
    away = house.folder / "away"
    house.root.rename(away)
    with Daemon(house) as daemon:
        assert house.root_state()["state"] == "unreachable"
        assert live(house) == 1

        away.rename(house.root)

        eventually(lambda: house.root_state()["state"] == "online", NOTICED)
        put_picture(house.root / "two.jpg", 2)
        eventually(lambda: live(house) == 2, SOMETIME)
        daemon.stop()


def test_a_scan_by_hand_of_a_missing_root_says_so(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    house.scan()
    house.root.rename(house.folder / "away")

    done = house.cli("scan")

    assert done.returncode == 1
    assert str(house.root) in done.stderr
    assert live(house) == 1


def test_a_root_found_empty_is_suspected_until_its_owner_says_so(house: House) -> None:
    put_many(house.root, 6)
    house.scan()
    shutil.rmtree(house.root)
    house.root.mkdir()
    with Daemon(house) as daemon:
        eventually(lambda: house.is_quiet() and house.root_state()["state"] != "online", SOMETIME)
        state = house.root_state()
        assert live(house) == 6
        assert house.ask("cleanup")["frozen_by"]

        accepted = house.scan("--accept-missing")

        daemon.stop()
    assert state["state"] in ("suspect", "changed")
    assert accepted["gone"] == 6
    assert live(house) == 0
    assert house.root_state()["state"] == "online"


@pytest.mark.parametrize(("removed", "is_believed"), [(30, False), (15, True)])
def test_more_than_half_gone_at_once_is_suspected_and_less_is_believed(
    house: House, removed: int, is_believed: bool
) -> None:
    put_many(house.root, 50)
    house.scan()
    for path in sorted(house.root.glob("*/*.jpg"))[:removed]:
        path.unlink()

    with Daemon(house) as daemon:
        eventually(lambda: house.is_quiet() and daemon.log.count("pass_finished"), SOMETIME)
        state = house.root_state()
        daemon.stop()

    assert live(house) == (50 - removed if is_believed else 50)
    assert state["state"] == ("online" if is_believed else "suspect")
    assert ("--accept-missing" in state["detail"]) is not is_believed


def test_suspicion_ends_when_the_files_are_back(house: House) -> None:
    put_many(house.root, 50)
    house.scan()
    away = house.folder / "away"
    away.mkdir()
    for folder in ("day 0", "day 1"):
        (house.root / folder).rename(away / folder)
    house.scan()
    assert house.root_state()["state"] == "suspect"

    for folder in ("day 0", "day 1"):
        (away / folder).rename(house.root / folder)
    result = house.scan()

    assert house.root_state()["state"] == "online"
    assert (result["gone"], result["bytes_read"], live(house)) == (0, 0, 50)


def test_a_folder_that_cannot_be_read_keeps_its_files(open_house: House) -> None:
    house = open_house
    put_many(house.root, 12)
    house.scan(prefix=AS_NOBODY)
    closed = house.root / "day 1"
    closed.chmod(0o000)

    done = house.cli("scan", prefix=AS_NOBODY)

    assert done.returncode == 1
    assert f"{closed}: Permission denied" in done.stderr
    assert live(house) == 12
    assert all(row["status"] == "ok" for row in house.files().values())


def test_a_file_that_cannot_be_read_keeps_what_was_known_of_it(open_house: House) -> None:
    house = open_house
    path = put_picture(house.root / "one.jpg", 1)
    house.scan(prefix=AS_NOBODY)
    before = house.files()["one.jpg"]
    put_picture(path, 2)
    path.chmod(0o000)

    house.scan(prefix=AS_NOBODY)

    row = house.files()["one.jpg"]
    assert row["status"] == "unreadable"
    assert "ermission" in row["error"]
    assert row["sha256"] == before["sha256"]
    path.chmod(0o644)
    house.scan(prefix=AS_NOBODY)
    assert house.files()["one.jpg"]["status"] == "ok"
    assert house.files()["one.jpg"]["sha256"] != before["sha256"]


def test_the_limit_of_watches_is_named_and_scans_find_the_rest(house: House) -> None:
    for number in range(30):
        put_picture(house.root / str(number) / "one.jpg", number)
    with Daemon(house, prefix=with_few("watches", 12)) as daemon:
        eventually(lambda: is_known(house, 30), SOMETIME)
        state = house.root_state()
        for number in range(30):
            put_picture(house.root / str(number) / "two.jpg", 100 + number)

        house.scan()

        eventually(lambda: is_known(house, 60), SOMETIME)
        daemon.stop()
    words = state["watch_detail"]
    assert "fs.inotify.max_user_watches" in words or "user.max_inotify_watches" in words
    assert any(part.isdecimal() and int(part) > 31 for part in words.replace("=", " ").split())


def test_lost_events_are_counted_and_no_file_is_missed(house: House) -> None:
    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["last_scan_at"], SOMETIME)
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text(encoding="ascii"))
        if most > 50_000:
            pytest.skip(f"{most} events fit the queue here")
        daemon.signal(signal.SIGSTOP)
        for number in range(most // 2):
            name = house.root / f"{number}.tmp"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            name.unlink()
        put_many(house.root / "last", 25)
        daemon.signal(signal.SIGCONT)

        eventually(lambda: is_known(house, 25), 2 * SOMETIME)

        eventually(lambda: house.root_state()["overflows"] >= 1, SOMETIME)
        assert "events_lost" in daemon.log
        daemon.stop()


def test_a_polled_root_is_followed_without_events(house: House) -> None:
    house.configure(
        watch={"settle_seconds": 0.3, "polling": "always", "poll_interval_minutes": 0.01}
    )
    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["watch"] == "polling", SOMETIME)
        path = put_picture(house.root / "a" / "one.jpg", 1)
        put_picture(house.root / "a" / "two.jpg", 2)
        eventually(lambda: live(house) == 2, SOMETIME)
        path.unlink()
        eventually(lambda: set(house.files()) == {"a/two.jpg"}, SOMETIME)
        daemon.stop()
