"""Claims about the verification: what it finds, what it keeps, and how far a slice goes."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.verifying import LATER, settle, verify
from support.world import World, jpeg, opened_world
from twinlens.commands.verify import state
from twinlens.maintenance import scrub as scrub_module
from twinlens.model.events import Event, EventName
from twinlens.model.roots import RootState
from twinlens.service.scrubbing import seconds_used
from twinlens.store import files, originals, roots, verifications, work_items
from twinlens.store import jobs as jobs_store


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder: two copies of one picture, and another picture."""
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        world.put("a.jpg", jpeg(1))
        world.put("copy/a.jpg", jpeg(1))
        world.put("b.jpg", jpeg(2))
        world.scan()
        settle(world)
        yield world


def rot(path: Path, *, at: int = 200) -> None:
    """Flip a bit as a disk does: size, time of writing and time of change stay."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def as_before(world: World, name: str, work: Callable[[Path], None]) -> None:
    """Do something to a file, and record its new times as if they had always been so."""
    path = world.path(name)
    work(path)
    world.age(path)
    status = path.stat()

    def write() -> None:
        record = files.find(world.root_id, os.fsencode(name))
        assert record is not None
        row = verifications.File.get_by_id(record.id)
        row.mtime_ns, row.ctime_ns = status.st_mtime_ns, status.st_ctime_ns
        row.save()

    world.store.write(write)


def queued(world: World) -> list[bytes]:
    with world.store.database.reading():
        return sorted(
            item.path for item, _ in world.store.write(lambda: work_items.lease(1e12, 1, 99))
        )


def damages(world: World) -> list[tuple[str, str, str | None]]:
    found = state(world.store.database)["damages"]
    cut = len(str(world.photos)) + 1
    return [
        (d["path"][cut:], d["verdict"], d["repair_from"] and d["repair_from"][cut:]) for d in found
    ]


def test_sound_files_are_found_sound(world: World) -> None:
    result = verify(world)

    assert (result["files"], result["sound"], result["left"]) == (3, 3, 0)
    assert damages(world) == []
    assert state(world.store.database)["sound"] == 3
    assert queued(world) == []


def test_a_file_that_rots_is_found_told_and_keeps_its_good_digest(world: World) -> None:
    good = hashlib.sha256(jpeg(2)).hexdigest()
    as_before(world, "b.jpg", rot)
    events: list[Event] = []

    result = verify(world, events)

    assert result["rotten"] == 1
    assert damages(world) == [("b.jpg", "rotten", None)]
    (damage,) = world.store.read(verifications.damages)
    assert damage.sha256 == good
    assert damage.found_sha256 == hashlib.sha256(world.path("b.jpg").read_bytes()).hexdigest()
    assert [event.name for event in events] == [EventName.FILE_ROTTEN]
    assert world.store.read(lambda: originals.find_id(good)) is not None
    assert queued(world) == [], "nobody wrote to it: it is not taken for a change"

    verify(world, events)
    assert len(events) == 1, "told once"
    assert damages(world) == [("b.jpg", "rotten", None)]


def test_a_copy_that_was_read_since_is_proposed_and_no_other(world: World) -> None:
    as_before(world, "a.jpg", rot)

    path = str(world.path("a.jpg"))
    verify(world, paths=[path])
    assert damages(world) == [("a.jpg", "rotten", None)], "the copy was not read yet"

    due = world.store.read(lambda: verifications.due("1970-01-01", LATER, 10))
    verify(world, before="1970-01-01T00:00:00+00:00")

    assert len(due) == 1
    assert damages(world) == [("a.jpg", "rotten", "copy/a.jpg")]


def test_a_rotten_copy_is_never_proposed(world: World) -> None:
    as_before(world, "a.jpg", rot)
    as_before(world, "copy/a.jpg", lambda path: rot(path, at=300))

    verify(world)

    assert damages(world) == [("a.jpg", "rotten", None), ("copy/a.jpg", "rotten", None)]


def test_a_file_that_somebody_wrote_to_is_a_change(world: World) -> None:
    world.path("b.jpg").write_bytes(jpeg(3))

    result = verify(world)

    assert (result["changed"], result["rotten"]) == (1, 0)
    assert queued(world) == [b"b.jpg"]
    assert damages(world) == []


def test_a_change_with_its_old_times_put_back_is_a_change(world: World) -> None:
    path = world.path("b.jpg")
    before = path.stat()
    rot(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert verify(world)["changed"] == 1
    assert damages(world) == []


def test_a_file_that_went_is_looked_at_like_any_change(world: World) -> None:
    world.path("b.jpg").unlink()

    assert verify(world)["changed"] == 1
    assert queued(world) == [b"b.jpg"]


def test_a_root_that_went_away_proves_nothing(world: World) -> None:
    world.photos.rename(world.photos.with_name("elsewhere"))

    result = verify(world)

    assert result["files"] == 0
    assert queued(world) == []
    assert damages(world) == []


def test_a_root_that_is_known_to_be_away_is_not_asked(world: World) -> None:
    world.store.write(
        lambda: roots.set_health(world.root_id, RootState.UNREACHABLE, "the cable is out")
    )

    assert verify(world)["files"] == 0


def test_a_damage_outlives_a_change_of_mode(world: World) -> None:
    good = hashlib.sha256(jpeg(2)).hexdigest()
    as_before(world, "b.jpg", rot)
    verify(world)
    world.path("b.jpg").chmod(0o600)
    world.scan()
    settle(world)

    assert damages(world) == [("b.jpg", "rotten", None)]
    assert verify(world)["rotten"] == 1
    (damage,) = world.store.read(verifications.damages)
    assert damage.sha256 == good


def test_a_file_that_is_mended_is_sound_again(world: World) -> None:
    as_before(world, "b.jpg", rot)
    verify(world)
    times = world.path("b.jpg").stat()
    world.path("b.jpg").write_bytes(jpeg(2))
    os.utime(world.path("b.jpg"), ns=(times.st_atime_ns, times.st_mtime_ns))
    world.scan()
    settle(world, "2998-01-01T00:00:00+00:00")

    assert verify(world, before="1970-01-01T00:00:00+00:00")["sound"] == 1, "read before all else"
    assert damages(world) == []


def test_a_file_that_was_replaced_by_another_is_no_damage(world: World) -> None:
    as_before(world, "b.jpg", rot)
    verify(world)
    world.put("b.jpg", jpeg(7))
    world.scan()

    assert damages(world) == []


def test_a_slice_ends_and_the_next_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = verify(world, seconds=0)
    rest = [verify(world, seconds=0, before="2997-01-01T00:00:00+00:00") for _ in range(2)]

    assert [r["files"] for r in (first, *rest)] == [1, 1, 1]
    assert [bool(r["left"]) for r in (first, *rest)] == [True, True, False]
    assert state(world.store.database)["sound"] == 3
    used = world.store.read(lambda: seconds_used("2997-01-01"))
    assert used >= 0
    assert world.store.read(lambda: seconds_used("2996-12-31")) == 0


def test_a_slice_gives_way_to_other_passes(world: World) -> None:
    world.store.write(lambda: jobs_store.ask("scan", {}, world.at()))

    result = verify(world, seconds=1000)

    assert (result["files"], result["left"]) == (1, 2)


def test_what_was_read_lately_is_not_due(world: World) -> None:
    verify(world)

    assert verify(world, before="2996-12-31T23:00:00+00:00")["files"] == 0


def test_a_time_from_the_future_counts_as_none(world: World) -> None:
    verify(world)

    now = "2026-01-01T00:00:00+00:00"
    assert len(world.store.read(lambda: verifications.due("2025-01-01", now, 10))) == 3


def test_only_named_files_and_folders_are_read(world: World) -> None:
    assert verify(world, paths=[str(world.path("copy"))])["files"] == 1
    assert verify(world, paths=[str(world.path("b.jpg"))])["files"] == 1
    assert verify(world, paths=[str(world.photos)])["files"] == 3
    assert verify(world, paths=["/nowhere"])["files"] == 0


def test_what_changes_under_the_reading_is_not_judged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_before(world, "b.jpg", rot)
    judged: list[object] = []
    review = scrub_module.Scrub.review

    def meanwhile(self: scrub_module.Scrub, outcomes: Sequence[Any]) -> Any:
        kept = review(self, outcomes)
        as_before(world, "b.jpg", lambda path: os.utime(path, (1, 1)))
        judged.extend(kept)
        return kept

    monkeypatch.setattr(scrub_module.Scrub, "review", meanwhile)

    assert verify(world)["rotten"] == 0
    assert len(judged) == 3
