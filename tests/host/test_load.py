"""Claims about load: what others use is told from what this program uses itself."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from twinlens.host.load import Usage, usage

BUSY = "import os, time\nwhile os.times().user < 60: pass"


@pytest.fixture
def busy() -> Iterator[int]:
    """A program that does nothing but compute."""
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def idle() -> Iterator[int]:
    """A program that does nothing."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def used_within_a_second(pid: int) -> tuple[Usage, Usage]:
    before = usage(pid=pid)
    time.sleep(1.0)
    after = usage(pid=pid)
    assert before is not None
    assert after is not None
    return before, after


def test_what_a_program_and_its_children_compute_is_their_own(busy: int) -> None:
    for pid in (busy, os.getpid()):
        before, after = used_within_a_second(pid)
        # A tick is a hundredth of a second; a busy machine leaves less than one core.
        assert after.own - before.own > 10


def test_what_others_compute_is_not(busy: int, idle: int) -> None:
    before, after = used_within_a_second(idle)

    assert after.own - before.own <= 1
    assert after.others_percent(before) > 50 / (os.cpu_count() or 1)


def test_the_share_is_of_all_cores() -> None:
    before = Usage(total=1000, busy=500, own=100)

    assert Usage(1400, 700, 200).others_percent(before) == 25.0
    assert Usage(1400, 600, 300).others_percent(before) == 0.0
    assert before.others_percent(before) == 0.0
