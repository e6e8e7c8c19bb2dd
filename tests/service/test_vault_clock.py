"""Claims about when the passes over the vault are asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.made_up import put_file, put_original
from support.stores import Store, opened_store
from twinlens.config.schema import Config
from twinlens.model.jobs import JobState
from twinlens.service.vaulting import VaultClock
from twinlens.store import blobs, meta
from twinlens.store import jobs as jobs_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT = NOW.isoformat(timespec="seconds")


class Clock:
    """A clock of the vault over a real store, on which one content is lacking."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.seconds = 1000.0
        catalog = {"name": "a", "roots": [str(folder)]}
        vault = {"place": str(folder.parent / "vault"), "fill_interval_minutes": 60}
        data = {"catalog": [catalog], "database": {"path": str(store.path)}, "vault": vault}
        engine: Any = SimpleNamespace(
            config=Config.model_validate(data), database=store.database, writer=store.writer
        )
        self.clock = VaultClock(engine, lambda: NOW, lambda: None, lambda: self.seconds)

    def asked(self) -> list[str]:
        """The passes that wait, each of them ended at once."""
        found = self.store.read(jobs_store.unfinished)
        for job in found:
            self.store.write(lambda job=job: jobs_store.finish(job.id, JobState.SUCCESS, AT))
        return [job.name for job in found]

    def fill_after(self, seconds: float) -> list[str]:
        self.seconds += seconds
        self.clock.fill()
        return self.asked()


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    with opened_store(tmp_path / "state" / "twinlens.db") as store:
        root_id = store.adopt(tmp_path / "photos")[0].id
        store.write(lambda: put_file(root_id, b"a.jpg", put_original("a")))
        yield Clock(store, tmp_path / "photos")


def test_nothing_is_asked_before_a_vault_was_made(clock: Clock) -> None:
    assert clock.fill_after(0) == []
    clock.clock.verify()
    clock.clock.collect()
    assert clock.asked() == []


def test_a_slice_that_left_something_is_followed_at_once_and_another_waits(clock: Clock) -> None:
    clock.store.write(lambda: blobs.take_vault("5eed", "there"))

    assert clock.fill_after(0) == ["vault"]
    assert clock.fill_after(60) == []
    clock.store.write(lambda: meta.write("vault_left", "yes"))
    assert clock.fill_after(60) == ["vault"]
    clock.store.write(lambda: meta.write("vault_left", ""))
    assert clock.fill_after(60) == []
    assert clock.fill_after(3600) == ["vault"]


def test_one_pass_that_waits_is_enough(clock: Clock) -> None:
    clock.store.write(lambda: blobs.take_vault("5eed", "there"))

    clock.clock.collect()
    clock.clock.collect()

    assert clock.asked() == ["vault_gc"]
