"""Starting, stopping, reloading; one daemon to a database; requests from beside it."""

import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually, processes_below
from support.pictures import picture, put_picture
from support.snapshot import leftovers, snapshot
from twinlens.commands.jobs import list_jobs
from twinlens.store.database import Database

MOST_SECONDS = 10.0
SOMETIME = 30.0
MANY = 3_000
"""Pictures enough for some seconds of scanning, whatever the machine."""


@pytest.fixture
def deaf_receiver() -> Iterator[str]:
    """The address of a receiver that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5.0)
        for connection in held:
            connection.close()


def exiftool_stand_in(house: House, body: str) -> str:
    """A script in exiftool's place. `body` is shell, run when it is started."""
    script = house.folder / "exiftool"
    script.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def is_gone(pids: list[int]) -> bool:
    return not any(Path("/proc", str(pid)).exists() for pid in pids)


def test_ready_is_told_when_the_first_scan_is_queued_and_stopping_at_the_end(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)

    with Daemon(house) as daemon:
        assert daemon.told[0].startswith("EXTEND_TIMEOUT_USEC="), "an upgrade may take minutes"
        assert daemon.told.index("READY=1") > 0
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        daemon.wait_for("STATUS=watching", SOMETIME)
        pids = processes_below(daemon.pid)
        took = daemon.stop()

    assert took < MOST_SECONDS
    assert "STOPPING=1" in daemon.told
    eventually(lambda: is_gone(pids), 2.0, "a process was left behind")
    assert "Traceback" not in daemon.log


def test_the_end_during_a_first_scan_comes_quickly_and_the_scan_goes_on_later(house: House) -> None:
    for number in range(MANY):
        put_picture(house.root / f"day {number % 9}" / f"{number}.jpg", number)
    with Daemon(house) as daemon:
        eventually(lambda: house.status()["files"] > 0, SOMETIME)
        pids = processes_below(daemon.pid)
        took = daemon.stop()
    known = house.status()["files"]

    assert took < MOST_SECONDS
    eventually(lambda: is_gone(pids), 2.0, "a process was left behind")
    assert 0 < known < MANY
    with Daemon(house) as daemon:
        eventually(lambda: house.status()["files"] == MANY and house.is_quiet(), 60.0)
        daemon.stop()
    assert leftovers(house.database) == {}
    first = snapshot(house.database)
    house.configure(database={"path": str(house.folder / "fresh.db")})
    house.scan()
    assert snapshot(house.folder / "fresh.db") == first


@pytest.mark.slow
def test_a_receiver_that_never_answers_does_not_delay_the_end(
    house: House, deaf_receiver: str
) -> None:
    house.configure(
        webhook={
            "url": deaf_receiver,
            "events": ["file_arrived", "daemon_stopping"],
            "batch_seconds": 0,
            "timeout_seconds": 60,
        }
    )
    with Daemon(house) as daemon:
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: house.status()["webhooks"]["waiting"], SOMETIME)

        assert daemon.stop() < MOST_SECONDS

    assert house.status()["webhooks"]["waiting"] >= 1, "what was not delivered is kept"


def test_a_hung_worker_does_not_delay_the_end(house: House, photos: Path) -> None:
    tool = exiftool_stand_in(house, 'case "$*" in *-ver*) echo 12.57;; *) exec sleep 1000;; esac')
    house.configure(exiftool={"path": tool})
    with Daemon(house) as daemon:
        shutil.copyfile(photos / "raw" / "DSC_0101.DNG", house.root / "one.dng")
        eventually(lambda: house.status()["queue"]["running"] == 1, SOMETIME)
        eventually(lambda: "sleep" in commands(daemon.pid), SOMETIME, "the tool hangs")
        pids = processes_below(daemon.pid)

        assert daemon.stop() < MOST_SECONDS

    eventually(lambda: is_gone(pids), 3.0, "a process was left behind")
    assert house.status()["queue"] == {"pending": 0, "running": 1, "failed": 0}
    house.configure()
    with Daemon(house) as daemon:
        eventually(lambda: "one.dng" in house.files() and house.is_quiet(), SOMETIME)
        daemon.stop()
    assert house.files()["one.dng"]["error"] is None


def commands(pid: int) -> str:
    """The names of all processes of the daemon."""
    names = []
    for below in processes_below(pid):
        try:
            names.append(Path("/proc", str(below), "comm").read_text(encoding="ascii"))
        except OSError:
            continue
    return "".join(names)


