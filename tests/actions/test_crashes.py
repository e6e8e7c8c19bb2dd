"""Claims about crashes and errors: whatever call of the kernel is the last one, or fails, nothing
is lost, no group is torn, and recovery brings every step to one end."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.acting import contents_everywhere, tree
from support.killing import calls_of, failures, kills, require_strace, run_under
from twinlens.actions.emptying import purge
from twinlens.actions.performing import perform
from twinlens.actions.recovery import recover
from twinlens.actions.restoring import restore
from twinlens.model.actions import (
    OPEN_STATES,
    ActionKind,
    Outcome,
    Place,
    Plan,
    PlannedStep,
    Step,
    StepState,
)
from twinlens.store import actions as journal_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.schema import prepare

RAW, RENDERED = b"raw bytes " * 700, b"rendered " * 500
AT = "2026-01-01T00:00:00+00:00"


class StoreJournal:
    """The real journal, on this thread: a crash in it is a crash of the test's child."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, outcomes: list[Outcome]) -> None:
        with self._database.peewee.atomic():
            journal_store.record(outcomes, AT)

    def open_steps(self) -> list[Step]:
        return journal_store.open_steps()


class Case:
    """A root with a photograph twice over, and the journal of one planned action."""

    def __init__(self, folder: Path, kind: ActionKind, where: Path | None = None) -> None:
        folder.mkdir()
        self.root = (where or folder) / "root"
        self.root.mkdir()
        self.database = folder / "twinlens.db"
        for name in ("kept", "copies"):
            (self.root / name).mkdir()
            (self.root / name / "a.nef").write_bytes(RAW)
            (self.root / name / "a.jpg").write_bytes(RENDERED)
            for path in (self.root / name).iterdir():
                os.utime(path, (1_500_000_000, 1_500_000_000))
        self.before = tree(self.root)
        top = os.fsencode(self.root)
        steps = tuple(
            PlannedStep(
                number,
                1,
                kind,
                Place(top, b"copies/" + name),
                Place(top, b"kept/" + name),
                hashlib.sha256(data).hexdigest(),
                len(data),
                "by hand",
            )
            for number, (name, data) in enumerate([(b"a.nef", RAW), (b"a.jpg", RENDERED)], 1)
        )
        prepare(Database(self.database))

        def begin(database: Database) -> None:
            with database.peewee.atomic():
                roots_store.adopt([("family", "trash", [top])])
                journal_store.begin(Plan(steps), AT)

        self.with_database(begin)

    def with_database(self, work: Callable[[Database], object]) -> None:
        database = Database(self.database)
        with database.connected():
            work(database)

    def steps(self) -> list[Step]:
        found: list[Step] = []
        self.with_database(lambda database: found.extend(journal_store.steps_of(1)))
        return found

    def act(self, database: Database) -> None:
        perform(journal_store.steps_of(1), StoreJournal(database))

    def undo(self, database: Database) -> None:
        for step in reversed(journal_store.steps_of(1)):
            restore(step, StoreJournal(database))

    def empty(self, database: Database) -> None:
        for step in journal_store.steps_of(1):
            kept = step.planned.keeper
            purge(step, StoreJournal(database), lambda sha256, kept=kept: [kept])

    def recover(self) -> None:
        self.with_database(lambda database: recover(StoreJournal(database)))

    def require_nothing_lost(self) -> None:
        assert contents_everywhere(self.root) >= {RAW, RENDERED}
        after = tree(self.root)
        for name in ("kept/a.nef", "kept/a.jpg"):
            assert after[name] == self.before[name]

    def require_one_end(self) -> None:
        """After recovery: nothing is open, and the photograph is whole or whole in the trash."""
        states = [step.state for step in self.steps()]
        assert not OPEN_STATES & set(states)
        assert len(set(states)) == 1
        after = tree(self.root)
        copies = [name for name in after if name.startswith("copies/")]
        assert len(copies) in (0, 2)
        for name in copies:
            assert after[name] == self.before[name]
        trash = self.root / ".twinlens" / "trash"
        if states[0] in (StepState.REFUSED, StepState.UNDONE):
            assert after == self.before
            assert not trash.exists() or list(trash.iterdir()) == []


def faults_of(
    tmp_path: Path, make: Callable[[Path], tuple[Case, Callable[[Database], None]]]
) -> dict[str, int]:
    """The calls of one piece of work that nothing disturbs."""
    case, work = make(tmp_path / "undisturbed")
    log = tmp_path / "undisturbed.log"
    assert run_under(None, log, lambda: case.with_database(work)) == 0
    return calls_of(log)


def prepared(
    folder: Path, kind: ActionKind, what: str, where: Path | None = None
) -> tuple[Case, Callable[[Database], None]]:
    case = Case(folder, kind, where)
    if what != "act":
        case.with_database(case.act)
    return case, getattr(case, what)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
@pytest.mark.parametrize("what", ["act", "undo", "empty"])
def test_a_kill_at_any_call_loses_nothing_and_tears_no_group(
    tmp_path: Path, kind: ActionKind, what: str
) -> None:
    require_strace()
    calls = faults_of(tmp_path, lambda folder: prepared(folder, kind, what))
    tried = 0
    for number, fault in enumerate(kills(calls)):
        folder = tmp_path / str(number)
        case, work = prepared(folder, kind, what)

        status = run_under(fault, folder / "log", lambda c=case, w=work: c.with_database(w))

        assert status in (-9, 0), fault
        case.require_nothing_lost()
        case.recover()
        case.require_nothing_lost()
        if what == "act":
            case.require_one_end()
        states = [step.state for step in case.steps()]
        case.recover()
        assert [step.state for step in case.steps()] == states
        assert not OPEN_STATES & set(states), fault
        tried += status == -9
        shutil.rmtree(folder)
    assert tried >= 20


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("kind", [ActionKind.TRASH, ActionKind.HARDLINK])
def test_an_error_of_any_call_loses_nothing_and_tears_no_group(
    tmp_path: Path, kind: ActionKind, error: str
) -> None:
    require_strace()
    calls = faults_of(tmp_path, lambda folder: prepared(folder, kind, "act"))
    calls.pop("ftruncate", None)
    for number, fault in enumerate(failures(calls, error)):
        folder = tmp_path / str(number)
        case, work = prepared(folder, kind, "act")

        run_under(fault, folder / "log", lambda c=case, w=work: c.with_database(w))

        case.require_nothing_lost()
        case.recover()
        case.require_nothing_lost()
        case.require_one_end()
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", ["signal=SIGKILL", "error=EIO"])
def test_sharing_blocks_survives_a_fault_at_any_call(
    tmp_path: Path, sharing_root: Path, fault: str
) -> None:
    require_strace()
    where = sharing_root / "all"
    where.mkdir()

    def make(folder: Path) -> tuple[Case, Callable[[Database], None]]:
        shutil.rmtree(where)
        where.mkdir()
        return prepared(folder, ActionKind.REFLINK, "act", where)

    calls = faults_of(tmp_path, make)
    assert calls["ioctl"] >= 2
    for name in ("ioctl", "fsync", "fcntl", "openat", "fdatasync", "pwrite64"):
        for number in range(1, calls.get(name, 0) + 1):
            folder = tmp_path / f"{name}{number}"
            case, work = make(folder)

            run_under(
                f"{name}:{fault}:when={number}",
                folder / "log",
                lambda c=case, w=work: c.with_database(w),
            )

            case.recover()
            assert tree(case.root) == case.before
            assert not OPEN_STATES & {step.state for step in case.steps()}
