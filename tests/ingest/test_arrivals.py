"""Claims about hints: they settle first, a flood collapses, and nothing is taken half-written."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from support.world import World, jpeg
from twinlens.ingest import arrivals as arrivals_module
from twinlens.ingest.arrivals import ArrivalParts, Arrivals
from twinlens.model.events import EventName
from twinlens.model.files import FileStatus
from twinlens.store import files, originals, work_items
from twinlens.watch.hints import Hint, HintKind, LostReason


class Watch:
    """Arrivals under a clock that is moved by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = 100.0
        self.scans: list[tuple[int, str]] = []
        self.lost: list[Hint] = []
        self.activity = 0
        self.wake = threading.Event()
        self.arrivals = Arrivals(
            ArrivalParts(
                database=world.store.database,
                places=world.places,
                queue=world.queue,
                ask_scan=lambda root_id, why: self.scans.append((root_id, why)),
                on_lost=lambda place, hint: self.lost.append(hint),
                on_activity=self._on_activity,
                settle_seconds=lambda root: 5.0,
                monotonic=lambda: self.now,
                is_stopped=lambda: False,
            ),
            self.wake,
        )

    def _on_activity(self) -> None:
        self.activity += 1

    def hint(
        self, kind: HintKind, name: str, destination: str | None = None, *, is_closed: bool = False
    ) -> None:
        self.arrivals.hint(
            Hint(
                kind,
                os.fsencode(self.world.photos),
                os.fsencode(self.world.path(name)),
                None if destination is None else os.fsencode(self.world.path(destination)),
                is_closed=is_closed,
            )
        )

    def after(self, seconds: float) -> set[str]:
        """Let time pass in one step; the paths that are in the queue then."""
        self.now += seconds
        self.arrivals.step()
        return self.queued()

    def queued(self) -> set[str]:
        def work() -> set[str]:
            work_items.release_leases()
            leased = work_items.lease(1e12, 60.0, 1000)
            work_items.release_leases()
            return {os.fsdecode(item.path) for item, _ in leased}

        return self.world.store.write(work)


@pytest.fixture
def watch(world: World) -> Watch:
    return Watch(world)


def test_a_file_is_taken_when_it_has_held_still(watch: Watch) -> None:
    watch.world.put("a.jpg", jpeg(1))
    watch.hint(HintKind.PATH, "a.jpg")

    assert watch.after(0.0) == set()
    assert watch.arrivals.waiting() == 1
    assert watch.after(4.9) == set()
    assert watch.after(0.1) == {"a.jpg"}
    assert watch.arrivals.waiting() == 0


def test_a_file_whose_hint_had_to_wait_need_not_hold_still_for_longer(watch: Watch) -> None:
    watch.world.put("a.jpg", jpeg(1))
    watch.hint(HintKind.PATH, "a.jpg", is_closed=True)

    assert watch.after(4.0) == set()
    assert watch.after(1.0) == {"a.jpg"}


def test_a_file_still_growing_is_not_taken_up(watch: Watch) -> None:
    path = watch.world.put("a.jpg", b"x")
    watch.hint(HintKind.PATH, "a.jpg", is_closed=True)

    for _ in range(5):
        assert watch.after(5.0) == set()
        path.write_bytes(path.read_bytes() + b"x")
    assert watch.after(5.0) == set()
    assert watch.after(5.0) == {"a.jpg"}


def test_a_flood_of_hints_on_one_file_is_one_look(watch: Watch) -> None:
    watch.world.put("a.jpg", jpeg(1))
    for _ in range(500):
        watch.hint(HintKind.PATH, "a.jpg")

    watch.after(0.0)
    assert watch.after(5.0) == {"a.jpg"}
    assert watch.world.queue.counts()["pending"] == 1


def test_a_step_says_when_there_is_more_to_do(watch: Watch) -> None:
    assert watch.arrivals.step() == 30.0
    watch.world.put("a.jpg", jpeg(1))
    watch.hint(HintKind.PATH, "a.jpg")

    assert watch.wake.is_set()
    assert watch.arrivals.step() == 5.0