def test_nothing_lives_on_when_the_daemon_is_killed(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        pids = processes_below(daemon.pid)
        assert len(pids) > 2

        daemon.kill()

        eventually(lambda: is_gone(pids), 5.0, "workers outlive the daemon")


def test_a_good_new_config_is_taken_over(house: House) -> None:
    other = house.folder / "other"
    put_picture(house.root / "one.jpg", 1)
    put_picture(other / "two.jpg", 2)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)

        house.configure(roots=[house.root, other], watch={"settle_seconds": 0.9})
        daemon.signal(signal.SIGHUP)

        eventually(lambda: "../other/two.jpg" in house.files(), SOMETIME)
        put_picture(other / "three.jpg", 3)
        took = eventually(lambda: "../other/three.jpg" in house.files(), SOMETIME)
        told = [line for line in daemon.told if line.split("=")[0] in ("RELOADING", "READY")]
        daemon.stop()
    assert took > 0.8, "the new settle time is not used"
    assert told == ["READY=1", "RELOADING=1", "READY=1"]


def test_a_root_that_is_named_no_more_is_not_called_deleted(house: House) -> None:
    other = house.folder / "other"
    put_picture(house.root / "one.jpg", 1)
    put_picture(other / "two.jpg", 2)
    house.configure(roots=[house.root, other])
    with Daemon(house) as daemon:
        eventually(lambda: len(house.files()) == 2 and house.is_quiet(), SOMETIME)

        house.configure()
        daemon.signal(signal.SIGHUP)
        eventually(lambda: len(house.status()["roots"]) == 1, SOMETIME)
        assert house.status()["orphans"] == 0

        house.configure(roots=[house.root, other])
        daemon.signal(signal.SIGHUP)
        eventually(lambda: len(house.status()["roots"]) == 2 and house.is_quiet(), SOMETIME)
        daemon.stop()
    assert set(house.files()) == {"one.jpg", "../other/two.jpg"}
    assert house.scan()["bytes_read"] == 0


def test_a_broken_new_config_changes_nothing_and_is_told(house: House) -> None:
    with Daemon(house) as daemon:
        house.config.write_text('[[catalog]]\nname = "x"\nroots = ["relative"]\n', encoding="utf-8")

        daemon.signal(signal.SIGHUP)

        eventually(lambda: "the new config is not used" in daemon.log, SOMETIME)
        assert daemon.told.count("READY=1") == 2, "a reload ends with READY, whatever came of it"
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        assert daemon.stop() < MOST_SECONDS


def test_many_reloads_leave_one_daemon_and_no_process_behind(house: House) -> None:
    with Daemon(house) as daemon:
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        before = footprint(daemon.pid)

        for count in range(2, 6):
            daemon.signal(signal.SIGHUP)
            eventually(lambda: daemon.told.count("READY=1") == count, SOMETIME)  # noqa: B023
        put_picture(house.root / "two.jpg", 2)
        eventually(lambda: "two.jpg" in house.files() and house.is_quiet(), SOMETIME)

        def is_as_before() -> bool:
            # A thread or a connection may be open for the moment; four reloads would leak four.
            return all(n <= b + 2 for n, b in zip(footprint(daemon.pid), before, strict=True))

        eventually(is_as_before, 3.0, "the footprint of one daemon")
        assert footprint(daemon.pid)[0] == before[0]
        assert daemon.stop() < MOST_SECONDS


def footprint(pid: int) -> tuple[int, int, int]:
    """What a daemon could leak: processes, threads, open files."""
    threads, files = (os.listdir(f"/proc/{pid}/{kind}") for kind in ("task", "fd"))
    return len(processes_below(pid)), len(threads), len(files)


def test_a_second_daemon_is_refused_and_told_who_is_there(house: House) -> None:
    with Daemon(house) as daemon:
        second = house.cli("run")

        assert second.returncode == 3
        assert f"process {daemon.pid}" in second.stderr
        assert daemon.is_running
        daemon.stop()


def test_a_scan_beside_the_daemon_is_done_by_the_daemon(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)

        asked = house.scan()
        log = daemon.log
        daemon.stop()

    by_hand = house.scan()
    numbers = ("files", "originals", "added", "unchanged", "failed", "bytes_read")
    assert list(asked) == list(by_hand)
    assert [asked[n] for n in numbers] == [by_hand[n] for n in numbers] == [1, 1, 0, 1, 0, 0]
    assert log.count("scan of 1 files") == 2


