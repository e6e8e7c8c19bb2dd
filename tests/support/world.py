"""A household without processes: real files, a real store, and every part between them on this
thread, so that a test decides what happens when."""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, TiffImagePlugin

from support.pictures import picture
from support.stores import Store, opened_store
from twinlens.events import EventBus
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.absorber import Absorber
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.intake import Intake, IntakeParts
from twinlens.ingest.limits import WorkerLimits
from twinlens.ingest.places import Place, Places
from twinlens.ingest.regroup import Regrouper
from twinlens.ingest.scan import Scan, ScanParts
from twinlens.ingest.worker import look_at
from twinlens.jobs.runner import JobRunner
from twinlens.jobs.work_queue import Patience, WorkQueue
from twinlens.model.events import Event
from twinlens.model.files import Finding, Look
from twinlens.model.jobs import JobRecord
from twinlens.questions import Questions
from twinlens.store import jobs as jobs_store
from twinlens.watch.ignore import IgnoreList

_SHOT = "2019:05:06 07:08:09"


def jpeg(seed: int, *, quality: int = 90, size: tuple[int, int] = (64, 48)) -> bytes:
    """A picture of a camera, with the time of its shot."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "NIKON CORPORATION", "NIKON D1"
    exif.get_ifd(0x8769)[0x9003] = _SHOT
    stream = BytesIO()
    Image.open(BytesIO(picture(seed, size))).save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


def raw(seed: int) -> bytes:
    """What is a RAW under a name that says so, of the same shot as the JPEG of that seed."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in ((0x010F, "NIKON CORPORATION"), (0x0110, "NIKON D1"), (0x9003, _SHOT)):
        tags.tagtype[tag] = 2
        tags[tag] = value
    stream = BytesIO()
    Image.open(BytesIO(picture(seed))).save(stream, "TIFF", tiffinfo=tags)
    return stream.getvalue()


class Workers(Executor):
    """Looks at paths in this process. While `is_held`, tasks wait until `finish` picks them."""

    processes = 2

    def __init__(self) -> None:
        self.is_held = False
        self.waiting: list[tuple[Look, Future[Finding]]] = []
        self._analyst = Analyst(WorkerLimits(exiftool=shutil.which("exiftool")))

    def submit(  # type: ignore[override]  # positional arguments are all a task needs
        self, fn: Callable[..., Any], /, *args: Any
    ) -> "Future[Finding]":
        assert fn is look_at
        future: Future[Finding] = Future()
        finding = self._analyst.analyse(args[0])
        if self.is_held:
            # What was found is old by the time it arrives.
            self.waiting.append((finding, future))  # type: ignore[arg-type]  # see `finish`
        else:
            future.set_result(finding)
        return future

    def finish(self, number: int = 0) -> None:
        """One of the waiting tasks is done."""
        if self.waiting:
            finding, future = self.waiting.pop(number % len(self.waiting))
            future.set_result(finding)  # type: ignore[arg-type]  # see `submit`

    def close(self) -> None:
        """End exiftool."""
        self._analyst.close()


