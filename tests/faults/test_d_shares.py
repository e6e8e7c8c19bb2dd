"""Section D, shares: they fail, hang, die, and give no events."""

import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.conftest import WorldAt
from support.acting import MemoryJournal, step_for
from support.daemon import Daemon, House, eventually
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from support.pictures import put_picture
from support.truth import exact, require_truth, require_world, rows_of
from support.world import World, jpeg
from twinlens.actions.performing import perform
from twinlens.model.actions import ActionKind, StepState
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState

SOON = 20.0
COUNT = 24


def state(world: World) -> RootState:
    return world.places.check(world.root_id).state


Share = tuple[FaultFolder, World]


@pytest.fixture
def share(mounts: Mounts, tmp_path: Path, world_at: WorldAt) -> Iterator[Share]:
    """A share that fails as told, with a few pictures, and a scanned world on it."""
    behind, point = tmp_path / "behind", tmp_path / "share"
    behind.mkdir()
    point.mkdir()
    with FaultFolder(mounts, behind, point) as folder:
        world = world_at(folder.inside)
        for number in range(4):
            world.put(f"day {number % 2}/{number}.jpg", jpeg(number))
        world.put("day 0/copy of 1.jpg", jpeg(1))
        world.put("day 1/evening/9.jpg", jpeg(9))
        world.scan()
        require_world(world)
        yield folder, world


def test_d11_a_file_with_a_read_error_keeps_its_hash_and_is_never_relied_on(share: Share) -> None:
    folder, world = share
    before = rows_of(world)
    world.age(world.path("day 1/1.jpg"))
    folder.order({"call": "read", "path": "/day 1/1.jpg", "error": errno.EIO, "from": 100})

    result = world.scan()
    world.drain()

    after = rows_of(world)
    assert result["gone"] == 0
    assert after["day 1/1.jpg"]["sha256"] == before["day 1/1.jpg"]["sha256"]
    assert after["day 1/1.jpg"]["status"] == FileStatus.UNREADABLE.value
    assert "error" in after["day 1/1.jpg"]["error"]
    for victim, keeper in (("day 0/copy of 1.jpg", "day 1/1.jpg"), ("day 1/1.jpg",) * 2):
        step = step_for(folder.inside, victim, keeper, ActionKind.TRASH, content=jpeg(1))
        (outcome,) = perform([step], MemoryJournal([step]))
        assert outcome.state is StepState.REFUSED
    folder.order()
    world.scan()
    require_world(world)
    assert exact(world) == [{"day 0/copy of 1.jpg", "day 1/1.jpg"}]


@pytest.mark.parametrize(
    ("call", "path", "error"),
    [
        ("readdir", "/day 1", errno.EIO),
        ("getattr", "/day 1", errno.ESTALE),
        ("getattr", "/day 1/*", errno.ESTALE),
        ("readdir", "/", errno.EIO),
    ],
)
def test_d12_what_cannot_be_listed_or_asked_is_unknown_and_never_gone(
    share: Share, call: str, path: str, error: int
) -> None:
    folder, world = share
    before = rows_of(world)
    folder.order({"call": call, "path": path, "error": error})

    result = world.scan()
    world.hint("day 1/1.jpg", "day 1/3.jpg")
    world.intake.step()
    world.intake.step()

    assert result["problems"]
    assert result["gone"] == 0
    assert rows_of(world) == before
    folder.order()
    again = world.scan()
    world.drain()
    assert (again["gone"], again["bytes_read"]) == (0, 0)
    require_world(world)


@pytest.mark.timeout(90)
def test_d13_a_share_that_hangs_while_nothing_of_it_waits_holds_up_no_other(
    house: House, mounts: Mounts
) -> None:
    behind, point = house.folder / "behind", house.folder / "share"
    put_picture(behind / "a.jpg", 1)
    point.mkdir()
    with FaultFolder(mounts, behind, point) as folder:
        house.configure(roots=[house.root, point], watch={"network_settle_seconds": 0.3})
        environ = {"WATCHDOG_USEC": "3000000"}
        with Daemon(house, prefix=mounts.prefix, environ=environ) as daemon:
            eventually(lambda: len(house.files()) == 1 and house.is_quiet(), SOON)
            folder.hang()
            try:
                put_picture(house.root / "b.jpg", 2)
                eventually(lambda: "b.jpg" in house.files(), SOON)
                seen = len(daemon.told)
                time.sleep(2.5)
                assert "WATCHDOG=1" in daemon.told[seen:], "the main thread gives signs of life"
                assert len(house.files()) == 2
                assert daemon.is_running
            finally:
                folder.resume()
            put_picture(behind / "c.jpg", 3)
            house.scan()
            eventually(lambda: len(house.files()) == 3, SOON)
            daemon.stop()


