"""The file systems that actions are tried on: real ones, in a mount namespace of the test's own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.mounts import Mounts

FILESYSTEMS = ("here", "tmpfs", "ext4", "btrfs", "xfs")


def _mounted(kind: str, point: Path, stack: ExitStack) -> Path:
    """A folder on a new file system of this kind; a skip with the reason where there is none."""
    mounts = stack.enter_context(Mounts())
    if kind == "tmpfs":
        mounts.tmpfs(point)
    else:
        mounts.mount(mounts.new_disk(64, kind), point, kind)
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
