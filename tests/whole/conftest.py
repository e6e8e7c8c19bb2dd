"""Fixtures of the tests that run the whole program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import House, house_for_everybody


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with one empty root and a config that makes tests quick."""
    return House(tmp_path)


@pytest.fixture
def open_house() -> Iterator[House]:
    """The same in a folder that every user of the machine can reach; its state folder is free."""
    with house_for_everybody() as house:
        yield house