@pytest.mark.timeout(120)
def test_d13_a_share_that_hangs_while_it_is_scanned_is_waited_for_and_hinders_no_end(
    house: House, mounts: Mounts
) -> None:
    """Passes and the intake wait with it: one thread each looks at all roots in turn."""
    behind, point = house.folder / "behind", house.folder / "share"
    put_picture(behind / "a.jpg", 1)
    point.mkdir()
    with FaultFolder(mounts, behind, point) as folder:
        house.configure(
            roots=[house.root, point],
            watch={"network_settle_seconds": 0.3, "poll_interval_minutes": 0.01},
        )
        environ = {"WATCHDOG_USEC": "3000000"}
        with Daemon(house, prefix=mounts.prefix, environ=environ) as daemon:
            eventually(lambda: len(house.files()) == 1, SOON)
            folder.hang()
            put_picture(behind / "c.jpg", 3)
            # Time for a poll to run into it.
            time.sleep(2.0)
            seen = len(daemon.told)
            time.sleep(2.5)
            assert "WATCHDOG=1" in daemon.told[seen:], "the main thread gives signs of life"
            assert len(house.files()) == 1
            folder.resume()
            eventually(lambda: len(house.files()) == 2, 2 * SOON)

            folder.hang()
            time.sleep(2.0)
            try:
                assert daemon.stop(30.0) < 30.0
            finally:
                folder.resume()


@pytest.mark.timeout(120)
def test_d13_who_cannot_be_killed_has_let_go_of_what_the_next_daemon_needs(
    house: House, mounts: Mounts
) -> None:
    """A thread that a share owes an answer keeps its process, whatever is sent to that."""
    behind, point = house.folder / "behind", house.folder / "share"
    put_picture(behind / "a.jpg", 1)
    point.mkdir()
    with FaultFolder(mounts, behind, point) as folder:
        house.configure(
            roots=[house.root, point],
            watch={"network_settle_seconds": 0.3, "poll_interval_minutes": 0.01},
        )
        with Daemon(house, prefix=mounts.prefix) as stuck:
            eventually(lambda: len(house.files()) == 1, SOON)
            folder.order({"call": "readdir", "seconds": 300.0})
            # Time for a poll to run into it.
            time.sleep(2.0)
            stuck.signal(signal.SIGTERM)
            stuck.wait_for("STOPPING=1", 5.0)
            with pytest.raises(AssertionError, match="did not end"):
                stuck.wait(10.0)

            try:
                with Daemon(house, prefix=mounts.prefix) as following:
                    put_picture(house.root / "b.jpg", 2)
                    eventually(lambda: "b.jpg" in house.files(), SOON)
                    following.signal(signal.SIGTERM)
                    folder.die()
                    assert following.wait(10.0) == 0, following.log
            finally:
                folder.die()
            assert stuck.wait(10.0) == 0, stuck.log


@pytest.mark.timeout(150)
def test_d13_a_file_whose_reading_hangs_costs_itself_alone_and_hinders_no_end(
    house: House, mounts: Mounts
) -> None:
    """Its worker cannot be ended, not even by SIGKILL, as long as the share owes it an answer."""
    behind, point = house.folder / "behind", house.folder / "share"
    put_picture(behind / "0 bad.jpg", 0)
    put_picture(behind / "good.jpg", 1)
    for number in range(6):
        put_picture(house.root / f"{number}.jpg", 10 + number)
    point.mkdir()
    with FaultFolder(mounts, behind, point) as folder:
        folder.order({"call": "read", "path": "/0 bad.jpg", "seconds": 300.0})
        house.configure(
            roots=[point, house.root],
            watch={"network_settle_seconds": 0.3},
            workers={"file_seconds": 2.0},
        )
        with Daemon(house, prefix=mounts.prefix) as daemon:
            eventually(lambda: len(_sound(house)) == 7, 60.0)
            assert "a worker cannot be ended" in daemon.log
            put_picture(house.root / "arrived.jpg", 3)
            eventually(lambda: "arrived.jpg" in _sound(house), SOON)

            assert daemon.stop(30.0) < 15.0
            assert "ends without a worker" in daemon.log
            assert "0 bad.jpg" in daemon.log.splitlines()[-1]
        assert set(_sound(house)) == {
            "arrived.jpg",
            "../share/good.jpg",
            *(f"{number}.jpg" for number in range(6)),
        }
        folder.order()


def _sound(house: House) -> list[str]:
    return [name for name, row in house.files().items() if row["status"] == "ok"]


def test_d14_a_share_whose_server_died_is_unreachable_and_not_empty(
    share: Share, mounts: Mounts
) -> None:
    folder, world = share
    before = rows_of(world)
    folder.die()
    with pytest.raises(OSError, match="not connected"):
        os.listdir(folder.inside)

    result = world.scan()

    assert result["problems"]
    assert state(world) is RootState.UNREACHABLE
    assert rows_of(world) == before
    mounts.run("umount", folder.point)
    with FaultFolder(mounts, folder.point.with_name("behind"), folder.point):
        again = world.scan()
        assert (state(world), again["gone"]) == (RootState.ONLINE, 0)
        require_world(world)


def test_d27_a_share_that_gives_no_events_is_looked_at_again_and_again(
    house: House, mounts: Mounts
) -> None:
    behind = house.folder / "behind"
    put_picture(behind / "a.jpg", 1)
    with FaultFolder(mounts, behind, house.root):
        quick: dict[str, object] = {"poll_interval_minutes": 0.01, "network_settle_seconds": 0.3}
        house.configure(watch=quick)
        with Daemon(house, prefix=mounts.prefix) as daemon:
            eventually(lambda: set(house.files()) == {"a.jpg"}, SOON)
            assert house.root_state()["watch"] == "polling"

            # Behind the share's back: no kernel tells us.
            put_picture(behind / "b.jpg", 2)
            (behind / "a.jpg").unlink()

            eventually(lambda: set(house.files()) == {"b.jpg"}, SOON)
            daemon.stop()
        require_truth(house.files(), behind)
