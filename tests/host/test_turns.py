"""Claims about turns: one has it, the others wait, and who ends gives it back."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support.daemon import eventually
from twinlens.host.turns import Turns

HOLDER = """
import sys, time
from twinlens.host.turns import Turns
with Turns(sys.argv[1]).taken([7, 3]):
    print("taken", flush=True)
    time.sleep(1000)
"""


def wait_for(path: Path, numbers: list[int]) -> threading.Event:
    """Take turns on a thread with a file of its own; the event says that it had them."""
    had = threading.Event()

    def take() -> None:
        turns = Turns(path)
        with turns.taken(numbers):
            had.set()
        turns.close()

    threading.Thread(target=take, daemon=True).start()
    return had


def test_a_turn_is_waited_for_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "turns"
    mine = Turns(path)
    with mine.taken([7]):
        same, other = wait_for(path, [3, 7]), wait_for(path, [8])

        assert other.wait(10.0)
        assert not same.wait(0.3)
    assert same.wait(10.0)
    mine.close()


def test_a_process_that_is_killed_gives_its_turn_back(tmp_path: Path) -> None:
    path = tmp_path / "turns"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        had = wait_for(path, [7])
        assert not had.wait(0.3)

        process.kill()

        assert had.wait(10.0)


def test_a_turn_that_does_not_come_is_gone_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinlens.host.turns.LONGEST_WAIT_SECONDS", 0.5)
    mine = Turns(tmp_path / "turns")
    with mine.taken([7]):
        assert wait_for(tmp_path / "turns", [7]).wait(10.0)
        # And it is not given away by who went on without it.
        monkeypatch.setattr("twinlens.host.turns.LONGEST_WAIT_SECONDS", 60.0)
        assert not wait_for(tmp_path / "turns", [7]).wait(0.3)
    mine.close()


def test_a_turn_is_given_back_after_an_error_too(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "turns")

    with pytest.raises(OSError, match="bad sector"), turns.taken([7]):
        raise OSError("bad sector")

    had = wait_for(tmp_path / "turns", [7])
    eventually(had.is_set, 10.0)
    turns.close()
