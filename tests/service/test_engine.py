"""The engine: what a scan by hand and the daemon share, on a real store with real workers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.made_up import measured, put_original
from support.pictures import put_picture
from twinlens.config.loading import load_config
from twinlens.config.schema import Config
from twinlens.errors import LockedError, UsageError
from twinlens.events import EventBus
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.recorder import Change, Touched
from twinlens.model.events import Event, EventName
from twinlens.model.jobs import JobState
from twinlens.service.engine import (
    Engine,
    EngineOptions,
    exiftool_program,
    ignore_lists,
    similarity_limits,
)
from twinlens.service.requests import Holder
from twinlens.service.warming import start_warming
from twinlens.store import files as files_store
from twinlens.store import jobs as jobs_store


def config_with(folder: Path, more: str = "") -> Config:
    root = folder / "photos"
    root.mkdir(exist_ok=True)
    path = folder / "config.toml"
    path.write_text(
        f'[database]\npath = "{folder}/state/twinlens.db"\n'
        f'[[catalog]]\nname = "home"\nroots = ["{root}"]\n'
        f"[watch]\nsettle_seconds = 0.1\n[workers]\nprocesses = 1\n{more}",
        encoding="utf-8",
    )
    return load_config(path, {})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    options = EngineOptions(patience_seconds=5.0, retry_pause_seconds=0.1, retries=1)
    with Engine(config_with(tmp_path), options, EventBus(), lambda: False) as running:
        yield running


def test_a_new_pass_takes_the_place_of_one_that_was_left_open(engine: Engine) -> None:
    left = engine.writer.call(lambda: jobs_store.ask("scan", {"paths": ["/x"]}, "2024-01-01"))
    engine.writer.call(lambda: jobs_store.begin(left.id, "2024-01-01"))

    done = engine.run_job("scan", {})

    assert done.state is JobState.SUCCESS
    with engine.database.reading():
        closed = jobs_store.get(left.id)
        assert jobs_store.unfinished() == []
    assert closed is not None
    assert (closed.state, closed.error) == (JobState.CANCELLED, f"job {done.id} took its place")


def test_two_engines_never_hold_one_database(engine: Engine) -> None:
    second = Engine(engine.config, EngineOptions(), EventBus(), lambda: False)

    with pytest.raises(LockedError), second:
        pass


def test_a_scan_with_its_queue_tells_of_every_file_once(tmp_path: Path) -> None:
    config = config_with(tmp_path)
    for number in range(3):
        put_picture(tmp_path / "photos" / f"{number}.jpg", number)
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)

    with Engine(config, EngineOptions(retries=1), bus, lambda: False) as engine:
        job = engine.run_job("scan", {})
        engine.settle_queue()
        result = engine.with_totals(job).result

    assert result is not None
    assert (result["files"], result["added"]) == (3, 3)
    assert [e.name for e in heard].count(EventName.FILE_ARRIVED) == 3


def test_a_scan_does_not_count_what_the_queue_brought_meanwhile(tmp_path: Path) -> None:
    config = config_with(tmp_path)
    os.utime(put_picture(tmp_path / "photos" / "0.jpg", 0), (1_500_000_000, 1_500_000_000))
    with Engine(config, EngineOptions(retries=1), EventBus(), lambda: False) as engine:
        (place,) = engine.places.all()
        engine.run_job("scan", {})
        put_picture(tmp_path / "photos" / "1.jpg", 1)
        engine.queue.put(place.root_id, [b"1.jpg"], "event")
        engine.intake.drain(lambda: False)
        with engine.database.reading():
            known = files_store.count_live(place.root_id)
        counted = engine.scan.tally.changes[Change.ADDED]

    assert (known, counted) == (2, 1)


def test_a_request_nobody_knows_is_refused(engine: Engine) -> None:
    holder = Holder(engine.config, engine.database, engine.writer, engine.absorber.regroup)

    with pytest.raises(UsageError, match="explode"):
        holder.answer("explode", {})


def test_a_distance_of_the_owner_takes_the_place_of_the_presets(tmp_path: Path) -> None:
    plain = similarity_limits(config_with(tmp_path))
    wide = similarity_limits(config_with(tmp_path, "[similarity]\nmax_distance = 12\n"))
    narrow = similarity_limits(config_with(tmp_path, "[similarity]\nmax_distance = 1\n"))

    assert plain == PRESETS["normal"]
    assert wide.max_distance == 12
    assert wide.re_encoded_distance == plain.re_encoded_distance
    assert narrow.max_distance == narrow.re_encoded_distance == 1


def test_each_root_has_the_patterns_of_its_catalog(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    other = tmp_path / "scans"
    other.mkdir()
    config = config_with(
        tmp_path, f'[[catalog]]\nname = "scans"\nroots = ["{other}"]\nexclude = ["*.tif"]\n'
    )

    lists = ignore_lists(config)

    assert lists[bytes(root)].reason(b"a.tif", is_directory=False) is None
    assert lists[bytes(other)].reason(b"a.tif", is_directory=False) is not None


def test_a_program_that_is_not_there_is_none(tmp_path: Path) -> None:
    config = config_with(tmp_path, '[exiftool]\npath = "/nonexistent/exiftool"\n')

    assert exiftool_program(config) is None
    assert exiftool_program(config_with(tmp_path), {"PATH": str(tmp_path)}) is None


def test_once_warm_an_arrival_does_not_read_the_keys_of_all_pictures(engine: Engine) -> None:
    original_id = engine.writer.call(lambda: put_original("a", measurement=measured(phash=7)))
    start_warming(engine).join(10.0)
    asked: list[str] = []

    def arrive() -> None:
        connection = engine.database.peewee.connection()
        connection.set_trace_callback(asked.append)
        engine.absorber.regroup(Touched(set(), {original_id}))
        connection.set_trace_callback(None)

    engine.writer.call(arrive)

    assert asked
    assert not [sql for sql in asked if 'FROM "search_keys"' in sql and "WHERE" not in sql]


def test_warming_ends_where_the_engine_has_stopped(tmp_path: Path) -> None:
    with Engine(config_with(tmp_path), EngineOptions(), EventBus(), lambda: True) as stopped:
        stopped.writer.call(lambda: put_original("a", measurement=measured(phash=7)))
        thread = start_warming(stopped)
        thread.join(10.0)

    assert not thread.is_alive()
