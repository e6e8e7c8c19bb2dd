"""Claims about rot on a real disk: a bit that turned below the file system is found."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.mounts import Mounts
from support.rot import turn_a_bit
from support.world import jpeg


@pytest.mark.skipif(shutil.which("mkfs.ext4") is None, reason="mkfs.ext4 is not installed")
def test_a_bit_that_turned_on_the_disk_is_found_and_its_copy_proposed(
    house: House, tmp_path: Path
) -> None:
    source, disk = tmp_path / "source", tmp_path / "disk"
    source.mkdir()
    for name, seed in (("a.jpg", 1), ("copy.jpg", 1), ("b.jpg", 2)):
        (source / name).write_bytes(jpeg(seed))
    make = ["mkfs.ext4", "-q", "-F", "-d", str(source), str(disk), "16M"]
    subprocess.run(make, check=True, capture_output=True)
    with Mounts() as mounts:
        mount = ("mount", "-o", "loop", disk, house.root)
        try:
            mounts.run(*mount)
        except AssertionError as error:
            pytest.skip(f"no loop mounts here: {error}")
        time.sleep(4)  # what is recorded in the moment it was written is never called rotten
        house.scan(prefix=mounts.prefix)
        assert house.ask("verify", "--all", prefix=mounts.prefix)["this"]["sound"] == 3
        mounts.unmount(house.root)
        turn_a_bit(disk, jpeg(2))
        mounts.run(*mount)

        with Daemon(house, prefix=mounts.prefix) as daemon:
            found = house.ask("verify", "--all", prefix=mounts.prefix, codes=(1,))
            eventually(lambda: "file_rotten" in daemon.log, 5.0)

        assert [found["this"][word] for word in ("sound", "changed", "rotten")] == [2, 0, 1]
        (damage,) = found["damages"]
        assert damage["path"] == str(house.root / "b.jpg")
        assert damage["repair_from"] is None
        assert house.ask("status", prefix=mounts.prefix)["verification"]["rotten"] == 1
