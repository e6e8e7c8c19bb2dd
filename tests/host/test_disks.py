"""Claims about disks: what lies under a file system is found; what cannot be told is not said."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.host.disks import Disk, disks_under


class Machine:
    """A made-up /sys with the disks of a NAS."""

    def __init__(self, folder: Path) -> None:
        self.sys = folder
        for name in ("dev/block", "class/block", "fs/btrfs"):
            (folder / name).mkdir(parents=True)

    def device(self, path: str, number: str, rotational: str = "", slaves: str = "") -> Path:
        """A device below `devices`; `slaves` are names of others."""
        folder = self.sys / "devices" / path
        (folder / "slaves").mkdir(parents=True)
        (folder / "dev").write_text(number + "\n")
        if rotational:
            (folder / "queue").mkdir()
            (folder / "queue" / "rotational").write_text(rotational + "\n")
        (self.sys / "dev" / "block" / number).symlink_to(folder)
        (self.sys / "class" / "block" / folder.name).symlink_to(folder)
        for slave in slaves.split():
            (folder / "slaves" / slave).symlink_to((self.sys / "class" / "block" / slave).resolve())
        return folder

    def partition(self, disk: str, number: str) -> None:
        """A partition: the disk's name with a 1."""
        folder = self.device(f"{disk}/{disk}1", number)
        (folder / "partition").write_text("1\n")

    def under(self, major: int, minor: int, source: str = "") -> tuple[Disk, ...]:
        return disks_under(os.makedev(major, minor), source, self.sys)


SDA, SDB = Disk(os.makedev(8, 0), True), Disk(os.makedev(8, 16), True)
FAST = Disk(os.makedev(259, 0), False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.device("sda", "8:0", "1")
    made.device("sdb", "8:16", "1")
    made.device("nvme0n1", "259:0", "0")
    made.partition("sda", "8:1")
    made.partition("sdb", "8:17")
    return made


def test_a_partition_lies_on_its_disk(machine: Machine) -> None:
    assert machine.under(8, 1) == (SDA,)
    assert machine.under(259, 0) == (FAST,)


def test_raid_and_encryption_are_followed_down_to_the_disks(machine: Machine) -> None:
    machine.device("md0", "9:0", "1", slaves="sda1 sdb1")
    machine.device("dm-0", "252:0", "1", slaves="md0 nvme0n1")

    assert machine.under(9, 0) == (SDA, SDB)
    assert machine.under(252, 0) == (SDA, SDB, FAST)


def test_btrfs_is_found_by_what_is_mounted_and_on_all_its_disks(machine: Machine) -> None:
    assert machine.under(0, 42, "/dev/sda1") == (SDA,)

    members = machine.sys / "fs" / "btrfs" / "some-uuid" / "devices"
    members.mkdir(parents=True)
    for name in ("sda1", "sdb1"):
        (members / name).symlink_to((machine.sys / "class" / "block" / name).resolve())

    assert machine.under(0, 42, "/dev/sda1") == (SDA, SDB)


def test_a_volume_is_found_by_its_name_where_no_device_can_be_seen(machine: Machine) -> None:
    folder = machine.device("dm-3", "252:3", "1", slaves="sdb1")
    (folder / "dm").mkdir()
    (folder / "dm" / "name").write_text("vg-photos\n")

    assert machine.under(0, 42, "/dev/mapper/vg-photos") == (SDB,)


@pytest.mark.parametrize("source", ["tank/photos", "server:/photos", "mergerfs", "", "/dev/gone"])
def test_nothing_is_said_where_no_disk_is_named(machine: Machine, source: str) -> None:
    assert machine.under(0, 42, source) == ()


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Path]:
    """A real block device of this kernel."""
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    made = subprocess.run(
        ["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no loop device can be made: {made.stderr.strip()}")
    device = Path(made.stdout.strip())
    yield device
    subprocess.run(["losetup", "--detach", str(device)], check=True)


@pytest.mark.parametrize("spins", [True, False])
def test_the_kernel_itself_is_asked_whether_a_disk_spins(loop: Path, spins: bool) -> None:
    number = loop.stat().st_rdev
    flag = Path("/sys/class/block") / loop.name / "queue" / "rotational"
    flag.write_text("1" if spins else "0")

    assert disks_under(number) == (Disk(number, spins),)
