"""What an owner asks for by hand: it does not wait for quiet hours to end, nor for a long scan, or
says at once for what."""

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from support.daemon import PROGRAM, Daemon, House, eventually
from support.pictures import put_picture
from twinlens.commands.scan import request
from twinlens.errors import UsageError

SOMETIME = 30.0
NUMBER = 600


def put_pictures(house: House, number: int) -> None:
    """So many pictures that were there for long."""
    for n in range(number):
        put_picture(house.root / f"{n}.jpg", n + 1)
        os.utime(house.root / f"{n}.jpg", (1e9, 1e9))


@pytest.fixture
def waiting(house: House, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon in its quiet hours, whose first scan waits; a test may want another `number` of
    pictures, or the folder be polled."""
    wanted: dict[str, Any] = dict(getattr(request, "param", {}))
    number = wanted.pop("number", NUMBER)
    now = datetime.now()  # noqa: DTZ005 - the clock on the wall
    spans = [f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=2):%H:%M}"]
    house.configure(schedule={"quiet_hours": spans}, watch=wanted)
    put_pictures(house, number)
    with Daemon(house) as running:
        eventually(lambda: house.status()["passes_wait"], SOMETIME, "the scan waits")
        yield running
        running.stop()


def jobs(house: House) -> list[dict[str, Any]]:
    return sorted(house.status()["jobs"], key=lambda job: job["id"])


def test_one_file_is_read_again_in_quiet_hours_and_the_scan_still_waits(
    house: House, waiting: Daemon
) -> None:
    name = next(iter(house.files()))

    done = house.ask("verify", str(house.root / name))

    assert done["this"]["sound"] == 1
    assert len(house.files()) < NUMBER
    assert house.status()["passes_wait"].startswith("quiet hours until")


def test_status_says_how_much_a_scan_that_waits_has_left(house: House, waiting: Daemon) -> None:
    (scan,) = jobs(house)
    known = len(house.files())

    assert (scan["total"], scan["left"]) == (NUMBER, NUMBER - known)
    assert scan["waits_for"].startswith("quiet hours until")
    lines = house.cli("status").stdout.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("pass ")] == [
        f"scan (job {scan['id']}): {NUMBER - known} of {NUMBER} files that are new or changed "
        f"are still to be looked at; waits: {scan['waits_for']}"
    ]


@pytest.mark.parametrize(
    "waiting", [{"polling": "always", "poll_interval_minutes": 0.02}], indirect=True
)
def test_what_is_new_in_a_polled_folder_is_taken_in_while_a_scan_waits(
    house: House, waiting: Daemon
) -> None:
    known = set(house.files())
    put_picture(house.root / "new.jpg", 0)

    eventually(lambda: "new.jpg" in house.files(), SOMETIME, "what arrives is taken in")

    assert set(house.files()) == {"new.jpg", *known}


def test_all_files_are_read_again_in_quiet_hours_in_few_slices(
    house: House, waiting: Daemon
) -> None:
    known = len(house.files())

    done = house.ask("verify", "--all")

    assert done["this"]["sound"] == known
    listed = house.cli("jobs", "list", "--json").stdout
    assert listed.count('"name": "verify"') < 5


def test_groups_are_made_anew_in_quiet_hours(house: House, waiting: Daemon) -> None:
    asked = house.ask("jobs", "start", "detect_duplicates")
    assert asked["waits_for"] == ""

    eventually(lambda: asked["id"] not in [job["id"] for job in jobs(house)], SOMETIME, "it ends")

    assert [job["name"] for job in jobs(house)] == ["scan"]


@pytest.mark.parametrize("verb", ["fill", "verify", "gc"])
def test_a_pass_over_no_vault_is_refused_at_once_and_is_no_job(
    house: House, waiting: Daemon, verb: str
) -> None:
    refused = house.ask("vault", verb, codes=(1,))

    assert refused["trouble"] == "no vault is named in the config"
    with pytest.raises(UsageError, match="no vault is named in the config"):
        request(house.database, "vault_pass", {"pass": verb, "argument": {}})
    assert [job["name"] for job in jobs(house)] == ["scan"]


def test_a_scan_by_hand_says_what_it_finishes_first(house: House, waiting: Daemon) -> None:
    folder = house.root / "new"
    folder.mkdir()
    first = jobs(house)[0]["id"]

    done = house.cli("scan", str(folder))

    assert done.returncode == 0
    assert f"waiting: scan (job {first}) was asked for earlier and goes first" in done.stderr
    assert f"before it, scan (job {first}) was ended: {NUMBER} files" in done.stderr
    assert len(house.files()) == NUMBER


@pytest.mark.parametrize("waiting", [{"number": 4 * NUMBER}], indirect=True)
def test_who_gives_up_hears_what_becomes_of_it_and_the_rest_waits_again(
    house: House, waiting: Daemon
) -> None:
    scan = subprocess.Popen(
        [*PROGRAM, "--config", str(house.config), "scan"],
        env=house.environ(),
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: len(jobs(house)) == 2, SOMETIME, "it was asked for")
    first, asked = (job["id"] for job in jobs(house))

    scan.send_signal(signal.SIGINT)
    _, said = scan.communicate(timeout=SOMETIME)

    assert scan.returncode == 3
    assert f"job {asked} had not begun and is called off" in said
    eventually(lambda: [job["id"] for job in jobs(house)] == [first], SOMETIME, "it is gone")
    eventually(lambda: house.status()["passes_wait"], SOMETIME, "the other waits again")
    assert len(house.files()) < 4 * NUMBER


def test_a_scan_under_way_makes_room_and_then_goes_on_where_it_was(house: House) -> None:
    number = 4 * NUMBER
    put_pictures(house, number)
    with Daemon(house) as running:
        eventually(house.files, SOMETIME, "the scan is under way")

        done = house.ask("verify", str(house.root / next(iter(house.files()))))

        assert done["this"]["sound"] == 1
        (scan,) = jobs(house)
        assert 0 < scan["left"] < number
        eventually(lambda: not jobs(house), 2 * SOMETIME, "the scan ends")
        assert len(house.files()) == number
        running.stop()


def test_reading_again_that_is_stopped_is_not_called_done(house: House) -> None:
    put_pictures(house, 2 * NUMBER)
    house.scan()
    with Daemon(house) as running:
        eventually(lambda: house.root_state()["last_scan_at"] and house.is_quiet(), SOMETIME)
        verify = subprocess.Popen(
            [*PROGRAM, "--config", str(house.config), "verify", "--all"],
            env=house.environ(),
            stderr=subprocess.PIPE,
            text=True,
        )
        eventually(lambda: jobs(house), SOMETIME, "it was asked for")
        (asked,) = jobs(house)

        verify.send_signal(signal.SIGINT)
        _, said = verify.communicate(timeout=SOMETIME)

        assert verify.returncode == 3
        assert "not everything was read again (it was stopped)" in said
        assert f"what was read is recorded; job {asked['id']} " in said
        eventually(lambda: not jobs(house), SOMETIME, "it was called off")
        assert house.ask("verify")["never"] > 0
        running.stop()
