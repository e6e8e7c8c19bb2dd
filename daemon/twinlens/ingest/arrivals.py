"""From hints to the work queue: what was hinted at settles first, a flood collapses upward.

Hints come from the watcher's thread and are only put on a list there; everything else happens in
`step`, on the thread that owns this.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from twinlens.ingest.places import Place, Places
from twinlens.jobs.work_queue import WRITTEN, WorkQueue
from twinlens.model.files import Stat
from twinlens.model.paths import join, printable
from twinlens.store import files as files_store
from twinlens.store import known_files, work_items
from twinlens.store.database import Database
from twinlens.watch.hints import Hint, HintKind
from twinlens.watch.scanner import walk
from twinlens.watch.settle import Sample, SettleTracker

logger = logging.getLogger(__name__)

MOST_HINTS = 50_000
"""Beyond so many hints that wait, a root is scanned instead of followed."""

EVENT = "event"

FOLDER_LOOKS = 2
"""A new folder is walked at once and once more when it has settled: files that were made before its
watch was placed gave no event."""


@dataclass(frozen=True, slots=True)
class ArrivalParts:
    """What arrivals work with. `ask_scan(root id, why)` asks for a scan of a root;
    `on_activity` hears that there will be work soon; `settle_seconds` is asked per root path."""

    database: Database
    places: Places
    queue: WorkQueue
    ask_scan: Callable[[int, str], None]
    on_lost: Callable[[Place, Hint], None]
    on_activity: Callable[[], None]
    settle_seconds: Callable[[bytes], float]
    monotonic: Callable[[], float]
    is_stopped: Callable[[], bool]


@dataclass(slots=True)
class _Looks:
    """Paths to look at now. The new names of what was renamed come first: whoever finds the old one
    empty must know by then where the file went, or would say that it is gone."""

    new: set[bytes] = field(default_factory=set)
    old: set[bytes] = field(default_factory=set)


class Arrivals:
    """Collects hints and puts settled paths into the queue."""

    def __init__(self, parts: ArrivalParts, wake: threading.Event) -> None:
        self._parts = parts
        self._wake = wake
        # With the time at which each came: a step that was held up must not make a file wait anew.
        self._hints: deque[tuple[float, Hint]] = deque()
        self._drowned: set[bytes] = set()
        self._trackers: dict[int, SettleTracker] = {
            place.root_id: SettleTracker(parts.settle_seconds(place.path))
            for place in parts.places.all()
        }
        self._folders: dict[bytes, tuple[float, int]] = {}

    def hint(self, hint: Hint) -> None:
        """Take a hint. Called on the watcher's thread; never waits."""
        if len(self._hints) >= MOST_HINTS and hint.kind is not HintKind.LOST:
            self._drowned.add(hint.root)
        else:
            self._note_write(hint)
            self._hints.append((self._parts.monotonic(), hint))
        self._wake.set()

    def waiting(self) -> int:
        """How many paths have not settled yet."""
        return sum(len(tracker) for tracker in self._trackers.values())

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to look at, now or later."""
        return not (self._hints or self._drowned or self._folders or self.waiting())

    def step(self) -> float:
        """Take the hints, look at what is due; returns the seconds until there is more to do."""
        self._take_hints()
        now = self._parts.monotonic()
        self._walk_folders(now)
        for place in self._parts.places.all():
            settled = self._trackers[place.root_id].due(now, _sample)
            self._put(place, {p for p in map(place.relative, settled) if p})
        due = [t.next_due() for t in self._trackers.values()]
        due += [at for at, _ in self._folders.values()]
        soonest = min((at for at in due if at is not None), default=None)
        return 30.0 if soonest is None else max(soonest - now, 0.0)

    def _take_hints(self) -> None:
        looks: dict[Place, _Looks] = {}
        for _ in range(len(self._hints)):
            at, hint = self._hints.popleft()
            place = self._parts.places.at(hint.root)
            if place is None:
                continue
            if hint.kind is HintKind.LOST:
                self._parts.on_lost(place, hint)
                continue
            self._parts.on_activity()
            self._take(place, hint, at, looks.setdefault(place, _Looks()))
        for place, found in looks.items():
            for paths in (found.new, found.old - found.new):
                self._put(place, paths)
        while self._drowned:
            place = self._parts.places.at(self._drowned.pop())
            if place is not None:
                self._parts.ask_scan(place.root_id, "too many events to follow")

    def _note_write(self, hint: Hint) -> None:
        """At once, and not when the path has settled: a rename may come in between."""
        writes = self._parts.places.writes
        if hint.kind is HintKind.PATH and hint.is_closed:
            writes.written(hint.path)
        elif hint.kind is HintKind.MOVED and hint.destination:
            writes.renamed(hint.path, hint.destination)
        elif hint.kind is HintKind.FOLDER_MOVED and hint.destination:
            writes.folder_renamed(hint.path, hint.destination)

    def _put(self, place: Place, paths: set[bytes]) -> None:
        """Ask for relative paths to be looked at."""
        mark = self._parts.places.writes.mark
        written = {path for path in paths if mark(place.absolute(path)) is not None}
        for reason, those in ((WRITTEN, written), (EVENT, paths - written)):
            if those:
                self._parts.queue.put(place.root_id, sorted(those), reason)

    def _take(self, place: Place, hint: Hint, now: float, looks: "_Looks") -> None:
        """Sort one hint, which came at `now`: a path to be looked at goes into `looks`, others
        settle."""
        tracker = self._trackers[place.root_id]
        relative = place.relative(hint.path)
        if hint.kind is HintKind.PATH:
            tracker.touch(hint.path, now, is_closed=hint.is_closed)
            # A walk may have found it under its new name before this event was heard.
            new = self._parts.places.writes.take_new_name(hint.path) if hint.is_closed else None
            if new is not None:
                tracker.touch(new, now, is_closed=True)
        elif hint.kind is HintKind.FOLDER:
            self._folders[hint.path] = (now, FOLDER_LOOKS)
        elif hint.kind is HintKind.GONE and relative:
            tracker.forget(hint.path)
            looks.old.add(relative)
        elif hint.kind is HintKind.FOLDER_GONE and relative:
            looks.old |= self._known_below(place, relative)
        elif hint.kind is HintKind.MOVED and relative and hint.destination:
            self._take_rename(place, hint.path, hint.destination, now, looks)
        elif hint.kind is HintKind.FOLDER_MOVED and relative and hint.destination:
            target = place.relative(hint.destination)
            for path in self._known_below(place, relative):
                looks.old.add(path)
                if target:
                    looks.new.add(target + path[len(relative) :])
            self._folders[hint.destination] = (now, FOLDER_LOOKS)

    def _take_rename(
        self, place: Place, source: bytes, destination: bytes, now: float, looks: "_Looks"
    ) -> None:
        tracker = self._trackers[place.root_id]
        tracker.forget(source)
        old, new = place.relative(source), place.relative(destination)
        if not old or not new:
            return
        with self._parts.database.reading():
            is_known = files_store.find(place.root_id, old) is not None
        if is_known:
            # A known file under a new name: one look at its stat says so, nothing is read.
            looks.old.add(old)
            looks.new.add(new)
        else:
            tracker.touch(destination, now, is_closed=True)

    def _known_below(self, place: Place, folder: bytes) -> set[bytes]:
        """What is recorded below a folder, and what is on its way to be."""
        with self._parts.database.reading():
            recorded = {record.path for record in files_store.below(place.root_id, folder)}
            return recorded | set(work_items.below(place.root_id, folder))

    def _walk_folders(self, now: float) -> None:
        due = [folder for folder, (at, _) in self._folders.items() if at <= now]
        for folder in due:
            _, looks = self._folders.pop(folder)
            place = self._parts.places.at(folder)
            if place is None or self._parts.is_stopped():
                continue
            self._walk(place, folder, now)
            if looks > 1:
                again = now + self._parts.settle_seconds(place.path)
                self._folders.setdefault(folder, (again, looks - 1))

    def _walk(self, place: Place, folder: bytes, now: float) -> None:
        tracker = self._trackers[place.root_id]
        for listing in walk(
            place.path, place.ignore, under=folder, is_stopped=self._parts.is_stopped
        ):
            if listing.error is not None:
                logger.debug("%s: %s", listing.error, printable(listing.directory))
            with self._parts.database.reading():
                known = known_files.in_directory(
                    place.root_id, place.relative(listing.directory) or b""
                )
            for name, stat in listing.entries:
                record = known.get(name)
                if record is None or not record.is_as(stat):
                    tracker.touch(join(listing.directory, name), now)


def _sample(path: bytes) -> Sample | None:
    try:
        stat = Stat.of(os.lstat(path))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    return stat.size, stat.mtime_ns
