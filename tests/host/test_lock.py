"""Claims about the lock of a database."""

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from twinlens.errors import CannotRunError, LockedError
from twinlens.host import lock as lock_module
from twinlens.host.lock import ProcessLock, holder

_PACKAGE = Path(lock_module.__file__).parents[2]
_HOLD = """
import sys
from twinlens.host.lock import ProcessLock
with ProcessLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "twinlens.db"


@contextmanager
def _held_by_another(database: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, database],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_two_daemons_on_one_database_are_refused_and_the_first_is_named(database: Path) -> None:
    with (
        _held_by_another(database) as other,
        pytest.raises(LockedError, match=f"process {other.pid} ") as caught,
        ProcessLock(database),
    ):
        pass

    assert caught.value.advice
    assert str(database) in str(caught.value)


def test_the_holder_is_named_without_taking_the_lock(database: Path) -> None:
    assert holder(database) is None
    with _held_by_another(database) as other:
        assert holder(database) == other.pid
    assert holder(database) is None


def test_a_killed_holder_leaves_no_lock(database: Path) -> None:
    with _held_by_another(database) as other:
        other.kill()
        other.wait()
        with ProcessLock(database):
            assert holder(database) == os.getpid()


def test_the_lock_file_is_private_and_stays_and_the_database_is_not_touched(
    database: Path,
) -> None:
    with ProcessLock(database):
        pass
    with ProcessLock(database):
        text = Path(f"{database}.lock").read_text().split()

    assert stat.S_IMODE(Path(f"{database}.lock").stat().st_mode) == 0o600
    assert text[0] == str(os.getpid())
    assert not database.exists()
    assert [path.name for path in database.parent.iterdir()] == ["twinlens.db.lock"]


def test_a_process_started_meanwhile_does_not_hold_the_lock(database: Path) -> None:
    with ProcessLock(database):
        sleeper = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with ProcessLock(database):
            pass
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_file_that_was_replaced_while_locking_is_locked_anew(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    calls = []

    def flock(descriptor: int, operation: int) -> None:
        real(descriptor, operation)
        calls.append(descriptor)
        if len(calls) == 1:
            Path(f"{database}.lock").unlink()

    monkeypatch.setattr(fcntl, "flock", flock)
    with ProcessLock(database):
        assert len(calls) == 2
        assert holder(database) == os.getpid()


def test_a_folder_that_is_missing_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotRunError, match="No such file") as caught,
        ProcessLock(tmp_path / "none" / "twinlens.db"),
    ):
        pass

    assert "folder" in caught.value.advice


def test_a_link_in_place_of_the_lock_file_is_not_followed(database: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    Path(f"{database}.lock").symlink_to(victim)

    with pytest.raises(CannotRunError), ProcessLock(database):
        pass

    assert victim.read_text() == "precious"


def test_a_number_from_before_the_last_boot_is_not_believed(database: Path) -> None:
    Path(f"{database}.lock").write_text(f"{os.getpid()}\nsome-older-boot\n")

    assert holder(database) is None


def test_a_holder_whose_file_was_deleted_or_replaced_notices_it(database: Path) -> None:
    path = Path(f"{database}.lock")
    lock = ProcessLock(database)
    assert not lock.is_in_place()
    with lock:
        assert lock.is_in_place()
        path.unlink()
        assert not lock.is_in_place()
        with ProcessLock(database) as other:
            assert other.is_in_place()
            assert not lock.is_in_place()
    assert not lock.is_in_place()
