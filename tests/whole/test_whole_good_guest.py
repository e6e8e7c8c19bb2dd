"""What an owner is told of how twinlens stands back: by `config check`, `doctor` and the log."""

import os
import signal

import pytest

from support.daemon import Daemon, House, eventually

SOMETIME = 30.0


def test_a_reload_says_that_a_lower_nice_value_takes_a_restart(house: House) -> None:
    house.configure(workers={"nice": 15})
    with Daemon(house) as running:
        house.configure(workers={"nice": 5})
        running.signal(signal.SIGHUP)
        words = "the nice value stays 15, workers.nice = 5 takes a restart of the daemon"
        eventually(lambda: words in running.log, SOMETIME)
        assert os.getpriority(os.PRIO_PROCESS, running.pid) == 15
        running.stop()


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        (
            {"readers_per_disk": "one"},
            '1 at a time reads files there (workers.readers_per_disk = "one")',
        ),
        (
            {"readers_per_disk": "many", "processes": 3},
            '3 at a time read files there (workers.readers_per_disk = "many")',
        ),
    ],
)
def test_doctor_says_how_many_readers_a_root_has(
    house: House, workers: dict[str, object], words: str
) -> None:
    house.configure(workers=workers)

    checks = house.ask("doctor", codes=(0, 1))["checks"]

    (root,) = (check["detail"] for check in checks if check["check"] == "root")
    assert root.endswith(words)


def test_spans_that_leave_hardly_any_time_are_warned_of(house: House) -> None:
    house.configure(schedule={"quiet_hours": ["00:00-23:59"]})

    (warning,) = house.ask("config", "check")["warnings"]
    assert warning.startswith("schedule.quiet_hours leaves 1 min of the day")
    checks = house.ask("doctor", codes=(0, 1))["checks"]
    assert warning in [check["detail"] for check in checks if check["state"] == "warning"]

    house.configure(schedule={"quiet_hours": ["01:00-24:00"]})
    assert house.ask("config", "check")["warnings"] == []
