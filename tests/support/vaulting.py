"""A scanned library with a vault beside it, whose passes a test runs at times of its own."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.world import World
from twinlens.host.uptime import Uptime
from twinlens.jobs.definition import JobDefinition
from twinlens.jobs.runner import JobRunner
from twinlens.maintenance.vault_fill import VaultFill
from twinlens.maintenance.vault_gc import GcRules, VaultGc
from twinlens.maintenance.vault_passes import VaultParts
from twinlens.maintenance.vault_scrub import VaultScrub
from twinlens.maintenance.vault_work import look_through, read_blob, store
from twinlens.model.vault import BlobState, Marker, PutHow, VaultSpec
from twinlens.store import blobs, meta, work_items
from twinlens.store import jobs as jobs_store
from twinlens.store.tables_vault import Blob
from twinlens.vault.local import LocalVault
from twinlens.vault.naming import PARTS

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Here(Executor):
    """Does each piece of work at once, on this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":  # type: ignore[override]
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:  # noqa: BLE001 - as a worker does
            future.set_exception(error)
        return future


class House:
    """A scanned library, a vault beside it, and the passes with a clock of the test's own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.store = world.store
        self.folder = folder
        self.now = START
        self.told: list[str] = []
        self.doubts: tuple[str, ...] = ()
        self.up_seconds = 1000.0
        self.spec = VaultSpec(str(folder), (PutHow.COPY,))

    def make(self, identity: str = "5eed") -> None:
        """Make the folder a vault, and the one that is meant."""
        self.folder.mkdir()
        with LocalVault(self.folder, self.spec.ways) as vault:
            vault.make_marker(Marker(identity, self.at()))
        self.store.write(lambda: blobs.take_vault(identity, self.spec.place))

    def at(self) -> str:
        """The time, as the store keeps it."""
        return self.now.isoformat(timespec="seconds")

    def later(self, days: float) -> None:
        """Time goes on, for both clocks."""
        self.now += timedelta(days=days)
        self.up_seconds += days * 86_400

    def parts(self) -> VaultParts:
        """What the passes work with."""

        def look_again(root_id: int, path: bytes) -> None:
            work_items.put(root_id, [path], reason="written", not_before=0.0, at=self.at())

        return VaultParts(
            spec=self.spec,
            database=self.store.database,
            clock=self.at,
            monotonic=lambda: 0.0,
            look_again=look_again,
            tell=self.told.append,
            is_elsewhere_wanted=lambda: False,
            is_stopped=lambda: False,
            on_finished=lambda name, result: None,
        )

    def run(self, state: Any, process: Callable[[Any], Any], **argument: object) -> dict[str, Any]:
        """One pass, carried out on this thread; its result."""
        absorbed = getattr(state, "absorbed", lambda told: None)
        definition = JobDefinition(
            name="vault",
            discover=state.discover,
            prepare=state.prepare,
            process=process,
            absorb=state.absorb,
            absorbed=absorbed,
            finalize=state.finalize,
            retries=0,
        )
        runner = JobRunner(self.store.database, self.store.writer, Here(), self.at)
        job = self.store.write(lambda: jobs_store.ask("vault", argument, self.at()))
        done = runner.run(job, definition)
        assert done.error is None, done.error
        return dict(done.result or {})

    def fill(self, **argument: object) -> dict[str, Any]:
        """Store what the vault lacks."""
        return self.run(VaultFill(self.parts()), store, **argument)

    def verify(self) -> dict[str, Any]:
        """Read every object again."""
        before = (self.now + timedelta(seconds=1)).isoformat(timespec="seconds")
        return self.run(VaultScrub(self.parts()), read_blob, before=before)

    def gc(self, *, reconciled: bool = True, **argument: object) -> dict[str, Any]:
        """Look the vault through, and move on what nothing refers to."""
        if reconciled:
            self.store.write(lambda: meta.write("last_reconcile_at", self.at()))
        rules = GcRules(
            self.store.writer,
            30.0,
            25.0,
            lambda: self.doubts,
            lambda: Uptime("a start", self.up_seconds),
        )
        # The parts in which there is nothing are left out: they take time.
        away = [path.name for path in (self.folder / ".quarantine").glob("*")]
        used = {name[0] for name in (*self.states(), *self.objects(), *away)}
        parts = [part for part in PARTS if part == PARTS[0] or part in used]
        return self.run(VaultGc(self.parts(), rules, parts), look_through, **argument)

    def objects(self) -> dict[str, bytes]:
        """Every object in its place, by digest."""
        return {
            path.name: path.read_bytes() for path in self.folder.glob("??/??/*") if path.is_file()
        }

    def states(self) -> dict[str, BlobState]:
        """What the rows say, by digest."""
        return self.store.read(lambda: {r.sha256: BlobState(r.state) for r in Blob.select()})

    def library(self) -> set[bytes]:
        """The contents of all files of the library."""
        return {path.read_bytes() for path in self.world.photos.rglob("*") if path.is_file()}
