"""Claims about the nightly backup: one a night, made up for, noted."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from support.stores import Store, opened_store
from twinlens.maintenance.backup import NightlyBackup, is_due, last
from twinlens.store import backups, generation

HOME = timezone(timedelta(hours=2))


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=HOME)


@pytest.mark.parametrize(
    ("made_at", "now", "due"),
    [
        (None, local(2, 12), True),
        (local(1, 3, 1), local(2, 2, 59), False),
        (local(1, 3, 1), local(2, 3, 0), True),
        (local(2, 2, 59), local(2, 3, 0), True),
        (local(2, 3, 0), local(2, 23), False),
        (local(1, 3), local(20, 2), True),
        (local(1, 3).astimezone(UTC), local(2, 2, 59), False),
        (local(2, 3) + timedelta(days=3650), local(2, 4), True),
    ],
)
def test_a_copy_is_due_once_the_hour_has_struck_since_the_last(
    made_at: datetime | None, now: datetime, *, due: bool
) -> None:
    assert is_due(made_at, now, 3) is due


def test_one_copy_a_night_and_the_last_is_noted(store: Store, tmp_path: Path) -> None:
    now = local(1, 4)
    nightly = NightlyBackup(store.path, store.writer, tmp_path / "c", 3, 3, lambda: now)

    report = nightly.run_if_due()
    again = nightly.run_if_due()

    assert report is not None
    assert again is None
    assert report.size == report.path.stat().st_size > 0
    assert store.read(last) == (str(report.path), "2026-06-01T02:00:00+00:00")
    now = local(2, 4)
    assert nightly.run_if_due() is not None
    assert len(backups.numbered(tmp_path / "c", store.path.name)) == 2


def test_a_nightly_copy_that_is_put_back_at_once_is_noticed(store: Store, tmp_path: Path) -> None:
    nightly = NightlyBackup(store.path, store.writer, tmp_path / "c", 3, 3, lambda: local(1, 4))
    generation.advance(store.path, store.writer.call, "t")
    report = nightly.run_if_due()
    assert report is not None

    beside = store.path.with_name(f"{store.path.name}.generation")
    beside.rename(report.path.with_name(f"{report.path.name}.generation"))

    with opened_store(report.path) as copy:
        assert generation.advance(copy.path, copy.writer.call, "t") is not None
