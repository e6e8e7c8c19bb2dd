"""Section D: disks that are full, read-only, or lose power."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from faults.conftest import WorldAt
from support.acting import MemoryJournal, contents_everywhere, step_for, tree
from support.daemon import House
from support.mounts import Mounts, fill_up
from support.pictures import put_picture
from support.truth import acted, action_room, require_world, rows_of
from support.world import World, jpeg
from twinlens.actions.performing import perform
from twinlens.actions.recovery import recover
from twinlens.commands.undo import undo
from twinlens.model.actions import ActionKind, StepState

NAMES = ("keep.jpg", "a copy.jpg")


def put_two_copies(root: Path) -> None:
    """Two equal files that are no less than a few blocks."""
    for name in NAMES:
        (root / name).write_bytes(jpeg(1, size=(640, 480)))
        os.utime(root / name, (1_400_000_000, 1_400_000_000))


def world_with_copies(root: Path, world_at: WorldAt) -> World:
    """A scanned world of two equal files."""
    world = world_at(root)
    put_two_copies(root)
    world.scan()
    return world


def require_refused_then_done(world: World, words: str, make_good: object) -> None:
    """An action is refused in these words, changes nothing, and works when the fault is gone."""
    before = tree(world.photos)
    refused = acted(world)
    assert [step["state"] for step in refused["steps"]] == ["refused"], refused
    assert words in refused["steps"][0]["reason"].lower(), refused["steps"][0]["reason"]
    assert tree(world.photos) == before
    make_good()  # type: ignore[operator]
    done = acted(world)
    assert [step["state"] for step in done["steps"]] == ["done"], done
    assert undo(action_room(world))["failed"] == []
    assert {name: tree(world.photos)[name] for name in NAMES} == {n: before[n] for n in NAMES}


def test_d6_a_disk_that_turns_read_only_is_scanned_and_not_acted_on(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.mount(mounts.new_disk(), point)
    world = world_with_copies(mounts.inside(point), world_at)
    world.put("later.jpg", jpeg(7))
    mounts.remount(point, "ro")

    result = world.scan()

    assert (result["added"], result["gone"], result["problems"]) == (1, 0, [])
    require_world(world)
    require_refused_then_done(world, "read-only", lambda: mounts.remount(point, "rw"))


def test_d7_a_full_disk_makes_no_action_and_no_half_of_one(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    # Blocks of 1 kB: with the last of them gone, not even a folder can be made.
    mounts.mount(mounts.new_disk(options=("-b", "1024", "-m", "0")), point)
    world = world_with_copies(mounts.inside(point), world_at)
    ballast = fill_up(world.photos)

    require_refused_then_done(world, "no space", ballast.unlink)


def test_d7_a_full_disk_of_the_database_is_told_and_later_nothing_is_missing(
    house: House, mounts: Mounts
) -> None:
    state = house.database.parent
    state.mkdir()
    mounts.tmpfs(state, "1m")
    ballast = fill_up(mounts.inside(state))
    put_picture(house.root / "one.jpg", 1)

    done = house.cli("scan", prefix=mounts.prefix)

    assert done.returncode == 3
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr
    ballast.unlink()
    mounts.remount(state, "size=16m")
    again = house.scan(prefix=mounts.prefix)
    assert (again["files"], again["failed"]) == (1, 0)


def test_d8_without_inodes_nothing_is_done_by_halves(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.run("mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=20", "tmpfs", point)
    world = world_with_copies(mounts.inside(point), world_at)
    for number in range(100):
        try:
            (world.photos / f"{number}.txt").touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            break
    else:
        pytest.skip("this tmpfs does not count inodes")

    def make_good() -> None:
        for path in world.photos.glob("*.txt"):
            path.unlink()

    require_refused_then_done(world, "no space", make_good)


def test_d9_a_quota_that_is_used_up_is_like_a_full_disk(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.mount(mounts.new_disk(kind="btrfs"), point, "btrfs")
    if mounts.attempt("btrfs", "quota", "enable", point).returncode != 0:
        pytest.skip("no quota groups here")
    mounts.run("btrfs", "subvolume", "create", point / "mine")
    world = world_with_copies(mounts.inside(point / "mine"), world_at)
    mounts.run("btrfs", "qgroup", "limit", "4M", point / "mine")
    fill_up(world.photos)

    require_refused_then_done(
        world,
        "quota",
        lambda: mounts.run("btrfs", "qgroup", "limit", "none", point / "mine"),
    )


def test_d10_room_that_runs_out_at_the_fsync_leaves_no_action_half_done(
    mounts: Mounts, tmp_path: Path
) -> None:
    room, point = tmp_path / "room", tmp_path / "photos"
    room.mkdir()
    point.mkdir()
    mounts.tmpfs(room, "12m")
    image = mounts.new_disk(32)
    # Sparse: the disk believes in room that is not there.
    mounts.run("cp", "--sparse=always", image, room / "disk.img")
    mounts.mount(room / "disk.img", point)
    root = mounts.inside(point)
    put_two_copies(root)
    mounts.run("sync", "-f", point)
    before = contents_everywhere(root)
    ballast = fill_up(mounts.inside(room))
    step = step_for(root, NAMES[1], NAMES[0], ActionKind.TRASH)
    journal = MemoryJournal([step])

    (outcome,) = perform([step], journal)

    ballast.unlink()
    mounts.unmount(point)
    mounts.attempt("e2fsck", "-y", room / "disk.img")
    mounts.mount(room / "disk.img", point)
    recover(journal)
    assert contents_everywhere(root) >= before
    assert not journal.open_steps()
    trashed = list((root / ".twinlens" / "trash").glob(f"*/{NAMES[1]}"))
    assert len(trashed) + (root / NAMES[1]).exists() == 1
    if outcome.state is StepState.DONE:
        assert trashed, "what was called done is on the disk"


@pytest.mark.parametrize("point", ["intended", "prepared", "captured", "verified", "done"])
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_d18_after_a_loss_of_power_every_picture_is_there(
    mounts: Mounts, tmp_path: Path, kind: str, point: str
) -> None:
    if shutil.which("xfs_io") is None:
        pytest.skip("xfs_io is not installed")
    folder = tmp_path / "photos"
    folder.mkdir()
    disk = mounts.new_disk(kind=kind)
    mounts.mount(disk, folder, kind)
    root = mounts.inside(folder)
    put_two_copies(root)
    mounts.run("sync", "-f", folder)
    before = contents_everywhere(root)

    def lose_power(name: str) -> None:
        if name == point:
            mounts.run("xfs_io", "-x", "-c", "shutdown", folder)

    for action in (ActionKind.TRASH, ActionKind.HARDLINK):
        step = step_for(root, NAMES[1], NAMES[0], action, number=len(action))
        journal = MemoryJournal([step])
        (outcome,) = perform([step], journal, lose_power)
        lose_power("done")
        mounts.unmount(folder)
        mounts.mount(disk, folder, kind)
        recover(journal)

        (state,) = {one.state for one in journal.steps.values()}
        assert state in (StepState.DONE, StepState.REFUSED), (state, outcome)
        assert contents_everywhere(root) >= before
        assert (root / NAMES[0]).exists()
        trashed = list((root / ".twinlens" / "trash").glob(f"*/{NAMES[1]}"))
        if state is StepState.DONE:
            assert len(trashed) == 1, "what was called done is on the disk"
            trashed[0].rename(trashed[0].parent / "kept")
            put_two_copies(root)
        else:
            assert (root / NAMES[1]).stat().st_ino != (root / NAMES[0]).stat().st_ino
        mounts.run("sync", "-f", folder)


def test_d24_a_file_of_8_tib_of_nothing_is_not_read(world: World) -> None:
    path = world.put("giant.jpg", jpeg(1))
    world.put("other.jpg", jpeg(2))
    try:
        os.truncate(path, 8 << 40)
    except OSError as error:
        pytest.skip(f"no file of this size fits here: {error.strerror}")
    world.age(path)

    result = world.scan()

    assert result["bytes_read"] == len(jpeg(2))
    assert "not read" in rows_of(world)["giant.jpg"]["error"]
    path.write_bytes(jpeg(3))
    world.age(path)
    world.scan()
    require_world(world)
