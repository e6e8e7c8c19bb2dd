"""Claims about the clock that nobody sets."""

import time
from pathlib import Path

import pytest

from twinlens.host.uptime import Uptime, least_passed, uptime


def test_this_machine_tells_how_long_it_is_up_and_goes_on() -> None:
    first = uptime()
    time.sleep(0.02)
    second = uptime()

    assert first.boot
    assert first.boot == second.boot
    assert 0.0 <= least_passed(first, second) < 10.0


def test_without_proc_it_is_told_by_the_kernel_itself(tmp_path: Path) -> None:
    found = uptime(tmp_path)

    assert found.boot == ""
    assert abs(found.seconds - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5.0


@pytest.mark.parametrize(
    ("last", "now", "passed"),
    [
        (Uptime("a", 100.0), Uptime("a", 160.0), 60.0),
        # After another start only the time since that start is certain.
        (Uptime("a", 100.0), Uptime("b", 30.0), 30.0),
        (Uptime("a", 100.0), Uptime("b", 5000.0), 5000.0),
        # Never less than nothing, also where a container counts anew.
        (Uptime("a", 100.0), Uptime("a", 30.0), 0.0),
        # Without a name for the start, both readings hold: no more than either says.
        (Uptime("", 100.0), Uptime("", 30.0), 0.0),
        (Uptime("", 100.0), Uptime("", 160.0), 60.0),
        (Uptime("a", 100.0), Uptime("", 160.0), 60.0),
    ],
)
def test_what_has_passed_is_never_told_as_more_than_it_was(
    last: Uptime, now: Uptime, passed: float
) -> None:
    assert least_passed(last, now) == passed