def test_a_deleted_file_is_looked_at_at_once_and_no_longer_waited_for(watch: Watch) -> None:
    watch.hint(HintKind.PATH, "a.jpg")
    watch.hint(HintKind.GONE, "a.jpg")

    assert watch.after(0.0) == {"a.jpg"}
    assert watch.arrivals.waiting() == 0


def test_a_file_that_vanishes_while_it_settles_is_looked_at(watch: Watch) -> None:
    path = watch.world.put("a.jpg", jpeg(1))
    watch.hint(HintKind.PATH, "a.jpg")
    watch.after(0.0)

    path.unlink()

    assert watch.after(5.0) == {"a.jpg"}


def test_a_known_file_under_a_new_name_is_not_waited_for(watch: Watch) -> None:
    path = watch.world.put("a.jpg", jpeg(1))
    watch.world.scan()
    path.rename(watch.world.path("b.jpg"))
    watch.hint(HintKind.MOVED, "a.jpg", "b.jpg")

    assert watch.after(0.0) == {"a.jpg", "b.jpg"}


def test_a_finished_transfer_is_waited_for_under_its_final_name(watch: Watch) -> None:
    path = watch.world.put("a.jpg.part", jpeg(1))
    watch.hint(HintKind.PATH, "a.jpg.part")
    watch.after(0.0)
    path.rename(watch.world.path("a.jpg"))
    watch.hint(HintKind.MOVED, "a.jpg.part", "a.jpg")

    assert watch.after(0.0) == set()
    assert watch.after(5.0) == {"a.jpg"}


def test_a_new_folder_is_walked_at_once_and_once_more(watch: Watch) -> None:
    watch.world.put("new/deep/a.jpg", jpeg(1))
    watch.hint(HintKind.FOLDER, "new")
    watch.after(0.0)
    watch.world.put("new/b.jpg", jpeg(2))

    found = watch.after(5.0) | watch.after(5.0) | watch.after(5.0)

    assert found == {"new/deep/a.jpg", "new/b.jpg"}


def test_known_files_of_a_walked_folder_are_not_looked_at_again(watch: Watch) -> None:
    watch.world.put("new/a.jpg", jpeg(1))
    watch.world.scan()
    watch.hint(HintKind.FOLDER, "new")

    assert watch.after(0.0) | watch.after(5.0) | watch.after(5.0) == set()


def test_a_deleted_folder_means_a_look_at_all_that_was_known_below(watch: Watch) -> None:
    for name in ("old/a.jpg", "old/deep/b.jpg", "older/c.jpg"):
        watch.world.put(name, jpeg(len(name)))
    watch.world.scan()
    watch.hint(HintKind.FOLDER_GONE, "old")

    assert watch.after(0.0) == {"old/a.jpg", "old/deep/b.jpg"}


def test_a_renamed_folder_means_a_look_at_old_and_new_names(watch: Watch) -> None:
    watch.world.put("old/a.jpg", jpeg(1))
    watch.world.scan()
    watch.world.path("old").rename(watch.world.path("new"))
    watch.world.put("new/fresh.jpg", jpeg(2))
    watch.hint(HintKind.FOLDER_MOVED, "old", "new")

    assert watch.after(0.0) == {"old/a.jpg", "new/a.jpg"}
    assert "new/fresh.jpg" in watch.after(5.0) | watch.after(5.0)


def test_lost_events_are_passed_on(watch: Watch) -> None:
    root = os.fsencode(watch.world.photos)
    hint = Hint(HintKind.LOST, root, root, lost=LostReason.OVERFLOW)

    watch.arrivals.hint(hint)
    watch.after(0.0)

    assert watch.lost == [hint]
    assert watch.activity == 0