class World:
    """One watched folder, one store, and the parts that the daemon is made of."""

    def __init__(self, store: Store, photos: Path, workers: Workers) -> None:
        self.store = store
        self.photos = photos
        self.workers = workers
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.results: list[dict[str, object]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.is_stopped = False
        self.ignore = IgnoreList((), ())
        self.settle_seconds = 5.0
        self.brake_percent = 50.0
        self._mtime = 1_500_000_000
        photos.mkdir(exist_ok=True)
        self.restart()

    def restart(self) -> None:
        """A new life of the daemon on the same store."""
        clock = self.clock
        store, bus = self.store, EventBus()
        bus.subscribe(self.events.append)
        records = store.adopt(self.photos)
        self.root_id = records[0].id
        self.places = Places(
            records,
            {records[0].path: self.ignore},
            store.writer,
            lambda *change: None,
            questions=Questions(),
        )
        self.queue = WorkQueue(
            store.database, store.writer, Patience(retries=2, pause_seconds=0.0), time.time, self.at
        )
        self.absorber = Absorber(
            store.database, self.places, Regrouper(PRESETS["normal"], clock), clock, bus
        )
        self.intake = Intake(
            IntakeParts(
                database=store.database,
                writer=store.writer,
                places=self.places,
                queue=self.queue,
                executor=self.workers,
                absorb=self.absorber.absorb,
                announce=self.absorber.announce,
                now=time.time,
                most_under_way=4,
            )
        )
        self.parts = ScanParts(
            database=store.database,
            writer=store.writer,
            places=self.places,
            queue=self.queue,
            absorb=self.absorber.absorb,
            announce=self.absorber.announce,
            monotonic=time.monotonic,
            now=time.time,
            clock=self.at,
            settle_seconds=self.settle_seconds,
            brake_percent=self.brake_percent,
            is_stopped=self._is_stopped,
            on_finished=self.results.append,
        )
        self.scanner = Scan(self.parts)
        self.workers.waiting.clear()
        self.queue.recover()

    def _is_stopped(self) -> bool:
        return self.is_stopped

    @property
    def place(self) -> Place:
        """The watched folder."""
        return self.places.all()[0]

    @staticmethod
    def clock() -> datetime:
        """The time, aware."""
        return datetime.now(UTC)

    @staticmethod
    def at() -> str:
        """The time as text."""
        return datetime.now(UTC).isoformat(timespec="seconds")

    def path(self, name: str) -> Path:
        """A path below the watched folder."""
        return self.photos / name

    def put(self, name: str, content: bytes, *, is_young: bool = False) -> Path:
        """Write a file in place; its mtime is like no other's, and long past."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if not is_young:
            self.age(path)
        return path

    def age(self, path: Path) -> None:
        """Give a file an mtime of its own."""
        self._mtime += 1000
        os.utime(path, (self._mtime, self._mtime))

    def scan(self, **argument: object) -> dict[str, object]:
        """One scan from beginning to end; `meanwhile` is called at each of its items."""
        definition = self.scanner.definition(batch_size=3)
        prepare = definition.prepare

        def prepare_meanwhile(item: Any) -> Any:
            self.meanwhile()
            return prepare(item)

        job = self.run(replace(definition, prepare=prepare_meanwhile), argument)
        assert job.error is None, job.error
        return dict(job.result or {})

    def run(self, definition: Any, argument: dict[str, object]) -> JobRecord:
        """Run a scan's job."""
        runner = JobRunner(
            self.store.database,
            self.store.writer,
            self.workers,
            self.at,
            is_stopped=self._is_stopped,
        )
        job = self.store.write(lambda: jobs_store.ask("scan", argument, self.at()))
        return runner.run(job, definition)

    def hint(self, *names: str) -> None:
        """Settled paths that events told of."""
        self.queue.put(self.root_id, [os.fsencode(name) for name in names], "event")

    def drain(self) -> None:
        """Let everything that waits come to its end."""
        self.workers.is_held = False
        for _ in range(1000):
            while self.workers.waiting:
                self.workers.finish()
            self.intake.step()
            counts = self.queue.counts()
            if self.intake.is_idle and not counts["pending"] and not counts["running"]:
                return
        raise AssertionError(f"the queue never comes to rest: {self.queue.counts()}")


@contextmanager
def opened_world(database: Path, photos: Path, workers: Workers | None = None) -> Iterator[World]:
    """A world, closed at the end."""
    own = workers or Workers()
    with opened_store(database) as store:
        try:
            yield World(store, photos, own)
        finally:
            if workers is None:
                own.close()


def shuffled(items: list[Any], seed: int) -> list[Any]:
    """The items in another order."""
    random.Random(seed).shuffle(items)
    return items
