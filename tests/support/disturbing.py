"""A photograph twice over, one planned action, and what has to hold when that is disturbed."""

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from support.acting import contents_everywhere, tree
from support.killing import calls_of, run_under, thinned
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
IS_LONG = bool(os.environ.get("TWINLENS_LONG"))
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""A process that is killed leaves the same behind in memory as on a disk, in a tenth of the time.
"""

CHANGES = {
    *("mkdirat", "mkdir", "linkat", "renameat", "renameat2", "unlinkat", "unlink", "rmdir"),
    *("write", "fsync", "fdatasync", "ftruncate"),
}
"""What leaves a trace: each time of these is tried. Between two of them nothing changes."""

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EROFS", "ESTALE", "EINTR")
AT = "2026-01-01T00:00:00+00:00"


@cache
def _empty_database() -> Path:
    """A database of the newest form, made once: migrating takes longer than an action."""
    folder = tempfile.mkdtemp(dir=MEMORY)
    atexit.register(shutil.rmtree, folder)
    database = Path(folder) / "empty.db"
    prepare(Database(database))
    return database


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
        shutil.copyfile(_empty_database(), self.database)

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

    def break_off(self) -> None:
        """As a power cut does it: all is captured, and the journal knows of no end."""

        class Broken(StoreJournal):
            def record(self, outcomes: list[Outcome]) -> None:
                if outcomes[0].state is StepState.DONE:
                    raise InterruptedError("no more words")
                super().record(outcomes)

        def act(database: Database) -> None:
            with suppress(InterruptedError):
                perform(journal_store.steps_of(1), Broken(database))

        self.with_database(act)

    def end_open_steps(self, database: Database) -> None:
        recover(StoreJournal(database))

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


Work = Callable[[Database], None]


def prepared(
    folder: Path, kind: ActionKind, what: str, where: Path | None = None
) -> tuple[Case, Work]:
    """A case, and the piece of work that will be disturbed."""
    case = Case(folder, kind, where)
    if what in ("undo", "empty"):
        case.with_database(case.act)
    if what == "end_open_steps":
        case.break_off()
    return case, getattr(case, what)


def disturbances(
    make: Callable[[Path], tuple[Case, Work]], folder: Path, few: int
) -> Iterator[tuple[str, int]]:
    """(call, its n-th time) of a run that nothing disturbs; about `few` of each call that changes
    nothing, unless all are wanted."""
    case, work = make(folder / "undisturbed")
    log = folder / "undisturbed.log"
    whole = lambda: case.with_database(work)  # noqa: E731 - a name for what is run
    assert run_under(None, log, whole, is_every_call=IS_LONG) == 0
    calls = calls_of(log, is_every_call=IS_LONG)
    assert sum(calls.values()) >= 50
    shutil.rmtree(folder / "undisturbed")
    for name, times in calls.items():
        most = times if IS_LONG or name in CHANGES else few
        for number in thinned({name: times}, most)[name]:
            yield name, number


def survive(case: Case, work: Work, fault: str, log: Path, what: str) -> int:
    """Run the work under the fault, and hold all that has to be true then; its exit status."""
    status = run_under(fault, log, lambda: case.with_database(work))
    case.require_nothing_lost()
    case.recover()
    case.require_nothing_lost()
    states = [step.state for step in case.steps()]
    assert not OPEN_STATES & set(states), fault
    if what in ("act", "end_open_steps"):
        case.require_one_end()
    before = tree(case.root, with_trash=True)
    case.recover()
    assert [step.state for step in case.steps()] == states, fault
    assert tree(case.root, with_trash=True) == before, fault
    return status
