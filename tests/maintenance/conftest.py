"""Fixtures of the tests of maintenance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.stores import Store, opened_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    with opened_store(tmp_path / "state" / "twinlens.db") as opened:
        yield opened


@pytest.fixture
def root_id(store: Store, tmp_path: Path) -> int:
    """The id of a watched folder."""
    return store.adopt(tmp_path / "photos")[0].id
