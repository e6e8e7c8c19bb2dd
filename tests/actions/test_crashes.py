"""Claims about crashes and errors: whatever call of the kernel is the last one, or fails, nothing
is lost, no group is torn, and recovery brings every step to one end.

Some times of each call are tried; TWINLENS_LONG=1 tries every time of every call of the kernel, and
every error at each of them.
"""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from support.acting import tree
from support.disturbing import (
    ERRORS,
    IS_LONG,
    MEMORY,
    Case,
    Work,
    disturbances,
    prepared,
    survive,
)
from support.killing import require_strace, run_under
from twinlens.model.actions import OPEN_STATES, ActionKind


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that is quick."""
    folder = tempfile.mkdtemp(dir=MEMORY)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(7200 if IS_LONG else 600)
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
@pytest.mark.parametrize("what", ["act", "undo", "empty", "end_open_steps"])
def test_a_kill_at_any_call_loses_nothing_and_tears_no_group(
    memory: Path, kind: ActionKind, what: str
) -> None:
    require_strace()
    killed = 0
    for name, number in disturbances(lambda f: prepared(f, kind, what), memory, few=3):
        folder = memory / f"{name}{number}"
        case, work = prepared(folder, kind, what)
        fault = f"{name}:signal=SIGKILL:when={number}"

        status = survive(case, work, fault, folder / "log", what)

        assert status in (-9, 0), fault
        killed += status == -9
        shutil.rmtree(folder)
    print(f"{kind} {what}: killed at {killed} calls")
    assert killed >= 20


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not IS_LONG, reason="takes some minutes: set TWINLENS_LONG=1")
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
def test_a_kill_at_any_call_loses_nothing_on_btrfs_and_xfs(
    memory: Path, sharing_root: Path, kind: ActionKind
) -> None:
    require_strace()
    where = sharing_root / "all"

    def make(folder: Path) -> tuple[Case, Work]:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()
        return prepared(folder, kind, "act", where)

    killed = 0
    for name, number in disturbances(make, memory, few=3):
        folder = memory / f"{name}{number}"
        case, work = make(folder)
        status = survive(case, work, f"{name}:signal=SIGKILL:when={number}", folder / "log", "act")
        killed += status == -9
        shutil.rmtree(folder)
    print(f"{kind}: killed at {killed} calls")
    assert killed >= 20


@pytest.mark.slow
@pytest.mark.timeout(28800 if IS_LONG else 600)
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
@pytest.mark.parametrize("what", ["act", "undo", "empty", "end_open_steps"])
def test_an_error_of_any_call_loses_nothing_and_tears_no_group(
    memory: Path, kind: ActionKind, what: str
) -> None:
    require_strace()
    errors = cycle(ERRORS)
    failed = 0
    for name, number in disturbances(lambda f: prepared(f, kind, what), memory, few=2):
        # SQLite takes a memory map that cannot grow for a crash of its own.
        if name in ("ftruncate", "mmap", "munmap", "brk", "mprotect", "rt_sigaction", "futex"):
            continue
        for error in ERRORS if IS_LONG else [next(errors)]:
            folder = memory / f"{name}{number}{error}"
            case, work = prepared(folder, kind, what)

            survive(case, work, f"{name}:error={error}:when={number}", folder / "log", what)

            failed += 1
            shutil.rmtree(folder)
    print(f"{kind} {what}: {failed} errors")
    assert failed >= 20


@pytest.mark.slow
@pytest.mark.timeout(7200 if IS_LONG else 600)
@pytest.mark.parametrize("fault", ["signal=SIGKILL", "error=EIO", "error=EINTR"])
def test_sharing_blocks_survives_a_fault_at_any_call(
    memory: Path, sharing_root: Path, fault: str
) -> None:
    require_strace()
    where = sharing_root / "all"
    where.mkdir()

    def make(folder: Path) -> tuple[Case, Work]:
        shutil.rmtree(where)
        where.mkdir()
        return prepared(folder, ActionKind.REFLINK, "act", where)

    tried = set()
    for name, number in disturbances(make, memory, few=4):
        if name == "ftruncate":
            continue
        folder = memory / f"{name}{number}"
        case, work = make(folder)

        run_under(
            f"{name}:{fault}:when={number}",
            folder / "log",
            lambda c=case, w=work: c.with_database(w),
        )

        tried.add(name)
        case.recover()
        assert tree(case.root) == case.before, (name, number)
        assert not OPEN_STATES & {step.state for step in case.steps()}
        shutil.rmtree(folder)
    assert tried >= {"ioctl", "fsync", "pwrite64"}
