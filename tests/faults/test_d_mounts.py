"""Section D, disks: they go, come back, or are others than before."""

import os
import shutil
from pathlib import Path

import pytest

from faults.conftest import WorldAt
from support.acting import MemoryJournal, contents_everywhere, step_for
from support.daemon import Daemon, House, eventually
from support.mounts import Mounts
from support.pictures import put_picture
from support.truth import require_world, rows_of
from support.world import World, jpeg
from twinlens.actions.performing import perform
from twinlens.actions.recovery import recover
from twinlens.model.actions import ActionKind, StepState
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState

SOON = 20.0
COUNT = 24


class Disk:
    """A disk at the root of a world, with some pictures on it."""

    def __init__(self, mounts: Mounts, point: Path) -> None:
        self.mounts = mounts
        self.point = point
        self.image = mounts.new_disk()
        point.mkdir(exist_ok=True)
        self.plug_in()

    def plug_in(self) -> None:
        """Mount it."""
        self.mounts.mount(self.image, self.point)

    def tear_out(self) -> None:
        """Unmount it, whoever is using it."""
        self.mounts.run("umount", "--lazy", self.point)


@pytest.fixture
def disk(mounts: Mounts, tmp_path: Path) -> Disk:
    return Disk(mounts, tmp_path / "disk")


@pytest.fixture
def world(disk: Disk, world_at: WorldAt) -> World:
    """A scanned world on that disk."""
    world = world_at(disk.mounts.inside(disk.point))
    for number in range(COUNT):
        world.put(f"day {number % 3}/{number}.txt", f"page {number} of a diary\n".encode() * 9)
    world.scan()
    require_world(world)
    return world


def state(world: World) -> RootState:
    return world.places.check(world.root_id).state


def require_all_kept(world: World) -> None:
    """Nothing is called gone, and nothing waits for cleanup."""
    rows = rows_of(world)
    assert len(rows) == COUNT
    assert {row["status"] for row in rows.values()} == {FileStatus.OK.value}


def test_d1_a_disk_that_is_unmounted_while_nothing_happens_loses_nothing(
    house: House, mounts: Mounts
) -> None:
    mounts.mount(mounts.new_disk(), house.root)
    for number in range(6):
        put_picture(mounts.inside(house.root) / f"{number}.jpg", number)
    with Daemon(house, prefix=mounts.prefix) as daemon:
        eventually(lambda: len(house.files()) == 6 and house.is_quiet(), SOON)

        mounts.run("umount", "--lazy", house.root)

        eventually(lambda: house.root_state()["state"] != "online", SOON)
        assert len(house.files()) == 6
        assert house.status()["orphans"] == 0
        assert daemon.log.count("root_unreachable") == 1
        assert "file_gone" not in daemon.log
        daemon.stop()


def test_d2_a_disk_torn_out_in_the_middle_of_a_scan_loses_nothing(world: World, disk: Disk) -> None:
    for number in range(COUNT):
        world.put(f"day {number % 3}/{number}.txt", f"page {number}, rewritten\n".encode() * 9)
    left = [5]

    def tear_out() -> None:
        left[0] -= 1
        if left[0] == 0:
            disk.tear_out()

    world.meanwhile = tear_out
    during = world.scan()
    world.meanwhile = lambda: None
    for _ in range(4):
        world.intake.step()
    assert during["gone"] == 0
    assert len(rows_of(world)) == COUNT

    disk.plug_in()
    after = world.scan()
    world.drain()

    assert after["gone"] == 0
    require_world(world)


@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
@pytest.mark.parametrize("point", ["checked", "prepared", "captured", "verified"])
def test_d2_a_disk_torn_out_in_the_middle_of_an_action_loses_nothing(
    disk: Disk, kind: ActionKind, point: str
) -> None:
    root = disk.mounts.inside(disk.point)
    for name in ("keep.jpg", "copy.jpg"):
        (root / name).write_bytes(jpeg(1))
        os.utime(root / name, (1_400_000_000, 1_400_000_000))
    step = step_for(root, "copy.jpg", "keep.jpg", kind)
    journal = MemoryJournal([step])

    (outcome,) = perform([step], journal, lambda name: disk.tear_out() if name == point else None)
    disk.plug_in()
    recover(journal)

    assert outcome.state in (StepState.DONE, StepState.REFUSED), outcome
    assert not journal.open_steps()
    assert (root / "keep.jpg").read_bytes() == jpeg(1)
    copies = list((root / ".twinlens" / "trash").glob("*/copy.jpg"))
    assert len(copies) + (root / "copy.jpg").exists() == 1 + (
        outcome.state is StepState.DONE and kind is ActionKind.HARDLINK
    )
    assert contents_everywhere(root) >= {jpeg(1)}


def test_d3_another_disk_at_the_same_path_is_refused(
    world: World, disk: Disk, mounts: Mounts
) -> None:
    other = mounts.new_disk()
    disk.tear_out()
    mounts.mount(other, disk.point)
    put_picture(world.photos / "stranger.jpg", 1)

    result = world.scan()

    assert result["problems"]
    assert state(world) is RootState.CHANGED
    require_all_kept(world)
    mounts.unmount(disk.point)
    disk.plug_in()
    again = world.scan()
    assert (state(world), again["bytes_read"]) == (RootState.ONLINE, 0)
    require_world(world)


def test_d4_a_disk_that_comes_back_is_known_without_reading_it(world: World, disk: Disk) -> None:
    for _ in range(2):
        disk.tear_out()
        assert world.scan()["gone"] == 0
        assert state(world) is not RootState.ONLINE
        disk.plug_in()

        again = world.scan()

        assert (again["unchanged"], again["bytes_read"], again["gone"]) == (COUNT, 0, 0)
        assert state(world) is RootState.ONLINE
    require_world(world)


def test_d5_a_disk_that_comes_back_nearly_empty_is_not_believed(world: World, disk: Disk) -> None:
    disk.tear_out()
    world.scan()
    disk.plug_in()
    kept = world.photos.parent / "kept elsewhere"
    shutil.copytree(world.photos / "day 1", kept / "day 1")
    for number in range(1, COUNT):
        world.path(f"day {number % 3}/{number}.txt").unlink()

    result = world.scan()

    assert (result["gone"], state(world)) == (0, RootState.SUSPECT)
    require_all_kept(world)
    accepted = world.scan(accept_missing=True)
    assert accepted["gone"] == COUNT - 1
    assert state(world) is RootState.ONLINE
    require_world(world)


def test_d22_files_of_a_mount_within_the_root_do_not_go_with_it(
    world: World, disk: Disk, mounts: Mounts
) -> None:
    inner = disk.point / "day 4"
    (world.photos / "day 4").mkdir()
    card = mounts.new_disk()
    mounts.mount(card, inner)
    for number in range(3):
        world.put(f"day 4/{number}.jpg", jpeg(number))
    world.scan()
    before = rows_of(world)
    mounts.unmount(inner)

    result = world.scan()
    world.hint("day 4/1.jpg")
    world.intake.step()
    world.intake.step()

    assert result["gone"] == 0
    assert rows_of(world) == before
    mounts.mount(card, inner)
    world.path("day 4/2.jpg").unlink()
    again = world.scan()
    world.drain()
    assert (again["gone"], again["bytes_read"]) == (1, 0)
    require_world(world)
