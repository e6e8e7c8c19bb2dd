"""Section H, counts and what is forgotten: the rows about contents, where no vault is kept."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.daemon import House
from support.injecting import FalseClock
from support.pictures import put_picture
from support.world import Workers, World, jpeg, opened_world
from twinlens.host.uptime import Uptime
from twinlens.maintenance.orphans import Cleanup, CleanupReport
from twinlens.maintenance.reconcile import Reconcile
from twinlens.store import originals

LATER = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
HOUR = 3600.0


class Library:
    """A scanned library whose two clocks a test sets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wall = LATER
        self.up = 1000.0
        self.wrong: Callable[[], None] = lambda: None
        """What goes wrong after each reconciliation."""

    def pass_hours(self, hours: float) -> None:
        self.wall += timedelta(hours=hours)
        self.up += hours * HOUR

    def clean(self, *, brake: float = 100.0, accept: bool = False) -> CleanupReport:
        store = self.world.store
        return Cleanup(
            store.database,
            store.writer,
            lambda: self.wall,
            24.0,
            1000,
            brake,
            accept,
            steady=lambda: Uptime("one start", self.up),
        ).run()

    def ripen(self, **options: bool | float) -> list[CleanupReport]:
        """Passes over days; what each said."""
        reports = []
        for _ in range(4):
            self.reconcile()
            self.wrong()
            self.pass_hours(24.5)
            reports.append(self.clean(**options))  # type: ignore[arg-type]  # by their names
        return reports

    def reconcile(self) -> dict[str, object]:
        store = self.world.store
        return Reconcile(store.database, store.writer, lambda: self.wall).run().as_result()

    def delete(self, *names: str) -> None:
        for name in names:
            self.world.path(name).unlink()
        self.world.brake_percent = 100.0
        self.world.restart()
        self.world.scan()

    def counts(self) -> list[int]:
        return sorted(self.world.store.read(originals.counts).values())


@pytest.fixture
def library(tmp_path: Path, workers: Workers) -> Iterator[Library]:
    """Three files of two contents."""
    with opened_world(tmp_path / "state" / "a.db", tmp_path / "photos", workers) as world:
        world.put("sea.jpg", jpeg(1))
        world.put("copy of sea.jpg", jpeg(1))
        world.put("hill.jpg", jpeg(2))
        world.scan()
        yield Library(world)


def by_hand(library: Library, sql: str) -> None:
    """As an owner with another program would."""
    with sqlite3.connect(library.world.store.path) as connection:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize("wrong", [0, 1, 7])
def test_h4_counts_that_drifted_are_counted_anew_and_never_believed(
    library: Library, wrong: int
) -> None:
    library.wrong = lambda: by_hand(
        library,
        f"UPDATE original SET reference_count = {wrong}, "
        f"orphaned_at = {'NULL' if wrong else repr('2001-01-01T00:00:00+00:00')}",
    )

    for report in library.ripen():
        assert report.removed_originals == 0, "a content with files was forgotten"
    result = library.reconcile()

    assert library.counts() == [1, 2]
    assert result["drift"] == abs(wrong - 1) + abs(wrong - 2)
    assert library.reconcile()["drift"] == 0
    assert library.world.scan()["bytes_read"] == 0


def test_h4_a_count_that_is_too_high_keeps_a_content_until_it_is_counted_anew(
    library: Library,
) -> None:
    library.delete("hill.jpg")
    set_high = "UPDATE original SET reference_count = 5, orphaned_at = NULL"
    library.wrong = lambda: by_hand(library, set_high)
    assert sum(report.removed_originals for report in library.ripen()) == 0

    library.wrong = lambda: None
    library.reconcile()
    assert library.counts() == [0, 2]
    assert sum(report.removed_originals for report in library.ripen()) == 1
    assert library.counts() == [2]


@pytest.mark.parametrize("how", ["away", "empty"])
def test_h8_while_a_root_cannot_be_believed_nothing_is_forgotten(
    library: Library, how: str
) -> None:
    library.delete("hill.jpg")
    library.clean()
    photos = library.world.photos
    away = photos.with_name("away")
    photos.rename(away)
    if how == "empty":
        photos.mkdir()

    for report in library.ripen():
        assert report.frozen_by
        assert report.removed_originals == 0
    assert library.counts() == [0, 2]

    shutil.rmtree(photos, ignore_errors=True)
    away.rename(photos)
    library.world.scan()
    assert sum(report.removed_originals for report in library.ripen()) == 1


def test_h10_a_pass_that_would_forget_too_much_forgets_nothing_and_asks(library: Library) -> None:
    names = [f"{number}.jpg" for number in range(30)]
    for number, name in enumerate(names):
        library.world.put(name, jpeg(100 + number))
    library.world.scan()
    library.delete(*names)

    reports = library.ripen(brake=25.0)

    assert sum(report.removed_originals for report in reports) == 0
    assert "30 of 32" in reports[-1].asks
    assert "--accept" in reports[-1].asks
    assert library.clean(brake=25.0, accept=True).removed_originals == 30
    assert library.counts() == [1, 2]


@pytest.mark.parametrize("years", [1, 40, -5])
def test_h12_a_clock_that_jumps_makes_nothing_old_enough_to_be_forgotten(
    library: Library, years: int
) -> None:
    library.delete("hill.jpg")
    library.clean()
    for _ in range(5):
        library.wall = library.wall.replace(year=library.wall.year + years)
        library.up += 60.0
        library.reconcile()
        assert library.clean().removed_originals == 0
    assert library.counts() == [0, 2]
    library.pass_hours(24.5)
    assert library.clean().removed_originals == 1, "nothing would ever have been: the control"


def test_h12_a_daemon_whose_clock_jumps_a_year_forgets_nothing(house: House) -> None:
    clock = FalseClock(house.folder)
    house.configure(cleanup={"grace_hours": 24, "interval_minutes": 1})
    for number in range(3):
        put_picture(house.root / f"{number}.jpg", number)
    assert house.cli("scan", environ=clock.environ).returncode == 0
    (house.root / "0.jpg").unlink()
    assert house.cli("scan", environ=clock.environ).returncode == 0
    assert house.status()["orphans"] == 1
    for verb in ("cleanup", "reconcile"):
        assert house.cli(verb, environ=clock.environ).returncode == 0

    clock.jump(366 * 24 * 3600)
    for _ in range(2):
        assert house.cli("cleanup", environ=clock.environ).returncode == 0
    assert house.status()["orphans"] == 1, "a jump of the clock made it old"
    assert len(house.files()) == 2
