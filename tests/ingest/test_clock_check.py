"""The check of cameras' clocks: what a fault in a series does to the dates of its pictures."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from support.made_up import measured, put_file, put_original, stat
from support.stores import Store
from support.world import Workers
from twinlens.analysis.sidecar_names import bucket_of
from twinlens.commands.clocks import clocks
from twinlens.commands.why import why
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.ingest.clock_check import CHECK_CLOCKS, ClockCheck
from twinlens.ingest.recorder import Touched
from twinlens.ingest.regroup import Regrouper
from twinlens.jobs.runner import JobRunner
from twinlens.model.picture import Confidence, DateCandidate, Metadata, TakenAt
from twinlens.store import clock_doubts, files, listing, originals
from twinlens.store import jobs as jobs_store
from twinlens.store.tables_owner import UserDecision

CAMERA = Metadata(make="Canon", model="EOS 80D", serial="777")
JUMPED = (5, 6, 7)


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


def name_of(number: int) -> str:
    return f"IMG_{200 + number:04}.JPG"


class Series:
    """The pictures of one camera, in a store, and the pass that reads them."""

    def __init__(self, store: Store, root_id: int, workers: Workers) -> None:
        self.store, self.root_id, self.workers = store, root_id, workers
        self.contents: dict[str, int] = {}

    def put(self, name: str, *candidates: DateCandidate) -> None:
        def work() -> None:
            found = replace(measured(), metadata=CAMERA, date_candidates=candidates)
            content = put_original(name, measurement=found)
            path = os.fsencode(name)
            put_file(self.root_id, path, content, at=stat(content), radical=bucket_of(path))
            self.contents[name] = content
            settle_capture_times([content], now)
            Regrouper(PRESETS["normal"], now).regroup(Touched(set(), {content}))

        self.store.write(work)

    def shoot(self, number: int, at: str) -> None:
        """A picture whose camera writes one time as that of the capture and of the making."""
        tags = (("EXIF:DateTimeOriginal", 5), ("EXIF:CreateDate", 7))
        self.put(name_of(number), *(DateCandidate(tag, at, rank) for tag, rank in tags))

    def shoot_all(self, order: Sequence[int] = range(12)) -> None:
        """Twelve pictures, of which three in the middle say a day five years before."""
        for number in order:
            day = f"2014-03-0{number}T11:20:00" if number in JUMPED else None
            self.shoot(number, day or f"2019-05-01T10:{number:02}:00")

    def check(self) -> None:
        check = ClockCheck(self.store.database, self.store.writer, now)
        runner = JobRunner(
            self.store.database, self.store.writer, self.workers, lambda: now().isoformat()
        )
        job = self.store.write(lambda: jobs_store.ask(CHECK_CLOCKS, {}, now().isoformat()))
        done = runner.run(job, check.definition())
        assert done.error is None, done.error

    def taken(self, name: str) -> TakenAt:
        return self.store.read(lambda: originals.get(self.contents[name])).taken

    def levels(self) -> dict[str, Confidence]:
        return {name: self.taken(name).confidence for name in sorted(self.contents)}


@pytest.fixture
def series(store: Store, root_id: int, workers: Workers) -> Series:
    return Series(store, root_id, workers)


@pytest.mark.parametrize(
    "order", [range(12), range(11, -1, -1), (7, 0, 8, 5, 1, 9, 6, 2, 10, 3, 11, 4)]
)
def test_pictures_whose_clock_jumped_are_held_low_in_any_order(
    series: Series, order: Sequence[int]
) -> None:
    series.shoot_all(order)
    (fault,) = clocks(series.store.database)

    series.check()

    doubted = {name_of(number) for number in JUMPED}
    assert {path.rpartition("/")[2] for path in fault["files"]} == doubted
    for name, level in series.levels().items():
        assert level is (Confidence.LOW if name in doubted else Confidence.HIGH), name
    # It stays what the camera says: nothing is put right unasked.
    assert series.taken(name_of(5)).value == "2014-03-05T11:20:00"


def test_why_tells_of_the_fault(series: Series) -> None:
    series.shoot_all()
    series.check()
    (path,) = series.store.read(
        lambda: [v.path for v in listing.files() if v.path.endswith(b"IMG_0205.JPG")]
    )

    told = why(series.store.database, os.fsdecode(path))["taken_at"]

    (doubt,) = [c for c in told["candidates"] if c["source"] == "clock:jumped"]
    assert doubt["means"].startswith("contradicts it: the camera's clock jumped: by file counter")
    assert "IMG_0204.JPG of 2019-05-01T10:04:00" in doubt["means"]
    assert doubt["rank_means"] == "what a wrong clock told"
    assert "it is contradicted by clock:jumped" in told["because"]


def test_a_doubt_goes_with_the_fault(series: Series) -> None:
    series.shoot_all()
    series.check()
    assert series.levels()[name_of(6)] is Confidence.LOW

    def lose() -> None:
        for number in range(5):
            record = files.find(series.root_id, os.fsencode(name_of(number)))
            assert record is not None
            files.set_gone(record.id, now().isoformat())

    series.store.write(lose)
    series.check()

    # A time that only rises with the counter is no fault.
    assert list(clocks(series.store.database)) == []
    assert series.store.read(clock_doubts.every) == {}
    assert series.levels()[name_of(6)] is Confidence.HIGH
    assert all(not c.source.startswith("clock:") for c in series.taken(name_of(6)).candidates)


def test_the_owner_and_another_time_are_not_doubted(series: Series) -> None:
    series.shoot_all()
    corrected = DateCandidate("XMP:DateTimeOriginal", "2019-05-01T10:06:30", 5)
    stated = DateCandidate("EXIF:CreateDate", "2014-03-06T11:20:00", 7)
    series.put("other.JPG", corrected, stated)
    series.check()
    before = series.levels()["other.JPG"]

    def say() -> None:
        content = originals.get(series.contents[name_of(5)])
        UserDecision.create(
            sha256=content.sha256, verb="date", value="2019-05-01T10:05:00", decided_at="2026"
        )
        settle_capture_times([content.id], now)

    series.store.write(say)
    series.check()

    assert series.taken(name_of(5)).confidence is Confidence.HIGH
    assert series.taken(name_of(5)).value == "2019-05-01T10:05:00"
    assert series.levels()["other.JPG"] is before


def test_a_series_that_is_off_by_minutes_is_never_high(series: Series) -> None:
    for number in range(4):
        at = datetime(2019, 5, 1, 10, number)  # noqa: DTZ001 - a camera's clock has no zone
        told = at + timedelta(minutes=7)
        series.put(
            name_of(number),
            DateCandidate("EXIF:DateTimeOriginal", at.isoformat(), 5),
            DateCandidate("EXIF:CreateDate", at.isoformat(), 7),
            DateCandidate("Composite:GPSDateTime", f"{told.isoformat()}+00:00", 7),
        )
    assert set(series.levels().values()) == {Confidence.HIGH}

    series.check()

    assert set(series.levels().values()) == {Confidence.MEDIUM}


def test_the_check_is_due_after_each_change_and_not_else(series: Series) -> None:
    is_due = clock_doubts.is_due
    assert not series.store.read(is_due)
    series.shoot(1, "2019-05-01T10:00:00")
    assert series.store.read(is_due)
    series.check()
    assert not series.store.read(is_due)
    series.shoot(2, "2019-05-01T10:01:00")
    assert series.store.read(is_due)
