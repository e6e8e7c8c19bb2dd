"""The file systems that actions are tried on: real ones, in a mount namespace of the test's own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.mounts import Mounts

DISKS = {
    "ext4": (64, ("mkfs.ext4", "-q", "-F")),
    "btrfs": (128, ("mkfs.btrfs", "-q", "-f")),
    "xfs": (320, ("mkfs.xfs", "-q", "-f", "-m", "reflink=1")),
}
FILESYSTEMS = ("here", "tmpfs", *DISKS)


def _mounted(kind: str, point: Path, stack: ExitStack) -> Path:
    """A folder on a new file system of this kind; a skip with the reason where there is none."""
    mounts = stack.enter_context(Mounts())
    if kind == "tmpfs":
        mounts.tmpfs(point)
        return mounts.inside(point)
    mebibytes, make = DISKS[kind]
    if shutil.which(make[0]) is None:
        pytest.skip(f"{make[0]} is not installed")
    image, name = tempfile.mkstemp(suffix=".img")
    stack.callback(os.unlink, name)
    os.ftruncate(image, mebibytes << 20)
    os.close(image)
    subprocess.run([*make, name], check=True, capture_output=True)
    done = subprocess.run(
        [*mounts.prefix, "mount", "-t", kind, "-o", "loop", name, str(point)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"{kind} cannot be mounted here: {done.stderr.strip()}")
    return mounts.inside(point)


def _folder_on(kind: str, tmp_path: Path, stack: ExitStack) -> Path:
    point = tmp_path / "photos"
    point.mkdir()
    folder = point if kind == "here" else _mounted(kind, point, stack)
    root = folder / "root"
    root.mkdir()
    return root


@pytest.fixture(params=FILESYSTEMS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A root on each kind of file system."""
    with ExitStack() as stack:
        yield _folder_on(request.param, tmp_path, stack)


@pytest.fixture(params=("btrfs", "xfs"))
def sharing_root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A root where files can share their blocks."""
    with ExitStack() as stack:
        yield _folder_on(request.param, tmp_path, stack)


@pytest.fixture
def local_root(tmp_path: Path) -> Path:
    """A root on whatever the tests run on."""
    root = tmp_path / "root"
    root.mkdir()
    return root
