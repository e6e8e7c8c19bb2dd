"""Claims about a root that does not answer: nobody waits for it, and nothing of it is lost."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from support.world import World, jpeg
from twinlens.model.files import FileStatus
from twinlens.model.jobs import WorkState
from twinlens.model.roots import RootState
from twinlens.questions import NO_ANSWER
from twinlens.store import files, roots, work_items
from twinlens.watch.identity import RootHealth, check_root


class Share:
    """Whether the root answers."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()

    def check(self, path: bytes, known: object) -> RootHealth:
        """`check_root`, once the share answers."""
        assert self.answers.wait(30.0)
        return check_root(path, known)  # type: ignore[arg-type]  # as it came


@pytest.fixture
def share(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Share]:
    """The root of the world, which hangs as told."""
    root = Share()
    monkeypatch.setattr("twinlens.ingest.places.check_root", root.check)
    monkeypatch.setattr("twinlens.ingest.places.PATIENCE_SECONDS", 0.1)
    yield root
    root.answers.set()


def status_of(world: World, name: str) -> FileStatus | None:
    record = world.store.read(lambda: files.find(world.root_id, os.fsencode(name)))
    return None if record is None else record.status


def entry_of(world: World, name: str) -> tuple[int, WorkState, str | None]:
    found = world.store.read(lambda: work_items.waiting(world.root_id, os.fsencode(name)))
    assert found is not None
    return found[0].attempts, found[1], found[2]


def is_online(world: World) -> bool:
    return world.places.check(world.root_id).state is RootState.ONLINE


def wait_until_online(world: World) -> None:
    deadline = time.monotonic() + 10.0
    while not is_online(world):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_root_that_does_not_answer_is_unreachable_until_it_does(
    world: World, share: Share
) -> None:
    world.scan()
    share.answers.clear()

    assert not world.places.is_trusted(world.root_id)
    assert not world.places.answers(world.root_id)
    (recorded,) = world.store.read(roots.active)
    assert (recorded.state, recorded.detail) == (RootState.UNREACHABLE, NO_ANSWER)

    share.answers.set()
    wait_until_online(world)
    assert world.places.answers(world.root_id)
    (recorded,) = world.store.read(roots.active)
    assert recorded.state is RootState.ONLINE


def test_a_scan_of_a_root_that_does_not_answer_ends_and_calls_nothing_gone(
    world: World, share: Share
) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()
    share.answers.clear()

    result = world.scan()

    assert result["gone"] == 0
    assert NO_ANSWER in str(result["problems"])
    assert status_of(world, "a.jpg") is FileStatus.OK


def test_what_the_last_life_has_left_of_a_root_that_hangs_at_the_start_waits_untried(
    world: World, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")
    share.answers.clear()
    world.restart()
    asked: list[object] = []
    real = os.lstat

    def lstat(path: bytes) -> os.stat_result:
        asked.append(path)
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr("twinlens.ingest.intake.os.lstat", lstat)
        world.intake.step()
        world.intake.step()

    assert asked == []
    assert entry_of(world, "a.jpg") == (0, WorkState.PENDING, None)
    # The disk of the database may sleep meanwhile.
    due = world.queue.next_due()
    assert due is not None
    assert due > time.time() + 300.0

    share.answers.set()
    wait_until_online(world)
    world.scan()
    assert status_of(world, "a.jpg") is FileStatus.OK


def test_a_scan_that_goes_on_asks_no_worker_for_files_of_a_root_that_does_not_answer(
    world: World, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.jpg", jpeg(1))

    def hang() -> None:
        share.answers.clear()
        world.places.check(world.root_id)

    monkeypatch.setattr(world, "meanwhile", hang)
    monkeypatch.setattr(world.workers, "submit", lambda *task: pytest.fail("a worker was asked"))

    result = world.scan()

    assert (result["gone"], status_of(world, "a.jpg")) == (0, None)
    assert entry_of(world, "a.jpg")[:2] == (0, WorkState.PENDING)
