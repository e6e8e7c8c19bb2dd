"""The database in trouble: its disk full, its file taken away, torn, or held by somebody else."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.mounts import Mounts
from support.pictures import picture, put_picture

SOMETIME = 30.0


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    with Mounts() as private:
        yield private


@pytest.mark.slow
def test_a_full_disk_pauses_the_daemon_and_room_lets_it_go_on(house: House, mounts: Mounts) -> None:
    state = house.database.parent
    state.mkdir()
    mounts.tmpfs(state, "3m")
    inside = mounts.inside(state)
    with Daemon(house, prefix=mounts.prefix) as daemon:
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: listed(house, mounts) == 1, SOMETIME)
        ballast = fill(inside / "ballast")

        for number in range(40):
            put_picture(house.root / f"{number}.jpg", number)

        daemon.wait_for("STATUS=waiting: database or disk is full", SOMETIME)
        assert daemon.is_running
        ballast.unlink()
        # The pauses between its tries grow up to half a minute.
        eventually(lambda: listed(house, mounts) == 41, 40.0)
        daemon.told.clear()
        daemon.wait_for("STATUS=watching", SOMETIME)
        assert daemon.stop() < SOMETIME


@pytest.mark.slow
def test_a_full_disk_does_not_delay_the_end(house: House, mounts: Mounts) -> None:
    state = house.database.parent
    state.mkdir()
    mounts.tmpfs(state, "3m")
    with Daemon(house, prefix=mounts.prefix) as daemon:
        eventually(lambda: listed(house, mounts) == 0, SOMETIME)
        fill(mounts.inside(state) / "ballast")
        for number in range(40):
            put_picture(house.root / f"{number}.jpg", number)
        daemon.wait_for("STATUS=waiting", SOMETIME)

        assert daemon.stop() < SOMETIME


def fill(ballast: Path) -> Path:
    """Write until nothing fits any more."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 512):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


def listed(house: House, mounts: Mounts) -> int:
    return len(house.cli("files", "--json", prefix=mounts.prefix).stdout.splitlines())


def test_a_scan_by_hand_on_a_full_disk_says_so(house: House, mounts: Mounts) -> None:
    house.database.parent.mkdir()
    mounts.tmpfs(house.database.parent, "1m")
    fill(mounts.inside(house.database.parent) / "ballast")
    put_picture(house.root / "one.jpg", 1)

    done = house.cli("scan", prefix=mounts.prefix)

    assert done.returncode == 3
    assert "full" in done.stderr
    assert "make room" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "is_replaced",
    [pytest.param(False, id="deleted"), pytest.param(True, id="replaced", marks=pytest.mark.slow)],
)
def test_a_database_taken_away_ends_the_daemon(house: House, is_replaced: bool) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)

        house.database.unlink()
        if is_replaced:
            house.database.write_bytes(b"")

        assert daemon.wait(SOMETIME + 5) == 3
        assert "was deleted or replaced while in use" in daemon.log
        assert "Traceback" not in daemon.log


def test_a_lock_file_taken_away_ends_the_daemon_for_it_keeps_nobody_out(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)

        Path(f"{house.database}.lock").unlink()

        assert daemon.wait(SOMETIME + 5) == 3
        assert "twinlens.db.lock: was deleted or replaced while in use" in daemon.log
        assert "Traceback" not in daemon.log
    with Daemon(house) as daemon:
        assert daemon.stop() < 10.0


@pytest.mark.slow
def test_after_a_database_was_deleted_a_new_start_finds_everything_again(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        for path in house.database.parent.glob("twinlens.db*"):
            if path.is_file():
                path.unlink()
        daemon.wait(SOMETIME + 5)

    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        daemon.stop()


@pytest.mark.parametrize(
    "content", [b"no database at all\n" * 100, b"SQLite format 3\0" + b"\7" * 9000]
)
@pytest.mark.parametrize("verb", ["run", "scan", "status", "files"])
def test_a_file_that_is_no_database_is_refused_with_advice_and_left_as_it_is(
    house: House, content: bytes, verb: str
) -> None:
    house.database.parent.mkdir()
    house.database.write_bytes(content)

    done = house.cli(verb)

    assert done.returncode == 3
    assert str(house.database) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr
    assert house.database.read_bytes() == content


def test_pages_torn_out_of_the_database_are_told_and_never_lead_to_a_false_answer(
    house: House,
) -> None:
    for number in range(60):
        put_picture(house.root / f"{number}.jpg", number)
    house.scan()
    with house.database.open("r+b") as file:
        for page in range(2, 60):
            file.seek(page * 4096)
            file.write(b"\xde\xad" * 2048)

    for verb in ("files", "status", "scan", "run"):
        done = house.cli(verb)
        assert done.returncode == 3, (verb, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_database_held_by_another_program_is_waited_for(house: House) -> None:
    put_picture(house.root / "one.jpg", 1)
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files() and house.is_quiet(), SOMETIME)
        other = sqlite3.connect(house.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        (house.root / "two.jpg").write_bytes(picture(2))
        daemon.wait_for("STATUS=waiting: database is locked", 20.0)
        other.execute("ROLLBACK")
        other.close()

        eventually(lambda: "two.jpg" in house.files(), 20.0)
        daemon.stop()


def test_a_database_below_a_root_or_behind_a_link_is_refused(house: House) -> None:
    house.configure(database={"path": str(house.root / "twinlens.db")})
    assert house.cli("scan").returncode == 2

    real = house.folder / "real.db"
    link = house.folder / "link.db"
    house.configure(database={"path": str(real)})
    house.scan()
    link.symlink_to(real)
    house.configure(database={"path": str(link)})
    refused = house.cli("scan")
    assert refused.returncode == 3
    assert "not a plain file" in refused.stderr
