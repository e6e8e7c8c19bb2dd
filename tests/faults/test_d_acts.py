"""Section D: what a file system or a file does not allow an action to do."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from faults.conftest import WorldAt
from support.acting import MemoryJournal, act_as_nobody, step_for, tree
from support.daemon import House
from support.mounts import Mounts
from support.rot import turn_a_bit
from support.truth import acted, action_room, digests, require_world
from support.verifying import settle, verify
from support.world import World, jpeg
from twinlens.actions.abilities import probe
from twinlens.actions.performing import perform
from twinlens.commands.undo import undo
from twinlens.model.actions import ActionKind, Place, Step, StepState

OLD = (1_400_000_000, 1_400_000_000)


def put_copies(world: World) -> None:
    """Two equal files with equal times."""
    for name in ("keep.jpg", "a copy.jpg"):
        os.utime(world.put(name, jpeg(1)), OLD)


def disk_at(mounts: Mounts, point: Path, kind: str = "ext4") -> Path:
    """A new disk; how it is reached from outside."""
    point.mkdir()
    mounts.mount(mounts.new_disk(kind=kind), point, kind)
    return mounts.inside(point)


def across(victim_root: Path, keeper_root: Path, kind: ActionKind, number: int = 1) -> Step:
    """A step whose two files lie below two roots."""
    for root in (victim_root, keeper_root):
        (root / "a.jpg").write_bytes(jpeg(1))
        os.utime(root / "a.jpg", OLD)
    step = step_for(victim_root, "a.jpg", "a.jpg", kind, number=number)
    keeper = Place(os.fsencode(keeper_root), b"a.jpg")
    return replace(step, planned=replace(step.planned, keeper=keeper))


def test_d15_between_two_disks_no_link_is_made_and_nothing_is_copied(
    mounts: Mounts, tmp_path: Path
) -> None:
    one, other = disk_at(mounts, tmp_path / "one"), disk_at(mounts, tmp_path / "other")
    before = {}
    for kind in (ActionKind.HARDLINK, ActionKind.REFLINK):
        step = across(one, other, kind)
        before = digests(one) | {f"other/{n}": d for n, d in digests(other).items()}

        (outcome,) = perform([step], MemoryJournal([step]))

        assert outcome.state is StepState.REFUSED
        assert outcome.reason
    assert digests(one) | {f"other/{n}": d for n, d in digests(other).items()} == before
    assert (one / "a.jpg").stat().st_nlink == (other / "a.jpg").stat().st_nlink == 1


def test_d16_two_mounts_of_one_disk_are_found_out_by_trying(mounts: Mounts, tmp_path: Path) -> None:
    disk_at(mounts, tmp_path / "disk", "btrfs")
    for name in ("one", "other"):
        mounts.run("mkdir", tmp_path / "disk" / name)
        (tmp_path / name).mkdir()
        mounts.bind(tmp_path / "disk" / name, tmp_path / name)
    one, other = (mounts.inside(tmp_path / name) for name in ("one", "other"))
    assert one.stat().st_dev == other.stat().st_dev

    states = {}
    for number, kind in enumerate(ActionKind, 1):
        step = across(one, other, kind, number)
        (outcome,) = perform([step], MemoryJournal([step]))
        states[kind] = outcome
        assert (other / "a.jpg").read_bytes() == jpeg(1)

    assert states[ActionKind.HARDLINK].state is StepState.REFUSED
    assert "mount" in states[ActionKind.HARDLINK].reason
    assert states[ActionKind.REFLINK].state is StepState.DONE
    assert states[ActionKind.TRASH].state is StepState.DONE


@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_d17_where_blocks_cannot_be_shared_it_is_said_and_nothing_else_is_done(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt, kind: str
) -> None:
    point = tmp_path / "photos"
    if kind == "tmpfs":
        point.mkdir()
        mounts.tmpfs(point)
        root = mounts.inside(point)
    else:
        root = disk_at(mounts, point)
    world = world_at(root)
    put_copies(world)
    world.scan()
    before = tree(root, with_trash=True)

    result = acted(world, "reflink")

    assert [step["state"] for step in result["steps"]] == ["refused"]
    assert "shared blocks" in result["steps"][0]["reason"]
    assert tree(root, with_trash=True) == before
    able = {one.name: one.is_there for one in probe(os.fsencode(root))}
    assert (able["shared blocks"], able["exchange"]) == (False, True)


@pytest.mark.parametrize("attribute", ["+i", "+a"])
def test_d19_a_file_that_may_not_be_changed_spares_its_whole_photograph(
    mounts: Mounts, tmp_path: Path, attribute: str
) -> None:
    root = disk_at(mounts, tmp_path / "photos")
    for name in ("kept", "copies"):
        (root / name).mkdir()
        for kind in ("a.jpg", "a.nef"):
            (root / name / kind).write_bytes(jpeg(len(kind)))
            os.utime(root / name / kind, OLD)
    before = tree(root)
    subprocess.run(["chattr", attribute, root / "copies" / "a.nef"], check=True)
    try:
        for action in (ActionKind.TRASH, ActionKind.HARDLINK):
            unit = [
                step_for(root, f"copies/{name}", f"kept/{name}", action, number=number)
                for number, name in enumerate(("a.jpg", "a.nef"), 1)
            ]
            outcomes = perform(unit, MemoryJournal(unit))

            assert {one.state for one in outcomes} == {StepState.REFUSED}, outcomes
            assert all("immutable" in one.reason for one in outcomes), outcomes
            assert tree(root) == before
    finally:
        subprocess.run(["chattr", attribute.replace("+", "-"), root / "copies/a.nef"], check=True)
    assert not list((root / ".twinlens" / "trash").iterdir())


def test_d20_a_file_of_another_user_is_not_linked_and_it_is_said_why() -> None:
    said = act_as_nobody(ActionKind.HARDLINK)

    assert said.startswith("refused")
    assert "another user" in said


def test_d21_a_file_with_as_many_links_as_there_may_be_is_left_alone(
    mounts: Mounts, tmp_path: Path
) -> None:
    root = disk_at(mounts, tmp_path / "photos")
    for name in ("keep.jpg", "a copy.jpg"):
        (root / name).write_bytes(jpeg(1))
        os.utime(root / name, OLD)
    (root / "links").mkdir()
    folder = os.open(root / "links", os.O_RDONLY)

    def link_on_and_on() -> None:
        for number in range(70_000):
            os.link(root / "keep.jpg", str(number), dst_dir_fd=folder)

    with pytest.raises(OSError, match="Too many links"):
        link_on_and_on()
    os.close(folder)
    before = (root / "a copy.jpg").stat()
    step = step_for(root, "a copy.jpg", "keep.jpg", ActionKind.HARDLINK)

    (outcome,) = perform([step], MemoryJournal([step]))

    assert outcome.state is StepState.REFUSED
    assert "as many hard links" in outcome.reason
    assert (root / "a copy.jpg").stat().st_ino == before.st_ino
    assert not list((root / ".twinlens" / "trash").iterdir())


def test_d23_attributes_and_acls_stay_or_nothing_is_done(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    world = world_at(disk_at(mounts, tmp_path / "photos", "btrfs"))
    put_copies(world)
    copy = world.path("a copy.jpg")
    copy.chmod(0o640)
    os.setxattr(copy, "user.rating", b"5")
    if shutil.which("setfacl") is None:
        pytest.skip("setfacl is not installed")
    subprocess.run(["setfacl", "-m", "u:65534:r", copy], check=True)
    # The one with the attributes is the one that goes.
    protect = {"protect": [str(world.path("keep.jpg"))]}
    world.scan()

    def attributes() -> dict[str, object]:
        status = copy.stat()
        extended = {name: os.getxattr(copy, name) for name in os.listxattr(copy)}
        return {"mode": status.st_mode, "mtime": status.st_mtime_ns, **extended}

    before = attributes()
    assert "system.posix_acl_access" in before
    linked = acted(world, "hardlink", actions=protect)
    assert [step["state"] for step in linked["steps"]] == ["refused"]
    assert attributes() == before
    shared = acted(world, "reflink", actions=protect)
    assert [step["state"] for step in shared["steps"]] == ["done"], shared
    assert attributes() == before
    trashed = acted(world, "trash", actions=protect)
    assert [step["state"] for step in trashed["steps"]] == ["done"], trashed
    assert undo(action_room(world))["failed"] == []
    assert attributes() == before
    world.scan()
    require_world(world)


def test_d26_rot_in_the_only_copy_is_told_and_nothing_is_written_over_it(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    disk = mounts.new_disk()
    mounts.mount(disk, point)
    world = world_at(mounts.inside(point))
    world.put("a.jpg", jpeg(1))
    world.put("b.jpg", jpeg(2))
    world.scan()
    settle(world)
    mounts.unmount(point)
    turn_a_bit(disk, jpeg(2))
    mounts.mount(disk, point)
    rotten = world.path("b.jpg").read_bytes()
    assert rotten != jpeg(2)
    assert world.scan()["unchanged"] == 2, "nothing but reading it again finds it"

    found = verify(world)

    assert [found[word] for word in ("sound", "changed", "rotten")] == [1, 0, 1]
    assert world.path("b.jpg").read_bytes() == rotten


def test_d28_what_twinlens_makes_is_closed_to_others_and_of_the_folders_group(
    world: World, house: House
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder another group")
    os.chown(world.photos, 0, 65534)
    world.photos.chmod(0o2775)
    put_copies(world)
    world.scan()
    before = {name: world.path(name).stat() for name in ("keep.jpg", "a copy.jpg")}
    old = os.umask(0)
    try:
        result = acted(world)
        assert [step["state"] for step in result["steps"]] == ["done"]
        for path in (world.photos / ".twinlens").rglob("*"):
            if not path.name.endswith("copy.jpg"):
                assert path.stat().st_mode & 0o007 == 0, path
                assert path.stat().st_gid == 65534, path
        assert undo(action_room(world))["failed"] == []
    finally:
        os.umask(old)
    after = {name: world.path(name).stat() for name in before}
    for name, status in before.items():
        assert (after[name].st_mode, after[name].st_gid) == (status.st_mode, status.st_gid)

    house.cli("scan", prefix=("sh", "-c", 'umask 0; exec "$0" "$@"'))
    assert house.database.stat().st_mode & 0o077 == 0
    assert house.database.parent.stat().st_mode & 0o077 == 0