def test_the_new_names_of_what_was_renamed_are_looked_at_before_the_old_ones(watch: Watch) -> None:
    world = watch.world
    for number in range(12):
        world.put(f"2019/{number}.jpg", jpeg(number))
    world.put("a.jpg", jpeg(77))
    world.scan()
    world.path("2019").rename(world.path("summer"))
    world.path("a.jpg").rename(world.path("z.jpg"))
    watch.hint(HintKind.FOLDER_MOVED, "2019", "summer")
    watch.hint(HintKind.MOVED, "a.jpg", "z.jpg")
    watch.after(0.0)
    world.events.clear()

    world.drain()

    told = {event.name for event in world.events}
    assert told == {EventName.FILE_MOVED}, "something was called gone that is there"


def test_hints_of_a_folder_that_is_not_watched_are_dropped(watch: Watch, tmp_path: Path) -> None:
    watch.arrivals.hint(Hint(HintKind.PATH, b"/nowhere", b"/nowhere/a.jpg"))

    assert watch.after(0.0) == set()
    assert watch.arrivals.waiting() == 0


def test_a_flood_beyond_all_measure_becomes_a_scan(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals_module, "MOST_HINTS", 10)
    for number in range(20):
        watch.hint(HintKind.GONE, f"{number}.jpg")

    assert len(watch.after(0.0)) == 10
    assert watch.scans == [(watch.world.root_id, "too many events to follow")]


def known_bitmap(world: World, name: str = "a.bmp") -> Path:
    path = world.put(name, b"BM" + b"1" * 5000)
    world.scan()
    return path


def rewrite(path: Path) -> bytes:
    """Write in place, give back the old times; the new content."""
    old = path.stat()
    with path.open("r+b") as file:
        file.write(b"BM" + b"3" * 20)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    return path.read_bytes()


def settle(watch: Watch) -> None:
    """Let everything that was hinted at be looked at."""
    for _ in range(4):
        watch.now += 5.0
        watch.arrivals.step()
        watch.world.drain()


