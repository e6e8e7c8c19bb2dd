"""Section D, on a share that misbehaves: read errors, hangs, a server that dies."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import House
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from support.pictures import put_picture


@pytest.fixture
def share(house: House, mounts: Mounts) -> Iterator[FaultFolder]:
    """The root of the house, seen through a file system that fails as told."""
    behind = house.folder / "behind"
    behind.mkdir()
    with FaultFolder(mounts, behind, house.root) as folder:
        yield folder


def behind(house: House) -> Path:
    return house.folder / "behind"


def test_d12_what_cannot_be_listed_or_asked_is_unknown_and_never_gone(
    house: House, share: FaultFolder, mounts: Mounts
) -> None:
    for number in range(6):
        put_picture(behind(house) / f"day {number % 2}" / f"{number}.jpg", number)
    house.scan(prefix=mounts.prefix)
    before = house.files()

    for call, error in (("readdir", errno.EIO), ("getattr", errno.ESTALE)):
        share.order({"call": call, "path": "/day 1*", "error": error})
        done = house.cli("scan", prefix=mounts.prefix)
        assert done.returncode == 1
        assert "day 1" in done.stderr
        assert house.files() == before

    share.order()
    again = house.scan(prefix=mounts.prefix)

    assert (again["gone"], again["bytes_read"]) == (0, 0)
    assert house.files() == before
