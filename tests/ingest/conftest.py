"""Fixtures of the tests of what takes files in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.stores import Store, opened_store
from support.world import Workers, World


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    with opened_store(tmp_path / "state" / "twinlens.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Workers in this process, and the exiftool that they start."""
    workers = Workers()
    yield workers
    workers.close()


@pytest.fixture
def world(store: Store, tmp_path: Path, workers: Workers) -> World:
    """One watched folder and all that takes it in."""
    workers.is_held = False
    workers.waiting.clear()
    return World(store, tmp_path / "photos", workers)


@pytest.fixture
def root_id(store: Store, tmp_path: Path) -> int:
    """The id of a watched folder."""
    return store.adopt(tmp_path / "photos")[0].id
