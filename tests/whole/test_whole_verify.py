"""Claims about rot on a real disk: a bit that turned below the file system is found."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.mounts import Mounts
from support.rot import turn_a_bit
from support.world import jpeg

needs_ext4 = pytest.mark.skipif(
    shutil.which("mkfs.ext4") is None, reason="mkfs.ext4 is not installed"
)


@contextmanager
def rotten_disk(house: House, folder: Path, turned: int) -> Iterator[Mounts]:
    """The root on a disk of its own, scanned and found sound; then a bit of one picture turns."""
    source, disk = folder / "source", folder / "disk"
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
        turn_a_bit(disk, jpeg(turned))
        mounts.run(*mount)
        yield mounts


@needs_ext4
def test_a_bit_that_turned_on_the_disk_is_found_and_its_copy_proposed(
    house: House, tmp_path: Path
) -> None:
    with rotten_disk(house, tmp_path, turned=2) as mounts:
        with Daemon(house, prefix=mounts.prefix) as daemon:
            found = house.ask("verify", "--all", prefix=mounts.prefix, codes=(1,))
            eventually(lambda: "file_rotten" in daemon.log, 5.0)

        assert [found["this"][word] for word in ("sound", "changed", "rotten")] == [2, 0, 1]
        (damage,) = found["damages"]
        assert damage["path"] == str(house.root / "b.jpg")
        assert damage["repair_from"] is None
        assert house.ask("status", prefix=mounts.prefix)["verification"]["rotten"] == 1


@needs_ext4
def test_a_rotten_file_is_mended_from_its_copy_and_the_rot_is_kept_aside(
    house: House, tmp_path: Path
) -> None:
    house.configure(catalog={"action": "trash"})
    with rotten_disk(house, tmp_path, turned=1) as mounts:
        found = house.ask("verify", "--all", prefix=mounts.prefix, codes=(1,))
        (damage,) = found["damages"]
        rotten = Path(damage["path"])
        assert Path(damage["repair_from"]).name in {"a.jpg", "copy.jpg"} - {rotten.name}
        assert mounts.inside(rotten).read_bytes() != jpeg(1)
        before = mounts.inside(rotten).stat()

        done = house.cli("vault", "repair", str(rotten), prefix=mounts.prefix)

        assert done.returncode == 0, done.stderr
        assert mounts.inside(rotten).read_bytes() == jpeg(1)
        after = mounts.inside(rotten).stat()
        assert (after.st_mode, after.st_uid, after.st_mtime_ns) == (
            *(before.st_mode, before.st_uid),
            before.st_mtime_ns,
        )
        (item,) = house.ask("trash", "list", prefix=mounts.prefix)["items"]
        assert item["victim"] == str(rotten)
        house.scan(prefix=mounts.prefix)
        assert house.ask("verify", "--all", prefix=mounts.prefix)["damages"] == []
