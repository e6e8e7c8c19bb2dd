"""A camera gives the same names again and again: what lies under them elsewhere costs nothing."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from support.made_up import found, measured, stat
from support.stores import Store
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest import regroup
from twinlens.ingest.recorder import Recorder, Seen
from twinlens.ingest.regroup import Regrouper
from twinlens.model.picture import Kind, Metadata


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


class Camera:
    """Records pictures in a store, as a scan does, and counts what SQLite is asked."""

    def __init__(self, store: Store, root_id: int) -> None:
        self.store, self.root_id = store, root_id
        self._regrouper = Regrouper(PRESETS["normal"], now)
        self._asked: list[str] = []
        self._shot = 0

    def shoot(
        self,
        path: str,
        taken: str,
        burst_id: str | None = None,
        kind: Kind = Kind.IMAGE,
        content: str | None = None,
    ) -> int:
        """Record a picture, each of its own content or of this one; returns how often SQLite was
        asked."""
        self._shot += 1
        picture = replace(measured(kind, captured=taken), metadata=Metadata(burst_id=burst_id))
        finding = found(os.fsencode(path), content or path, stat(self._shot), picture)

        def work() -> None:
            connection = self.store.database.peewee.connection()
            connection.set_trace_callback(self._asked.append)
            _, touched = Recorder(now).record([Seen(self.root_id, finding.path, finding)])
            self._regrouper.regroup(touched)
            connection.set_trace_callback(None)

        self._asked.clear()
        self.store.write(work)
        return len(self._asked)

    def bursts(self) -> set[frozenset[str]]:
        query = (
            "SELECT group_concat(f.directory || '/' || f.name, '|') FROM group_member m"
            " JOIN file_group g ON g.id = m.group_id JOIN file f ON f.id = m.file_id"
            " WHERE g.group_type = 'burst' GROUP BY g.id"
        )
        rows = self.store.read(lambda: self.store.database.peewee.execute_sql(query).fetchall())
        return {frozenset(row[0].split("|")) for row in rows}


@pytest.fixture
def camera(store: Store, root_id: int) -> Camera:
    return Camera(store, root_id)


def test_a_picture_asks_no_more_where_its_name_was_given_before(camera: Camera) -> None:
    camera.shoot("100/IMG_0001.JPG", "2020-01-01T10:00:00")
    alone = camera.shoot("200/IMG_0002.JPG", "2020-01-02T10:00:00")
    for number in range(20):
        camera.shoot(f"{300 + number}/IMG_0003.JPG", f"2020-02-{number + 1:02}T10:00:00")

    among_many = camera.shoot("400/IMG_0003.JPG", "2020-03-01T10:00:00")

    assert among_many == alone


def test_frames_join_their_burst_though_their_names_were_given_before(camera: Camera) -> None:
    days = {"100": "2020-01-01", "200": "2020-02-01"}
    for number in range(1, 5):
        for folder, day in days.items():
            camera.shoot(f"{folder}/IMG_000{number}.JPG", f"{day}T10:00:0{number}", "B-1")

    assert camera.bursts() == {
        frozenset(f"{folder}/IMG_000{number}.JPG" for number in range(1, 5)) for folder in days
    }


def test_the_dates_of_pairs_elsewhere_are_not_settled_again(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[set[int]] = []

    def settling(original_ids: set[int], *rest: object, **named: object) -> None:
        settled.append(set(original_ids))

    for number in range(10):
        camera.shoot(f"{300 + number}/IMG_0001.ARW", "2020-01-01T10:00:00", kind=Kind.RAW)
        camera.shoot(f"{300 + number}/IMG_0001.JPG", "2020-01-01T10:00:00")
    monkeypatch.setattr(regroup, "settle_capture_times", settling)

    camera.shoot("900/IMG_0001.ARW", "2020-01-01T10:00:00", kind=Kind.RAW)
    camera.shoot("900/IMG_0001.JPG", "2020-01-01T10:00:00")

    assert [len(one) for one in settled] == [0, 2]


def test_a_copy_asks_no_more_where_others_lie_in_many_folders(camera: Camera) -> None:
    taken = "2020-01-01T10:00:00"
    camera.shoot("100/IMG_0001.JPG", taken, content="one")
    second = camera.shoot("200/IMG_0001.JPG", taken, content="one")
    for number in range(20):
        camera.shoot(f"{300 + number}/IMG_0001.JPG", taken, content="one")

    assert camera.shoot("900/IMG_0001.JPG", taken, content="one") <= second
