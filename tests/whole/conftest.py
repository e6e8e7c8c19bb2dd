"""Fixtures of the tests that run the whole program."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with one empty root and a config that makes tests quick."""
    return House(tmp_path)


@pytest.fixture
def open_house() -> Iterator[House]:
    """The same in a folder that every user of the machine can reach; its state folder is free."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path(tempfile.mkdtemp(prefix="twinlens-test-"))
    folder.chmod(0o755)
    house = House(folder)
    house.database.parent.mkdir()
    os.chown(house.database.parent, 65534, 65534)
    yield house
    subprocess.run(["chmod", "-R", "u+rwx", str(folder)], check=False)
    shutil.rmtree(folder)
