"""Section A: one file that can be reached in two ways, or two that look like one."""

import os
import unicodedata
from pathlib import Path

import pytest

from faults.conftest import WorldAt
from support.acting import MemoryJournal, SameDigest, step_for
from support.daemon import House
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from support.pictures import put_picture
from support.truth import acted, digests, exact, require_world
from support.world import World, jpeg
from twinlens.actions import contents
from twinlens.actions.performing import perform
from twinlens.model.actions import ActionKind, StepState


def test_a1_a_root_named_twice_or_within_another_is_refused_at_the_start(house: House) -> None:
    inner = house.root / "inner"
    inner.mkdir()
    (house.folder / "link").symlink_to(house.root)
    for second in (house.root, inner, Path(f"{inner}/.."), house.folder / "link"):
        house.configure(roots=[house.root, second])

        done = house.cli("run")

        assert done.returncode == 2, f"{second}: {done.stderr}"
        assert str(house.root) in done.stderr
        assert not house.database.exists()


def test_a2_a_bind_mount_of_a_folder_is_no_second_copy(house: House, mounts: Mounts) -> None:
    again, other = house.folder / "again", house.folder / "other"
    (house.root / "bound").mkdir()
    again.mkdir()
    other.mkdir()
    put_picture(house.root / "one" / "a.jpg", 1)
    mounts.bind(house.root / "one", house.root / "bound")
    mounts.bind(house.root, again)

    house.configure(roots=[house.root, again])
    refused = house.cli("scan", prefix=mounts.prefix)
    house.configure(catalog={"action": "trash"})
    result = house.scan(prefix=mounts.prefix)
    planned = house.ask("apply", "--dry-run", prefix=mounts.prefix)

    assert refused.returncode == 2
    assert "same folder" in refused.stderr
    assert (result["files"], result["originals"]) == (2, 1)
    assert house.duplicates() == []
    assert planned["steps"] == []


def test_a3_one_disk_mounted_at_two_places_is_one_folder(house: House, mounts: Mounts) -> None:
    again = house.folder / "again"
    again.mkdir()
    disk = mounts.new_disk(kind="btrfs")
    mounts.mount(disk, house.root, "btrfs")
    mounts.run("btrfs", "subvolume", "create", house.root / "s2")
    put_picture(mounts.inside(house.root) / "s2" / "a.jpg", 1)
    mounts.unmount(house.root)
    for point in (house.root, again):
        mounts.mount(disk, point, "btrfs", "loop,subvol=s2")

    house.configure(roots=[house.root, again])
    done = house.cli("scan", prefix=mounts.prefix)

    assert done.returncode == 2
    assert "same folder" in done.stderr


def test_a4_links_to_folders_are_not_followed_and_a_scan_ends(world: World) -> None:
    world.put("a/one.jpg", jpeg(1))
    world.put("b/two.jpg", jpeg(2))
    for name, target in (("l", "."), ("a/x", "../b"), ("b/y", "../a"), ("self", "self")):
        world.path(name).symlink_to(target)

    result = world.scan()

    assert (result["files"], result["skipped"]) == (2, 4)
    require_world(world)


def test_a5_hard_links_are_one_content_and_gain_nothing(world: World, tmp_path: Path) -> None:
    path = world.put("a.jpg", jpeg(1))
    os.link(path, world.path("b.jpg"))
    lone = world.put("lone.jpg", jpeg(2))
    os.link(lone, tmp_path / "outside.jpg")
    os.utime(world.put("copy of lone.jpg", jpeg(2)), (1, 1))
    os.link(world.path("copy of lone.jpg"), tmp_path / "outside too.jpg")
    world.scan()

    result = acted(world)

    assert exact(world) == [{"lone.jpg", "copy of lone.jpg"}]
    assert [step["state"] for step in result["steps"]] == ["refused"]
    assert "hard link" in result["steps"][0]["reason"]
    require_world(world)


