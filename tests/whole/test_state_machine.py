"""Whatever a user, the clock, the disk and crashes do in whatever order: nothing is lost, nothing
false is said, and all comes out as if it had been looked at once.

The model is what the user left at which path. Files, database and every part of the daemon are
real, on one thread; a crash is an error of the writer, before or after it committed, after which
everything but files and database is made anew. TWINLENS_LONG=1 tries for longer.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from support.acting import tree
from support.stores import Store, opened_store
from support.world import Workers, World, jpeg
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply, plan_of
from twinlens.commands.trash import empty_trash
from twinlens.commands.undo import undo
from twinlens.config.schema import Config
from twinlens.errors import StoreError, UsageError
from twinlens.host.uptime import Uptime
from twinlens.jobs.runner import JobRunner
from twinlens.maintenance.orphans import Cleanup
from twinlens.maintenance.reconcile import Reconcile
from twinlens.model.actions import StepState
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState
from twinlens.store import actions as journal_store
from twinlens.store import backups, holds
from twinlens.store import jobs as jobs_store
from twinlens.store.tables import File, Original

IS_LONG = bool(os.environ.get("TWINLENS_LONG"))
NAMES = ("a.jpg", "b.jpg", "c.jpg", "old/a.jpg", "old/b.jpg", "new/d.jpg")
CONTENTS = 3
GRACE_HOURS = 24.0

names = st.sampled_from(NAMES)
contents = st.integers(0, CONTENTS - 1)


@cache
def content(number: int) -> bytes:
    """One of few small pictures, so that copies are frequent."""
    return jpeg(number)


def _is_one_file(first: bytes, second: bytes) -> bool:
    return os.path.exists(first) and os.path.exists(second) and os.path.samefile(first, second)


class CrashError(StoreError):
    """What stands for the end of the process."""


class FragileWriter:
    """The writer, which ends the process at the call it is told to."""

    def __init__(self, store: Store) -> None:
        self._writer = store.writer
        self.calls_left: int | None = None
        self.is_after_commit = False

    def call(self, work: Callable[[], Any]) -> Any:
        """Carry out, and crash before or after where it is time."""
        if self.calls_left is None:
            return self._writer.call(work)
        self.calls_left -= 1
        is_time = self.calls_left < 0
        if is_time and not self.is_after_commit:
            raise CrashError("ended before the commit")
        result = self._writer.call(work)
        if is_time:
            raise CrashError("ended after the commit")
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


class ShiftedWorld(World):
    """A world whose wall clock a test sets."""

    shift = timedelta()

    def clock(self) -> datetime:  # type: ignore[override]  # the base needs no instance for it
        return datetime.now(UTC) + self.shift

    def at(self) -> str:  # type: ignore[override]  # as above
        return self.clock().isoformat(timespec="seconds")


class Household(RuleBasedStateMachine):
    """Everything that can happen to one folder of pictures."""

    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.base = Path(tempfile.mkdtemp(prefix="twinlens-machine-", dir=memory))
        self.photos = self.base / "photos"
        self.away = self.base / "away"
        self.database = self.base / "state" / "twinlens.db"
        self.workers = Workers()
        self.exits = ExitStack()
        self.left: dict[str, int] = {}
        self.up = 1000.0
        self.orphan_since: dict[str, float] = {}
        self.gone_while_away: set[str] | None = None
        self.is_backed_up = False
        self.mtime = 1_500_000_000
        self._open()

    # What the daemon is made of.

    def _open(self) -> None:
        store = self.exits.enter_context(opened_store(self.database))
        self.writer = FragileWriter(store)
        fragile = Store(store.database, self.writer)  # type: ignore[arg-type]  # a stand-in
        self.world = ShiftedWorld(fragile, self.photos, self.workers)

    def _restart(self) -> None:
        """The next life of the process: only files and database are left of the last."""
        self.writer.calls_left = None
        self.world.restart()
        if self.gone_while_away is None:
            self._room().recover()
        for job in self._read(jobs_store.unfinished):
            JobRunner(
                self.world.store.database,
                self.world.store.writer,
                self.workers,
                self.world.at,
            ).run(job, self.world.scanner.definition(batch_size=3))

    def _read(self, work: Callable[[], Any]) -> Any:
        return self.world.store.read(work)

    def _room(self) -> ActionRoom:
        catalog = {"name": "family", "roots": [str(self.photos)], "action": "trash"}
        config = Config.model_validate(
            {"catalog": [catalog], "database": {"path": str(self.database)}}
        )
        world = self.world
        return ActionRoom(
            config,
            world.store.database,
            world.store.writer,
            world.absorber.regroup,
            # As the queue's: what one of them puts off, the other takes up.
            World.clock,
            steady=self._steady,
        )

    def _steady(self) -> Uptime:
        """The clock that nobody sets, the same for all."""
        return Uptime("a boot", self.up)

    @property
    def is_here(self) -> bool:
        """Whether the disk of the watched folder is there."""
        return self.gone_while_away is None

    # What a user does.

    @initialize(first=st.lists(st.tuples(names, contents), min_size=2, max_size=5))
    def begin(self, first: list[tuple[str, int]]) -> None:
        for name, number in first:
            self._write(name, number)
        self.world.scan()

    def _write(self, name: str, number: int) -> None:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.mtime += 1000
        same = self._names_of_inode(name)
        path.write_bytes(content(number))
        os.utime(path, (self.mtime, self.mtime))
        for one in same | {name}:
            self.left[one] = number

    def _names_of_inode(self, name: str) -> set[str]:
        path = self.photos / name
        if not path.exists():
            return set()
        inode = path.stat().st_ino
        return {one for one in self._present() if (self.photos / one).stat().st_ino == inode}

    def _present(self) -> set[str]:
        return {name for name in NAMES if (self.photos / name).exists()}

    @precondition(lambda self: self.is_here)
    @rule(name=names, number=contents)
    def write_in_place(self, name: str, number: int) -> None:
        self._write(name, number)

    @precondition(lambda self: self.is_here)
    @rule(name=names, number=contents)
    def replace(self, name: str, number: int) -> None:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(".upload.tmp")
        beside.write_bytes(content(number))
        self.mtime += 1000
        os.utime(beside, (self.mtime, self.mtime))
        beside.rename(path)
        self.left[name] = number

    @precondition(lambda self: self.is_here and self._present())
    @rule(data=st.data(), new=names, is_link=st.booleans())
    def rename_or_link(self, data: st.DataObject, new: str, is_link: bool) -> None:
        source = data.draw(st.sampled_from(sorted(self._present())))
        here, there = self.photos / source, self.photos / new
        there.parent.mkdir(parents=True, exist_ok=True)
        # A rename onto another name of the same inode does nothing, by POSIX.
        if there.exists() and (is_link or there.samefile(here)):
            return
        number = self.left[source]
        if is_link:
            os.link(here, there)
        else:
            here.rename(there)
            del self.left[source]
        self.left[new] = number

    @precondition(lambda self: self.is_here and self._present())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self._present())))
        (self.photos / name).unlink()
        del self.left[name]

    @precondition(lambda self: self.is_here and self._present())
    @rule(data=st.data(), mode=st.sampled_from([0o600, 0o644, 0o444]))
    def chmod(self, data: st.DataObject, mode: int) -> None:
        name = data.draw(st.sampled_from(sorted(self._present())))
        (self.photos / name).chmod(mode)

    @precondition(lambda self: self.is_here)
    @rule(number=contents, hours=st.sampled_from([0, 13, 25]))
    def overwrite_every_copy(self, number: int, hours: int) -> None:
        """Nobody wants the content any more."""
        for name in sorted(self._present()):
            if self.left[name] == number:
                self._write(name, (number + 1) % CONTENTS)
        self.world.scan()
        self.clean(hours)

    # What happens to the machine.

    @precondition(lambda self: self.is_here)
    @rule()
    def unmount(self) -> None:
        self.gone_while_away = self._gone()
        self.photos.rename(self.away)
        self.photos.mkdir()

    @precondition(lambda self: not self.is_here)
    @rule()
    def mount(self) -> None:
        self.photos.rmdir()
        self.away.rename(self.photos)
        self.gone_while_away = None

    @rule(hours=st.sampled_from([-500_000, -25, 25, 10_000]))
    def jump(self, hours: int) -> None:
        self.world.shift = timedelta(hours=hours)
        ShiftedWorld.shift = self.world.shift

    @rule(hours=st.sampled_from([1, 13, 25]))
    def pass_time(self, hours: int) -> None:
        self.up += hours * 3600

    @rule(
        calls=st.integers(0, 6),
        is_after=st.booleans(),
        what=st.sampled_from(["scan", "hint", "clean", "reconcile", "apply", "undo", "purge"]),
    )
    def crash(self, calls: int, is_after: bool, what: str) -> None:
        self.writer.calls_left, self.writer.is_after_commit = calls, is_after
        deeds: dict[str, Callable[[], object]] = {
            "scan": self.world.scan,
            "hint": self._tell,
            "clean": self._clean,
            "reconcile": self._reconcile,
            "apply": lambda: apply(self._room()),
            "undo": lambda: undo(self._room()),
            "purge": lambda: empty_trash(self._room(), at_once=True),
        }
        if not self.is_here and what in ("apply", "undo", "purge"):
            what = "scan"
        with suppress(CrashError, UsageError):
            deeds[what]()
        self._restart()
        self._forget_what_was_purged()

    @rule()
    def back_up(self) -> None:
        backups.write(self.database, self.base / "backup.db", replace=self.is_backed_up)
        self.is_backed_up = True

    @precondition(lambda self: self.is_backed_up)
    @rule()
    def restore_a_backup(self) -> None:
        self.exits.close()
        for end in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + end).unlink(missing_ok=True)
        shutil.copy(self.base / "backup.db", self.database)
        self._open()
        if self.is_here:
            self._room().recover()
        self.orphan_since.clear()
        if not self.is_here:
            self.gone_while_away = self._gone()

    # What the daemon does.

    def _tell(self) -> None:
        self.world.hint(*NAMES)
        self._work_off()

    def _work_off(self) -> None:
        """Let the queue come to rest; what waits for a folder that is in doubt waits on."""
        if self.world.places.state(self.world.root_id) is RootState.ONLINE and self.is_here:
            self.world.drain()
        else:
            for _ in range(20):
                self.world.intake.step()

    @rule()
    def hint(self) -> None:
        self._tell()

    @rule(is_twice=st.booleans())
    def scan(self, is_twice: bool) -> None:
        self.world.scan()
        if is_twice:
            self._work_off()
            again = self.world.scan()
            changes = {name: again[name] for name in ("added", "changed", "moved", "gone")}
            assert not any(changes.values()), f"P13: a second scan changed something: {changes}"

    def _clean(self) -> object:
        self._look_at_counts()
        before = self._known()
        report = Cleanup(
            self.world.store.database,
            self.world.store.writer,
            self.world.clock,
            GRACE_HOURS,
            100,
            steady=self._steady,
        ).run()
        for sha256 in before - self._known():
            waited = self.up - self.orphan_since.get(sha256, self.up)
            assert waited >= GRACE_HOURS * 3600, f"P9, P19: forgotten after {waited} s: {sha256}"
        if not self.is_here:
            assert report.frozen_by, "P9: cleaned while a root was away"
        return report

    @rule(hours=st.sampled_from([None, 0, 13, 25]))
    def clean(self, hours: int | None) -> None:
        self._clean()
        if hours is not None:
            # All that is asked for before something is forgotten, but perhaps for the time.
            self._reconcile()
            self.up += hours * 3600
            self._clean()

    def _reconcile(self) -> object:
        return Reconcile(self.world.store.database, self.world.store.writer, self.world.clock).run()

    @rule()
    def reconcile(self) -> None:
        self._reconcile()
        again = Reconcile(
            self.world.store.database, self.world.store.writer, self.world.clock
        ).run()
        assert (again.mended, again.drift) == (0, 0), "P7, P13: a second reconcile mended something"

    @precondition(lambda self: self.is_here)
    @rule(is_undone=st.booleans())
    def act(self, is_undone: bool) -> None:
        room = self._room()
        room.recover()
        before = tree(self.photos)
        plan = plan_of(room.config, room.database)
        # The store may not have heard yet that two names have become one file.
        one_file = {
            (step.victim, step.keeper)
            for step in plan.steps
            if _is_one_file(step.victim.absolute, step.keeper.absolute)
        }
        action = apply(room, plan.id)["action"]
        if action is None:
            return
        done = self._read(lambda: journal_store.steps_of(action))
        shown = {(step.victim, step.keeper, step.sha256) for step in plan.steps}
        ran = {(s.planned.victim, s.planned.keeper, s.planned.sha256) for s in done}
        assert ran <= shown, "P16: something was done that the plan did not show"
        acted = {(s.planned.victim, s.planned.keeper) for s in done if s.state is StepState.DONE}
        assert not acted & one_file, "P21: a file was held against itself"
        if is_undone and any(step.state is StepState.DONE for step in done):
            told = undo(room, str(action))
            assert not told["failed"], told
            assert tree(self.photos) == before, "P17: the tree is another after an undo"

    @precondition(lambda self: self.is_here)
    @rule()
    def undo(self) -> None:
        with suppress(UsageError):
            undo(self._room(), make_folders=True)

    @precondition(lambda self: self.is_here)
    @rule()
    def purge(self) -> None:
        empty_trash(self._room(), at_once=True)
        self._forget_what_was_purged()

    def _forget_what_was_purged(self) -> None:
        """A copy that was removed from the trash is no copy of the user's any more."""
        if not self.is_here:
            return
        everywhere = self._everywhere()
        for name in sorted(self.left.keys() - self._present()):
            others = [n for n in self.left if n != name and self.left[n] == self.left[name]]
            if content(self.left[name]) in everywhere and not self._is_in_trash(self.left[name]):
                assert others, f"P18: the only copy that the user left was purged: {name}"
                del self.left[name]

    # What holds at every moment.

    def _everywhere(self) -> set[bytes]:
        top = self.photos if self.is_here else self.away
        return {data for data, _, _ in tree(top, with_trash=True).values()}

    def _is_in_trash(self, number: int) -> bool:
        top = self.photos if self.is_here else self.away
        found = tree(top, with_trash=True).items()
        return any(n.startswith(".twinlens") and d[0] == content(number) for n, d in found)

    def _known(self) -> set[str]:
        return {row.sha256 for row in self._read(lambda: list(Original.select(Original.sha256)))}

    def _gone(self) -> set[str]:
        rows = self._read(lambda: list(File.select().where(File.status == FileStatus.GONE.value)))
        return {os.fsdecode(b"/".join(p for p in (row.directory, row.name) if p)) for row in rows}

    @invariant()
    def what_the_user_left_is_at_its_path_or_in_the_trash(self) -> None:
        top = self.photos if self.is_here else self.away
        for name, number in self.left.items():
            path = top / name
            if path.exists():
                assert path.read_bytes() == content(number), f"P2: {name} holds something else"
            else:
                assert self._is_in_trash(number), f"P1, P2: {name} is nowhere"

    @invariant()
    def counts_are_what_refers(self) -> None:
        self._look_at_counts()

    def _look_at_counts(self) -> None:
        def counted() -> list[tuple[str, int, str | None, holds.References]]:
            return [
                (row.sha256, row.reference_count, row.orphaned_at, holds.of_content(row.sha256))
                for row in list(Original.select())
            ]

        for sha256, count, orphaned_at, references in self._read(counted):
            assert count == references.files, f"P7: {sha256} counts {count}, has {references}"
            assert (orphaned_at is None) == (references.count > 0), f"P7: {sha256} {references}"
            if references.count:
                self.orphan_since.pop(sha256, None)
            else:
                self.orphan_since.setdefault(sha256, self.up)

    @invariant()
    def nothing_is_called_gone_while_its_root_is_away(self) -> None:
        if self.gone_while_away is not None:
            assert self._gone() <= self.gone_while_away, "P5: gone while the root was away"

    def teardown(self) -> None:
        """P14: what came of it all is what a first look at the same files comes to."""
        try:
            if not self.is_here:
                self.mount()
            self.writer.calls_left = None
            self.world.restart()
            self.world.scan(accept_missing=True)
            self.world.drain()
            self.world.scan(accept_missing=True)
            lived = self._live(self.world)
            with opened_store(self.base / "fresh" / "twinlens.db") as store:
                fresh = ShiftedWorld(store, self.photos, self.workers)
                fresh.scan()
                fresh.drain()
                assert lived == self._live(fresh), "P14"
                present = {
                    name: hashlib.sha256((self.photos / name).read_bytes()).hexdigest()
                    for name in self._present()
                }
                assert {name: sha256 for name, (sha256, _) in lived.items()} == present
        finally:
            ShiftedWorld.shift = timedelta()
            self.exits.close()
            self.workers.close()
            shutil.rmtree(self.base)

    @staticmethod
    def _live(world: World) -> dict[str, tuple[str, str]]:
        def rows() -> dict[str, tuple[str, str]]:
            query = File.select().where(File.status != FileStatus.GONE.value)
            return {
                os.fsdecode(b"/".join(p for p in (row.directory, row.name) if p)): (
                    row.original.sha256,
                    row.status,
                )
                for row in query
            }

        return world.store.read(rows)


TestHousehold = pytest.mark.timeout(7200 if IS_LONG else 400)(Household.TestCase)
TestHousehold.settings = settings(
    max_examples=400 if IS_LONG else 24,
    stateful_step_count=60 if IS_LONG else 25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # To find the shortest way to a fault takes minutes: that is for whoever looks for it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if IS_LONG else [])],
)