def test_what_a_scan_beside_the_daemon_finds_is_in_its_numbers(house: House) -> None:
    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["last_scan_at"], SOMETIME)
        os.kill(daemon.pid, signal.SIGSTOP)
        for number in range(5):
            old = put_picture(house.root / f"{number}.jpg", number)
            os.utime(old, (1e9, 1e9))
        os.kill(daemon.pid, signal.SIGCONT)

        result = house.scan()
        daemon.stop()

    assert result["files"] == 5


@pytest.mark.parametrize("verb", ["cleanup", "reconcile"])
def test_a_pass_beside_the_daemon_gives_the_same_answer_as_by_hand(house: House, verb: str) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        by_daemon = house.ask(verb)
        daemon.stop()

    assert house.ask(verb) == by_daemon


def test_a_pass_is_cancelled_and_taken_up_again_through_the_daemon(house: House) -> None:
    house.configure(workers={"processes": 1})
    for number in range(2500):
        put_picture(house.root / f"{number}.jpg", number)
    with Daemon(house) as daemon:
        eventually(lambda: house.status()["files"] > 0, SOMETIME)
        job = house.status()["jobs"][0]["id"]

        answer = house.ask("jobs", "cancel", str(job))

        assert answer == {"id": job, "cancel_requested": True}
        eventually(lambda: job_state(house, job) == "cancelled", SOMETIME)
        assert house.status()["files"] < 2500
        assert house.ask("jobs", "retry", str(job)) == {"id": job, "state": "pending"}
        eventually(lambda: job_state(house, job) == "success", 20.0)
        daemon.stop()
    assert house.status()["files"] == 2500


def job_state(house: House, job: int) -> str:
    rows = list_jobs(Database(house.database, read_only=True))
    return str(next(row["state"] for row in rows if row["id"] == job))


def test_a_request_that_cannot_be_meant_is_refused_through_the_daemon(house: House) -> None:
    with Daemon(house) as daemon:
        done = house.cli("jobs", "cancel", "4711")
        daemon.stop()

    assert done.returncode == 2
    assert "there is no open job 4711" in done.stderr


def test_requests_that_are_nonsense_do_the_daemon_no_harm(house: House) -> None:
    with Daemon(house) as daemon:
        spool = house.database.with_name(f"{house.database.name}.requests")
        spool.mkdir(exist_ok=True)
        (spool / "a.request").write_bytes(b"\xff\xfe")
        (spool / "b.request").write_text('{"verb": "cancel", "argument": {"job": null}}')
        (spool / "c.request").write_text('{"verb": "explode", "argument": {}}')
        (spool / "d.request").write_text('{"verb": "scan", "argument": {"paths": 5}}')
        eventually(lambda: not list(spool.glob("*.request")), SOMETIME)

        put_picture(house.root / "one.jpg", 1)

        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        assert daemon.stop() < MOST_SECONDS


def test_the_watchdog_is_fed(house: House) -> None:
    with Daemon(house, environ={"WATCHDOG_USEC": "1500000"}) as daemon:
        daemon.wait_for("WATCHDOG=1", 3.0)
        fed = daemon.told.count("WATCHDOG=1")
        eventually(lambda: daemon.told.count("WATCHDOG=1") >= fed + 2, 3.0)
        daemon.stop()


def test_pictures_that_arrive_while_no_daemon_runs_are_found_at_the_next_start(
    house: House,
) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        daemon.stop()
    put_picture(house.root / "two.jpg", 2)
    (house.root / "one.jpg").write_bytes(picture(3))

    with Daemon(house) as daemon:
        eventually(lambda: "two.jpg" in house.files() and house.is_quiet(), SOMETIME)
        daemon.stop()

    house.configure(database={"path": str(house.folder / "fresh.db")})
    house.scan()
    assert snapshot(house.folder / "fresh.db") == snapshot(house.database)


def test_the_debug_log_tells_of_files_and_not_of_sql(house: House) -> None:
    house.configure(log={"level": "debug"})
    with Daemon(house) as daemon:
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        daemon.stop()

    assert "one.jpg" in daemon.log
    assert "SELECT" not in daemon.log


def test_decoders_are_held_by_nobody_while_nobody_works(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    house.configure(workers={"idle_seconds": 1})
    with Daemon(house) as running:

        def holders() -> int:
            return sum("_imaging." in _libraries(pid) for pid in processes_below(running.pid))

        eventually(holders, SOMETIME, "a worker that decodes")
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        eventually(lambda: not holders(), SOMETIME, "the workers were given back")
        left = processes_below(running.pid)
        running.stop()

    assert len(left) > 1, "the server of the workers lives on"


def _libraries(pid: int) -> str:
    """The names of what is mapped into a process; empty where it has just ended."""
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""