def digest_at(world: World, name: str) -> str | None:
    with world.store.database.reading():
        found = files.find(world.root_id, os.fsencode(name))
        if found is None or found.original_id is None or found.status is FileStatus.GONE:
            return None
        return originals.get(found.original_id).sha256


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_was_written_and_then_renamed_is_read(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    content = rewrite(path)
    watch.hint(HintKind.PATH, "a.bmp", is_closed=True)
    path.rename(watch.world.path("b.bmp"))
    watch.hint(HintKind.MOVED, "a.bmp", "b.bmp")

    settle(watch)

    assert digest_at(watch.world, "b.bmp") == sha256(content)
    assert digest_at(watch.world, "a.bmp") is None


def test_a_file_that_was_written_between_two_renames_is_read(watch: Watch) -> None:
    path = known_bitmap(watch.world).rename(watch.world.path("b.bmp"))
    watch.hint(HintKind.MOVED, "a.bmp", "b.bmp")
    content = rewrite(path)
    watch.hint(HintKind.PATH, "b.bmp", is_closed=True)
    path.rename(watch.world.path("c.bmp"))
    watch.hint(HintKind.MOVED, "b.bmp", "c.bmp")

    settle(watch)

    assert digest_at(watch.world, "c.bmp") == sha256(content)


def test_a_file_that_was_written_in_a_folder_that_is_then_renamed_is_read(watch: Watch) -> None:
    path = known_bitmap(watch.world, "old/a.bmp")
    content = rewrite(path)
    watch.hint(HintKind.PATH, "old/a.bmp", is_closed=True)
    watch.world.path("old").rename(watch.world.path("new"))
    watch.hint(HintKind.FOLDER_MOVED, "old", "new")

    settle(watch)

    assert digest_at(watch.world, "new/a.bmp") == sha256(content)


def test_a_file_that_was_written_and_then_moved_where_nobody_watches_is_read(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    content = rewrite(path)
    watch.hint(HintKind.PATH, "a.bmp", is_closed=True)
    watch.world.path("new").mkdir()
    path.rename(watch.world.path("new/a.bmp"))
    watch.hint(HintKind.GONE, "a.bmp")
    watch.after(0.0)
    watch.world.drain()

    watch.hint(HintKind.FOLDER, "new")
    settle(watch)

    assert digest_at(watch.world, "new/a.bmp") == sha256(content)


def test_a_file_that_comes_from_out_of_sight_is_read(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    outside = path.rename(watch.world.photos.with_name("outside.bmp"))
    watch.hint(HintKind.GONE, "a.bmp")
    settle(watch)
    content = rewrite(outside)
    outside.rename(watch.world.path("b.bmp"))
    watch.hint(HintKind.PATH, "b.bmp", is_closed=True)

    settle(watch)

    assert digest_at(watch.world, "b.bmp") == sha256(content)


def test_a_scan_believes_no_rename_of_what_was_written_and_not_read(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    content = rewrite(path)
    watch.hint(HintKind.PATH, "a.bmp", is_closed=True)
    path.rename(watch.world.path("b.bmp"))

    watch.world.scan()

    assert digest_at(watch.world, "b.bmp") == sha256(content)


def test_a_write_that_is_heard_of_after_a_scan_found_the_rename_is_read(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    content = rewrite(path)
    path.rename(watch.world.path("b.bmp"))
    watch.world.scan()
    watch.hint(HintKind.PATH, "a.bmp", is_closed=True)
    watch.hint(HintKind.MOVED, "a.bmp", "b.bmp")

    settle(watch)

    assert digest_at(watch.world, "b.bmp") == sha256(content)


def test_a_renamed_file_that_was_read_is_not_given_back_what_a_scan_believed(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    content = rewrite(path)
    path.rename(watch.world.path("b.bmp"))

    def hear_of_the_write() -> None:
        watch.world.meanwhile = lambda: None
        watch.hint(HintKind.PATH, "a.bmp", is_closed=True)
        settle(watch)
        assert digest_at(watch.world, "b.bmp") == sha256(content)

    watch.world.meanwhile = hear_of_the_write
    watch.world.scan()

    assert digest_at(watch.world, "b.bmp") == sha256(content)


def test_a_file_written_and_read_while_a_scan_still_holds_its_rename_keeps_what_was_read(
    watch: Watch,
) -> None:
    path = known_bitmap(watch.world).rename(watch.world.path("b.bmp"))
    contents = []

    def write_at_the_new_path() -> None:
        watch.world.meanwhile = lambda: None
        contents.append(rewrite(path))
        watch.hint(HintKind.PATH, "b.bmp", is_closed=True)
        settle(watch)

    watch.world.meanwhile = write_at_the_new_path
    watch.world.scan()

    assert [digest_at(watch.world, "b.bmp")] == [sha256(content) for content in contents]


def test_of_two_contents_that_a_file_had_a_rename_keeps_the_later(watch: Watch) -> None:
    path = known_bitmap(watch.world)
    content = rewrite(path)
    watch.hint(HintKind.PATH, "a.bmp", is_closed=True)
    path = path.rename(watch.world.path("b.bmp"))
    watch.hint(HintKind.MOVED, "a.bmp", "b.bmp")
    settle(watch)

    path.rename(watch.world.path("c.bmp"))
    watch.hint(HintKind.MOVED, "b.bmp", "c.bmp")
    settle(watch)

    assert digest_at(watch.world, "c.bmp") == sha256(content)


def test_what_was_read_is_not_kept_in_mind(watch: Watch) -> None:
    for number in range(3):
        watch.world.put(f"{number}.tmp", jpeg(number))
        watch.hint(HintKind.PATH, f"{number}.tmp", is_closed=True)
        watch.world.path(f"{number}.tmp").rename(watch.world.path(f"{number}.jpg"))
        watch.hint(HintKind.MOVED, f"{number}.tmp", f"{number}.jpg")
    watch.hint(HintKind.PATH, "never.jpg", is_closed=True)

    settle(watch)

    names = [f"{number}.{kind}" for number in range(3) for kind in ("tmp", "jpg")]
    paths = [os.fsencode(watch.world.path(name)) for name in (*names, "never.jpg")]
    assert [watch.world.places.writes.mark(path) for path in paths] == [None] * 7
    assert all(digest_at(watch.world, f"{number}.jpg") for number in range(3))
