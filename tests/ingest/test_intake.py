"""Claims about the live path: what is due is looked at, recorded once, and never lost."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar

import pytest

from support.stores import Store
from support.world import Workers, World, jpeg
from twinlens.jobs.pool import WorkerLostError
from twinlens.jobs.work_queue import WRITTEN
from twinlens.model.events import EventName
from twinlens.model.files import FileRecord, FileStatus, Finding, Look
from twinlens.model.unjudged import TREATED_CAREFULLY
from twinlens.store import files, originals, work_items
from twinlens.watch.ignore import IgnoreList


def record(world: World, name: str) -> FileRecord | None:
    return world.store.read(lambda: files.find(world.root_id, os.fsencode(name)))


def names_of(world: World) -> list[EventName]:
    return [event.name for event in world.events]


def test_a_new_path_is_looked_at_and_told(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")

    world.drain()

    found = record(world, "a.jpg")
    assert found is not None
    assert found.status is FileStatus.OK
    assert names_of(world) == [EventName.FILE_ARRIVED]
    assert world.queue.counts() == {"pending": 0, "running": 0, "failed": 0}


def test_a_path_that_did_not_change_is_not_looked_at(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()
    world.events.clear()
    world.hint("a.jpg")
    world.workers.is_held = True

    world.intake.step()

    assert world.workers.waiting == []
    world.drain()
    assert world.events == []


def test_a_renamed_path_is_not_looked_at_either(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.scan()
    path.rename(world.path("b.jpg"))
    world.hint("a.jpg", "b.jpg")
    world.events.clear()

    world.drain()

    assert names_of(world) == [EventName.FILE_MOVED]
    assert record(world, "a.jpg") is None


def test_a_new_file_on_a_freed_inode_is_no_rename(world: World) -> None:
    first = world.put("a.bmp", b"BM" + b"1" * 5000)
    old = first.stat()
    world.scan()
    for number in range(200):
        first.unlink()
        second = world.path(f"b{number}.bmp")
        second.write_bytes(b"BM" + b"2" * 5000)
        os.utime(second, ns=(old.st_mtime_ns, old.st_mtime_ns))
        if second.stat().st_ino == old.st_ino:
            break
        first = second
    else:
        pytest.skip("this file system does not use inode numbers again")
    world.hint("a.bmp", second.name)

    world.drain()

    found = record(world, second.name)
    assert found is not None
    digest = hashlib.sha256(second.read_bytes()).hexdigest()
    with world.store.database.reading():
        assert originals.find_id(digest) == found.original_id


def test_a_file_written_after_its_rename_is_read_although_its_times_are_the_old_ones(
    world: World,
) -> None:
    path = world.put("a.bmp", b"BM" + b"1" * 5000)
    old = path.stat()
    world.scan()
    new = path.rename(world.path("b.bmp"))
    with new.open("r+b") as file:
        file.write(b"BM" + b"3" * 20)
    os.utime(new, ns=(old.st_atime_ns, old.st_mtime_ns))
    world.hint("a.bmp", "b.bmp")
    world.drain()

    world.queue.put(world.root_id, [b"b.bmp"], WRITTEN)
    world.drain()

    found = record(world, "b.bmp")
    assert found is not None
    with world.store.database.reading():
        expected = originals.find_id(hashlib.sha256(new.read_bytes()).hexdigest())
    assert found.original_id == expected


def test_a_write_through_one_hard_link_is_seen_under_its_other_names(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    os.link(path, world.path("b.jpg"))
    world.scan()
    with path.open("ab") as file:
        file.write(b"zz")
    world.hint("a.jpg")

    world.drain()

    first, second = record(world, "a.jpg"), record(world, "b.jpg")
    assert first is not None
    assert second is not None
    assert first.original_id == second.original_id
    with world.store.database.reading():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert originals.find_id(digest) == first.original_id


def test_what_was_renamed_while_it_was_measured_is_not_listed_under_its_old_name(
    world: World,
) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")
    world.workers.is_held = True
    world.intake.step()
    world.workers.finish()
    path.rename(world.path("b.jpg"))

    world.drain()

    assert record(world, "a.jpg") is None


def test_a_file_that_still_grows_is_put_off_and_taken_when_it_holds_still(world: World) -> None:
    path = world.put("a.jpg", jpeg(1)[:500])
    size, mtime = path.stat().st_size, path.stat().st_mtime_ns
    world.store.write(
        lambda: work_items.put(
            world.root_id,
            [b"a.jpg"],
            reason="young",
            not_before=0.0,
            at=world.at(),
            samples={b"a.jpg": (size - 100, mtime)},
        )
    )

    world.intake.step()

    assert record(world, "a.jpg") is None
    ((item, sample),) = world.store.write(lambda: work_items.lease(1e12, 60.0, 10))
    assert (item.attempts, sample) == (0, (size, mtime))


def test_a_copy_is_told_as_one(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()
    world.put("b.jpg", jpeg(1))
    world.hint("b.jpg")
    world.events.clear()

    world.drain()

    assert names_of(world) == [EventName.FILE_ARRIVED, EventName.DUPLICATE_FOUND]
    assert world.events[1].details["paths"] == [
        str(world.path("b.jpg")),
        str(world.path("a.jpg")),
    ]


def test_a_path_that_is_ignored_now_is_gone_though_it_is_there(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()
    world.ignore = IgnoreList((), ("a.*",))
    world.restart()
    world.hint("a.jpg")

    world.drain()

    found = record(world, "a.jpg")
    assert found is not None
    assert found.status is FileStatus.GONE


def test_an_absence_below_a_root_that_is_away_is_not_believed(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()
    aside = world.photos.with_name("aside")
    world.photos.rename(aside)
    world.hint("a.jpg")

    for _ in range(5):
        world.intake.step()

    found = record(world, "a.jpg")
    assert found is not None
    assert found.status is FileStatus.OK
    assert world.queue.counts()["failed"] == 0
    aside.rename(world.photos)
    world.drain()
    assert world.queue.counts() == {"pending": 0, "running": 0, "failed": 0}


def test_a_path_of_a_root_that_is_no_longer_watched_is_dropped(
    store: Store, tmp_path: Path, workers: Workers
) -> None:
    old = store.adopt(tmp_path / "old")[0].id
    store.write(
        lambda: work_items.put(old, [b"a"], reason="event", not_before=0.0, at="2026-01-01")
    )
    world = World(store, tmp_path / "photos", workers)

    world.drain()

    assert world.queue.counts()["pending"] == 0


class Unlucky(Workers):
    """Workers that are lost, or find nothing but trouble."""

    outcome: Finding | Exception = RuntimeError("the worker died")

    def submit(  # type: ignore[override]  # positional arguments are all a task needs
        self, fn: Any, /, *args: Any
    ) -> "Future[Finding]":
        future: Future[Finding] = Future()
        if isinstance(self.outcome, Exception):
            future.set_exception(self.outcome)
        else:
            future.set_result(self.outcome)
        return future


@pytest.fixture
def unlucky(store: Store, tmp_path: Path) -> World:
    return World(store, tmp_path / "photos", Unlucky())


def test_a_file_that_kills_its_workers_is_given_up_with_the_reason(unlucky: World) -> None:
    unlucky.put("a.jpg", jpeg(1))
    unlucky.hint("a.jpg")

    unlucky.drain()

    found = record(unlucky, "a.jpg")
    assert found is not None
    assert (found.status, found.error) == (FileStatus.UNREADABLE, "the worker died")
    ((_, path, attempts, error),) = unlucky.store.read(work_items.failed)
    assert (path, attempts, error) == (b"a.jpg", 3, "the worker died")


class Flaky(Workers):
    """Workers that fail in turn as told, and then look."""

    failures: ClassVar[list[str]] = []

    def submit(  # type: ignore[override]  # positional arguments are all a task needs
        self, fn: Any, /, *args: Any
    ) -> "Future[Finding]":
        failure = self.failures.pop(0) if self.failures else None
        if failure is None:
            return super().submit(fn, *args)
        future: Future[Finding] = Future()
        if failure == "lost":
            future.set_exception(WorkerLostError("the worker died"))
        else:
            future.set_result(Finding(args[0].path, problem=failure, is_transient=True))
        return future


@pytest.fixture
def flaky(store: Store, tmp_path: Path) -> Iterator[World]:
    workers = Flaky()
    yield World(store, tmp_path / "photos", workers)
    workers.close()


@pytest.mark.parametrize(
    ("failures", "is_decoded"),
    [
        (["not readable: Input/output error"] * 2, True),
        (["changed while it was read", "not readable: Input/output error"], True),
        (["lost", "lost"], False),
        (["lost", "not readable: Input/output error"], False),
    ],
)
def test_only_a_file_that_cost_a_worker_is_not_decoded_at_its_last_try(
    flaky: World, failures: list[str], is_decoded: bool
) -> None:
    path = flaky.put("a.jpg", jpeg(1))
    Flaky.failures = list(failures)
    flaky.hint("a.jpg")

    flaky.drain()

    found = record(flaky, "a.jpg")
    assert found is not None
    assert found.original_id is not None
    with flaky.store.database.reading():
        original = originals.get(found.original_id)
    assert original.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    expected = None if is_decoded else TREATED_CAREFULLY
    assert original.measurement.error == expected
    assert (found.status is FileStatus.OK) == is_decoded


def test_a_path_that_cannot_be_asked_is_tried_again_and_never_called_gone(
    unlucky: World,
) -> None:
    path = unlucky.put("a.jpg", jpeg(1))
    workers, unlucky_ones = Workers(), unlucky.workers
    assert isinstance(unlucky_ones, Unlucky)
    unlucky.workers = workers
    unlucky.restart()
    unlucky.scan()
    unlucky.workers = unlucky_ones
    unlucky.restart()
    unlucky.age(path)
    unlucky_ones.outcome = Finding(
        os.fsencode(path), problem="not readable: Input/output error", is_transient=True
    )
    unlucky.hint("a.jpg")

    unlucky.drain()
    workers.close()

    found = record(unlucky, "a.jpg")
    assert found is not None
    assert found.status is FileStatus.UNREADABLE
    assert unlucky.queue.counts()["failed"] == 1


def test_results_that_come_late_and_in_any_order_are_recorded(world: World) -> None:
    for number in range(4):
        world.put(f"{number}.jpg", jpeg(number))
        world.hint(f"{number}.jpg")
    world.workers.is_held = True
    world.intake.step()
    assert len(world.workers.waiting) == 4

    world.workers.finish(3)
    world.intake.step()
    assert record(world, "3.jpg") is not None
    assert record(world, "0.jpg") is None

    world.drain()
    assert all(record(world, f"{n}.jpg") for n in range(4))


def test_a_crash_while_a_file_is_looked_at_costs_nothing(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")
    world.workers.is_held = True
    world.intake.step()
    assert world.queue.counts()["running"] == 1

    world.restart()
    world.drain()

    assert record(world, "a.jpg") is not None


def test_the_pause_of_a_step_is_the_time_to_the_next_item(world: World) -> None:
    assert world.intake.step() == 30.0

    world.queue.put_later(world.root_id, b"a.jpg", (1, 1))
    assert 3.0 < world.intake.step() <= 5.0

    world.put("b.jpg", jpeg(1))
    world.hint("b.jpg")
    world.workers.is_held = True
    assert world.intake.step() == 0.0
    assert world.intake.step() == 30.0


def test_draining_ends_when_nothing_is_due_soon(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")
    world.store.write(
        lambda: work_items.put(
            world.root_id, [b"later"], reason="retry", not_before=1e12, at=world.at()
        )
    )

    world.intake.drain(lambda: False)

    assert record(world, "a.jpg") is not None
    assert world.queue.counts()["pending"] == 1


def test_what_has_cost_workers_is_tried_again_one_at_a_time_and_holds_up_no_arrival(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = [f"h{number}.jpg" for number in range(6)]
    for number, name in enumerate(hostile):
        world.put(name, jpeg(number))
    submit = world.workers.submit

    def lose(function: Any, look: Look) -> "Future[Finding]":
        future: Future[Finding] = Future()
        future.set_exception(WorkerLostError("took longer than its deadline"))
        return future

    monkeypatch.setattr(world.workers, "submit", lose)
    world.scan()
    assert world.queue.counts()["pending"] == 6
    monkeypatch.setattr(world.workers, "submit", submit)
    world.workers.is_held = True

    world.intake.step()
    assert len(world.workers.waiting) == 1
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.put(name, jpeg(9))
        world.hint(name)
    world.intake.step()

    at_work = {finding.path for finding, _ in world.workers.waiting}
    assert {os.fsencode(world.path(name)) for name in ("a.jpg", "b.jpg", "c.jpg")} < at_work
    assert len(at_work) == 4
    _, future = world.workers.waiting.pop(0)
    future.set_exception(WorkerLostError("the worker died"))
    world.drain()
    assert len([name for name in names_of(world) if name is EventName.FILE_ARRIVED]) == 9
