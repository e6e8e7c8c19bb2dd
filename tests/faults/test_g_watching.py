"""Section G: the kernel's events lost, refused or drowned, folders that move, and the queue."""

import itertools
import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.injecting import with_few
from support.pictures import picture, put_picture
from support.snapshot import leftovers
from support.world import World, jpeg
from twinlens.ingest import arrivals as arrivals_module
from twinlens.ingest.arrivals import ArrivalParts, Arrivals
from twinlens.store import files as files_store
from twinlens.store import originals, work_items
from twinlens.watch.hints import Hint, HintKind

SOMETIME = 25.0
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def is_known(house: House, count: int) -> bool:
    return len(house.files()) == count and house.is_quiet()


def scanned(house: House) -> None:
    """The first scan is over, and the root is watched."""
    eventually(lambda: house.root_state()["last_scan_at"] and house.is_quiet(), SOMETIME)


def test_g1_an_overflow_of_events_is_counted_and_ends_in_a_scan(house: House) -> None:
    most = int(QUEUE.read_text(encoding="ascii"))
    if most > 50_000:
        pytest.skip(f"{most} events fit the queue here")
    with Daemon(house) as daemon:
        scanned(house)
        daemon.signal(signal.SIGSTOP)
        for number in range(most // 2):
            name = house.root / f"{number}.tmp"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            name.unlink()
        for number in range(10):
            put_picture(house.root / "last" / f"{number}.jpg", number)
        daemon.signal(signal.SIGCONT)

        eventually(lambda: is_known(house, 10), 2 * SOMETIME)
        eventually(lambda: house.root_state()["overflows"] >= 1, SOMETIME)
        assert daemon.log.count("events_lost") >= 1
        put_picture(house.root / "last" / "later.jpg", 99)
        eventually(lambda: is_known(house, 11), SOMETIME, "it hears again")
        daemon.stop()


def test_g2_at_the_limit_of_watches_scans_find_the_rest(house: House) -> None:
    for number in range(10):
        put_picture(house.root / str(number) / "one.jpg", number)
    house.configure(watch={"settle_seconds": 0.3, "scan_interval_minutes": 0.1})
    with Daemon(house, prefix=with_few("watches", 4)) as daemon:
        eventually(lambda: is_known(house, 10), SOMETIME)
        words = house.root_state()["watch_detail"]
        for number in range(10):
            put_picture(house.root / str(number) / "two.jpg", 100 + number)
        # By itself: nobody asks for a scan.
        eventually(lambda: is_known(house, 20), 2 * SOMETIME)
        daemon.stop()
    assert "are not watched" in words
    assert "max_user_watches" in words or "max_inotify_watches" in words


def test_g3_without_room_for_a_watcher_the_root_is_polled(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    house.configure(watch={"settle_seconds": 0.3, "poll_interval_minutes": 0.05})
    with Daemon(house, prefix=with_few("instances", 0)) as daemon:
        eventually(lambda: is_known(house, 1), SOMETIME)
        state = house.root_state()
        put_picture(house.root / "two.jpg", 2)
        eventually(lambda: is_known(house, 2), SOMETIME)
        daemon.stop()
    assert state["watch"] == "polling"
    assert "instances" in state["watch_detail"]


def test_g4_every_picture_of_folders_made_in_a_hurry_is_found(house: House) -> None:
    wanted = set()
    with Daemon(house) as daemon:
        scanned(house)
        for number in range(12):
            deep = Path(str(number), *"abcdef")
            # One call for all the folders, as `mkdir -p` and archives do; no pause anywhere.
            os.makedirs(house.root / deep)
            for place in (deep, *list(deep.parents)[:-1]):
                path = house.root / place / "a.jpg"
                path.write_bytes(picture(len(wanted)))
                wanted.add(str(path.relative_to(house.root)))
        eventually(lambda: set(house.files()) == wanted, 2 * SOMETIME)
        assert "scan of 0 files" in daemon.log
        assert daemon.log.count("pass_finished") == 1, "a scan found them, and not the events"
        daemon.stop()


def test_g5_a_folder_that_is_renamed_and_moved_out_and_in_is_not_read_again(house: House) -> None:
    outside = house.folder / "outside"
    for number in range(6):
        put_picture(house.root / "2019" / "sea" / f"{number}.jpg", number)
    with Daemon(house) as daemon:
        eventually(lambda: is_known(house, 6), SOMETIME)
        (house.root / "2019").rename(house.root / "summer")
        eventually(lambda: all(p.startswith("summer/") for p in house.files()), SOMETIME)
        eventually(lambda: is_known(house, 6), SOMETIME)
        log = daemon.log
        assert "file_gone" not in log
        assert log.count("file_moved") == 6

        (house.root / "summer").rename(outside)
        eventually(lambda: is_known(house, 0), SOMETIME)
        outside.rename(house.root / "back")
        eventually(lambda: is_known(house, 6), SOMETIME)
        put_picture(house.root / "back" / "sea" / "new.jpg", 99)
        eventually(lambda: is_known(house, 7), SOMETIME, "the folder that came back is watched")
        assert daemon.log.count("file_arrived") == 7, "they were taken for new ones"
        daemon.stop()
    again = house.scan()
    assert (again["unchanged"], again["bytes_read"]) == (7, 0)


def arrivals_of(world: World, scans: list[str]) -> Arrivals:
    """Hints to a world, under a clock that the caller of `step` does not see."""
    clock = itertools.count(0, 10)
    return Arrivals(
        ArrivalParts(
            database=world.store.database,
            places=world.places,
            queue=world.queue,
            ask_scan=lambda root_id, why: scans.append(why),
            on_lost=lambda place, hint: None,
            on_activity=lambda: None,
            settle_seconds=lambda root: 5.0,
            monotonic=lambda: float(next(clock)),
            is_stopped=lambda: False,
        ),
        threading.Event(),
    )


def test_g6_a_million_hints_on_one_file_are_one_look(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    scans: list[str] = []
    arrivals = arrivals_of(world, scans)
    hint = Hint(HintKind.PATH, os.fsencode(world.photos), os.fsencode(path), is_closed=True)
    for _ in range(25):
        for _ in range(arrivals_module.MOST_HINTS - 10_000):
            arrivals.hint(hint)
        arrivals.step()
    for _ in range(3):
        arrivals.step()

    assert arrivals.waiting() == 0
    assert world.queue.counts()["pending"] <= 1
    assert scans == [], "no event was lost, so nothing has to be scanned"
    world.drain()
    assert [event.name.value for event in world.events].count("file_arrived") == 1


def test_g6_more_hints_than_can_wait_become_one_scan(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    scans: list[str] = []
    arrivals = arrivals_of(world, scans)
    hint = Hint(HintKind.PATH, os.fsencode(world.photos), os.fsencode(path))
    for _ in range(arrivals_module.MOST_HINTS + 100_000):
        arrivals.hint(hint)
    arrivals.step()

    assert scans == ["too many events to follow"]


def test_g6_a_file_written_to_without_a_pause_is_looked_at_when_it_rests(house: House) -> None:
    with Daemon(house) as daemon:
        scanned(house)
        data = picture(1, (640, 480))
        with (house.root / "busy.jpg").open("wb", buffering=0) as file:
            for place in range(0, len(data), 4):
                file.write(data[place : place + 4])
        eventually(lambda: is_known(house, 1), SOMETIME)
        log = daemon.log
        daemon.stop()
    assert house.files()["busy.jpg"]["status"] == "ok"
    assert log.count("file_arrived") == 1
    # A machine that has much to do may pause it for longer than the settle time.
    assert log.count("file_changed") <= 2


def test_g7_a_root_deleted_and_made_again_is_not_believed_to_be_empty(house: House) -> None:
    for number in range(5):
        put_picture(house.root / f"{number}.jpg", number)
    away = house.folder / "away"
    with Daemon(house) as daemon:
        eventually(lambda: is_known(house, 5), SOMETIME)
        house.root.rename(away)
        eventually(lambda: house.root_state()["state"] != "online", SOMETIME)
        house.root.mkdir()
        eventually(
            lambda: house.root_state()["state"] in ("changed", "suspect") and house.is_quiet(),
            SOMETIME,
        )
        assert len(house.files()) == 5, "an empty folder in its place was believed"
        assert house.ask("cleanup")["frozen_by"]

        house.root.rmdir()
        away.rename(house.root)
        eventually(lambda: house.root_state()["state"] == "online", 2 * SOMETIME)
        put_picture(house.root / "new.jpg", 99)
        eventually(lambda: is_known(house, 6), SOMETIME, "it is watched again")
        daemon.stop()
    assert "root_unreachable" in daemon.log


def test_g8_any_number_of_requests_for_one_path_are_one_row(world: World) -> None:
    names = [b"same.jpg"] * 5000
    for _ in range(20):
        world.store.write(
            lambda: work_items.put(world.root_id, names, reason="event", not_before=0.0, at="now")
        )
    with sqlite3.connect(world.store.path) as connection:
        assert connection.execute("SELECT count(*) FROM work_item").fetchone() == (1,)
        with pytest.raises(sqlite3.IntegrityError):
            insert_again(connection)
    connection.close()


def insert_again(connection: sqlite3.Connection) -> None:
    """The same row once more, under another id, as a program without care would."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(work_item)")]
    names = ", ".join(name for name in columns if name != "id")
    connection.execute(f"INSERT INTO work_item ({names}) SELECT {names} FROM work_item")


def test_g9_a_path_taken_from_the_queue_by_a_life_that_ended_is_recorded_once(
    world: World,
) -> None:
    world.put("a.jpg", jpeg(1))
    world.hint("a.jpg")
    world.workers.is_held = True
    world.intake.step()
    assert world.workers.waiting, "it is under way"
    assert world.queue.counts()["running"] == 1, "it is leased, not removed"

    # The process ends here: what it held in memory is lost, what it had written is not.
    world.restart()
    world.drain()

    with world.store.database.reading():
        record = files_store.find(world.root_id, b"a.jpg")
        assert record is not None
        assert record.original_id is not None
        assert originals.counts() == {record.original_id: 1}
    assert leftovers(world.store.path) == {}
    assert [event.name.value for event in world.events].count("file_arrived") == 1


def test_g9_a_daemon_killed_while_it_records_loses_no_path(house: House) -> None:
    for number in range(40):
        put_picture(house.root / f"{number}.jpg", number)
    for _ in range(2):
        with Daemon(house) as daemon:
            eventually(lambda: house.status()["files"] > 0, SOMETIME)
            daemon.kill()
    with Daemon(house) as daemon:
        eventually(lambda: is_known(house, 40), 2 * SOMETIME)
        daemon.stop()
    assert leftovers(house.database) == {}
    with sqlite3.connect(f"file:{house.database}?mode=ro", uri=True) as connection:
        counts = connection.execute("SELECT DISTINCT reference_count FROM original").fetchall()
    connection.close()
    assert counts == [(1,)]


def test_g10_a_picture_moved_out_of_the_roots_is_gone_and_one_that_is_hidden_is_not(
    house: House,
) -> None:
    for name in ("stays.jpg", "leaves.jpg"):
        put_picture(house.root / name, len(name))
    outside = house.folder / "leaves.jpg"
    with Daemon(house) as daemon:
        eventually(lambda: is_known(house, 2), SOMETIME)
        (house.root / "leaves.jpg").rename(outside)
        eventually(lambda: set(house.files()) == {"stays.jpg"}, SOMETIME)
        eventually(lambda: daemon.log.count("file_gone") == 1, SOMETIME)

        # A second look decides: an event alone, of a file that is there, changes nothing.
        (house.root / "stays.jpg").rename(house.root / "for a moment.jpg")
        (house.root / "for a moment.jpg").rename(house.root / "stays.jpg")
        outside.rename(house.root / "leaves.jpg")
        eventually(lambda: is_known(house, 2), SOMETIME)
        log = daemon.log
        daemon.stop()
    assert log.count("file_gone") == 1
    assert set(house.files()) == {"stays.jpg", "leaves.jpg"}
    assert house.scan()["bytes_read"] == 0