def test_a6_a_file_whose_inode_changes_in_an_overlay_is_read_again(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    lower, room, point = (tmp_path / name for name in ("lower", "room", "photos"))
    for number, name in enumerate(("a.jpg", "b.jpg")):
        os.utime(put_picture(lower / name, number), (1_400_000_000, 1_400_000_000))
    room.mkdir()
    point.mkdir()
    mounts.tmpfs(room)
    mounts.run("mkdir", room / "upper", room / "work")
    layers = f"lowerdir={lower},upperdir={room}/upper,workdir={room}/work"
    done = mounts.attempt("mount", "-t", "overlay", "-o", layers, "overlay", point)
    if done.returncode != 0:
        pytest.skip(f"no overlay can be mounted here: {done.stderr.strip()}")
    world = world_at(mounts.inside(point))
    world.scan()

    with world.path("a.jpg").open("ab") as file:
        file.write(b"a caption")
    world.age(world.path("a.jpg"))
    result = world.scan()
    again = world.scan()

    assert (result["changed"], result["gone"], again["gone"], again["bytes_read"]) == (1, 0, 0, 0)
    require_world(world)


def test_a7_a_snapshot_holds_files_of_its_own_and_a_read_only_one_is_never_acted_on(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "disk"
    point.mkdir()
    mounts.mount(mounts.new_disk(kind="btrfs"), point, "btrfs")
    root = mounts.inside(point)
    mounts.run("btrfs", "subvolume", "create", point / "now")
    os.utime(put_picture(root / "now" / "a.jpg", 1), (1_400_000_000, 1_400_000_000))
    mounts.run("btrfs", "subvolume", "snapshot", "-r", point / "now", point / "before")
    assert (root / "now" / "a.jpg").stat().st_ino == (root / "before" / "a.jpg").stat().st_ino
    before = digests(root)
    world = world_at(root)
    world.scan()

    assert exact(world) == [{"now/a.jpg", "before/a.jpg"}]
    for kind in ActionKind:
        step = step_for(root, "before/a.jpg", "now/a.jpg", kind)
        (outcome,) = perform([step], MemoryJournal([step]))
        assert outcome.state is StepState.REFUSED, outcome
    assert digests(root) == before
    require_world(world)


def test_a8_a_new_file_on_a_freed_inode_is_another_file(world: World) -> None:
    reused = 0
    for number in range(6):
        old = world.put(f"a{number}.bmp", b"BM" + bytes([number]) * 5000)
        world.scan()
        status = old.stat()
        old.unlink()
        new = world.path(f"b{number}.bmp")
        new.write_bytes(b"BM" + bytes([number + 100]) * 5000)
        os.utime(new, ns=(status.st_mtime_ns, status.st_mtime_ns))
        reused += new.stat().st_ino == status.st_ino

        result = world.scan()

        assert (result["moved"], result["gone"]) == (0, 1)
    require_world(world)
    if not reused:
        pytest.skip("this file system does not use inode numbers again")


def test_a9_a_disk_that_is_mounted_as_another_device_is_the_same_root(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point, other = tmp_path / "photos", tmp_path / "other"
    point.mkdir()
    other.mkdir()
    disk, first = mounts.new_disk(), mounts.new_disk()
    mounts.mount(disk, point)
    world = world_at(mounts.inside(point))
    world.put("a.jpg", jpeg(1))
    world.scan()
    device = world.photos.stat().st_dev
    mounts.unmount(point)
    mounts.mount(first, other)
    mounts.mount(disk, point)
    assert world.photos.stat().st_dev != device

    again = world.scan()

    assert (again["unchanged"], again["bytes_read"]) == (1, 0)
    assert (again["added"], again["moved"], again["gone"]) == (0, 0, 0)
    assert world.places.is_trusted(world.root_id)


def test_a10_with_inodes_that_never_stay_nothing_is_gone_and_no_action_is_left_half_done(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    behind, point = tmp_path / "behind", tmp_path / "photos"
    point.mkdir()
    for number, name in enumerate(("a.jpg", "copy.jpg", "c.jpg")):
        os.utime(put_picture(behind / name, number // 2), (1_400_000_000, 1_400_000_000))
    with FaultFolder(mounts, behind, point) as share:
        world = world_at(share.inside)
        for start in (1000, 2000, 3000):
            share.order(inodes_from=start)
            result = world.scan()
            assert (result["files"], result["originals"], result["gone"]) == (3, 2, 0)
            assert result["bytes_read"]
        assert exact(world) == [{"a.jpg", "copy.jpg"}]

        require_world(world)

        start = 4000
        for kind in ActionKind:
            for point in ("checked", "intended", "prepared", "captured"):
                start += 1000
                step = step_for(share.inside, "copy.jpg", "a.jpg", kind, number=start)

                def forget(name: str, point: str = point, start: int = start) -> None:
                    if name == point:
                        share.order(inodes_from=start)

                (outcome,) = perform([step], MemoryJournal([step]), forget)
                assert outcome.state is StepState.REFUSED, (kind, point, outcome)
                require_world(world)


def test_a11_one_file_under_names_in_other_letters_is_one_file(
    mounts: Mounts, tmp_path: Path, world_at: WorldAt
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.mount_folding(mounts.new_disk(kind="ntfs"), point)
    world = world_at(mounts.inside(point))
    world.put("IMG.JPG", jpeg(1))
    if not world.path("Img.jpg").exists():
        pytest.skip("this mount tells names apart by the case of their letters")
    world.scan()
    (name,) = os.listdir(world.photos)

    world.put("Img.Jpg", jpeg(2))
    world.hint("Img.Jpg", name)
    world.drain()
    require_world(world)
    world.scan()

    require_world(world)
    assert exact(world) == []


def test_a12_names_that_look_alike_are_two_files_or_one_as_the_disk_has_it(
    mounts: Mounts, tmp_path: Path, world: World, world_at: WorldAt
) -> None:
    composed, apart = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    world.put(composed, jpeg(1))
    world.put(apart, jpeg(2))
    world.scan()
    require_world(world)
    world.path(apart).unlink()
    world.hint(apart)
    world.drain()
    require_world(world)

    behind, point = tmp_path / "behind", tmp_path / "folding"
    point.mkdir()
    behind.mkdir()
    with FaultFolder(mounts, behind, point) as share:
        share.order(one_form="NFC", ignores_case=True)
        folding = world_at(share.inside)
        folding.put("another.jpg", jpeg(3))
        folding.put(composed, jpeg(1))
        folding.scan()
        folding.put(apart, jpeg(2))
        folding.hint(apart, composed)
        folding.drain()
        require_world(folding)

        # A rename of letters alone: the disk goes on answering to the old name.
        (behind / composed).rename(behind / composed.upper())
        folding.hint(composed, composed.upper())
        folding.drain()
        folding.scan()
        require_world(folding)
        folding.path(composed).unlink()
        folding.hint(composed)
        folding.drain()
        folding.scan()
        require_world(folding)


def test_a13_of_a_copy_that_cannot_be_written_only_the_other_goes(
    house: House, mounts: Mounts
) -> None:
    fixed, free = house.folder / "fixed", house.folder / "free"
    for folder in (fixed, free):
        folder.mkdir()
        for number in (1, 2):
            put_picture(folder / f"{number}.jpg", number)
            when = 1_500_000_000 + (number if folder == fixed else 3 - number) * 1000
            os.utime(folder / f"{number}.jpg", (when, when))
    mounts.bind(fixed, fixed)
    mounts.remount(fixed, "bind,ro")
    house.configure(roots=[fixed, free], catalog={"action": "trash"})
    house.scan(prefix=mounts.prefix)
    before = digests(fixed)

    first = house.ask("apply", "--dry-run", prefix=mounts.prefix)
    done = house.ask("apply", prefix=mounts.prefix, codes=(0, 1))

    assert [step["victim"] for step in first["steps"]] == [s["victim"] for s in done["steps"]]
    assert digests(fixed) == before
    for step in done["steps"]:
        is_free = step["victim"].startswith(str(free))
        assert step["state"] == ("done" if is_free else "refused"), step
        assert is_free or "ead-only" in step["reason"], step
        assert step["rule"]
    assert {step["state"] for step in done["steps"]} >= {"done"}
    assert {*digests(free).values(), *before.values()} == set(before.values())


def test_a14_files_that_differ_in_their_middle_alone_are_no_duplicates(world: World) -> None:
    ends = os.urandom(1 << 20)
    for name, middle in (("a.bmp", b"1"), ("b.bmp", b"2")):
        world.put(name, b"BM" + ends + middle + ends)

    world.scan()

    assert exact(world) == []
    require_world(world)


def test_a15_equal_hashes_of_unequal_bytes_are_found_out_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, byte in (("keep.jpg", b"1"), ("copy.jpg", b"2")):
        (tmp_path / name).write_bytes(b"\xff\xd8" + byte * 5000)
        os.utime(tmp_path / name, (1_400_000_000, 1_400_000_000))
    before = digests(tmp_path)
    monkeypatch.setattr(contents, "hashlib", SameDigest)

    for kind in ActionKind:
        step = SameDigest.step(step_for(tmp_path, "copy.jpg", "keep.jpg", kind))
        (outcome,) = perform([step], MemoryJournal([step]))

        assert outcome.state is StepState.REFUSED
        assert "not equal" in outcome.reason
    assert digests(tmp_path) == before
