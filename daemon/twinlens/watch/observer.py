"""Being told by the kernel where something happened below a root.

The watcher promises no more than hints. What it does promise is to say so when it has gone deaf: a
full queue, folders it could not watch, a file system that went away all come as a LOST hint, on
which the owner scans the root.
"""

import errno
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import ObservedWatch

from twinlens.host.limits import read_inotify_limits
from twinlens.watch.hints import Hint, HintKind, LostReason
from twinlens.watch.ignore import CANARY_FOLDER, IgnoreList
from twinlens.watch.kernel_watches import Failures, LostEvent, RootObserver, WatchGroup

_LOG = logging.getLogger(__name__)

# Without a filter every open and close counts, our own reading too, and a walk over a large tree
# fills the kernel's queue. Creations and moves must stay, or files moved out of sight are not told.
_EVENTS: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]


@dataclass(frozen=True, slots=True)
class WatchReport:
    """How well a root is watched.

    `first_errno` and `first_path` tell of the first of `failures` folders without a watch;
    `advice` is one line for the owner, empty where there is nothing to do.
    """

    root: bytes
    directories: int
    failures: int = 0
    first_errno: int = 0
    first_path: bytes | None = None
    advice: str = ""

    @property
    def is_watched(self) -> bool:
        """True where the root at least is watched."""
        return self.directories > 0

    @property
    def is_complete(self) -> bool:
        """True where every folder is watched."""
        return self.is_watched and not self.failures


class Watcher:
    """Watches roots and hands hints to `on_hint`.

    Hints come on one thread of the watcher's own. `on_hint` should only put them somewhere: while
    it runs, `watch` and `unwatch` wait. What it raises is logged and dropped.
    """

    def __init__(self, on_hint: Callable[[Hint], None]) -> None:
        self._on_hint = on_hint
        self._observer: RootObserver | None = None
        self._no_observer = errno.ENODEV
        self._watches: dict[bytes, ObservedWatch] = {}
        self._lock = threading.RLock()
        self._stopper: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen. Where the kernel refuses one more watcher, `watch` will say so."""
        try:
            self._observer = RootObserver()
        except OSError as error:
            self._no_observer = error.errno or errno.ENODEV
            _LOG.warning("cannot listen for events: %s", error.strerror)
            return
        self._observer.start()

    def stop(self) -> None:
        """Ask everything to end. Returns at once, also while a share hangs; `join` waits."""
        observer, self._observer = self._observer, None
        if observer is None:
            return
        self._stopper = threading.Thread(
            target=_stop, args=(observer,), name="watch-stop", daemon=True
        )
        self._stopper.start()

    def join(self, deadline_seconds: float) -> None:
        """Wait so long for all threads to end; one left behind dies with the process."""
        if self._stopper is not None:
            self._stopper.join(deadline_seconds)

    @property
    def is_healthy(self) -> bool:
        """True while events are being read and handed on."""
        return self._observer is not None and self._observer.is_reading()

    def watch(self, root: bytes, ignore: IgnoreList) -> WatchReport:
        """Watch a root, or place the watches that are missing of one that is watched already.

        Takes a read of every folder. Scan afterwards: what was there before gives no hint. Never
        raises for a root that cannot be watched; the report says why. A root that is watched
        keeps the list it was first given.
        """
        root = root.rstrip(b"/") or b"/"
        try:
            group = self._group(root, ignore)
        except OSError as error:
            return self._refused(root, error.errno or 0)
        failures = group.place_all()
        directories = group.count()
        if not directories:
            # It was there a moment ago.
            return self._refused(root, errno.ENOENT)
        return self._report(root, directories, failures)

    def unwatch(self, root: bytes) -> None:
        """Stop watching a root; nothing where it is not watched."""
        with self._lock:
            watch = self._watches.pop(root.rstrip(b"/") or b"/", None)
            if watch is not None and self._observer is not None:
                self._observer.unschedule(watch)

    def _group(self, root: bytes, ignore: IgnoreList) -> WatchGroup:
        with self._lock:
            observer = self._observer
            if observer is None:
                raise OSError(self._no_observer, os.strerror(self._no_observer))
            watch = self._watches.get(root)
            if watch is not None and not observer.group_of(watch).is_active:
                # The root was deleted, upon which watchdog ended its thread.
                self.unwatch(root)
                watch = None
            if watch is None:
                watch = self._watches[root] = self._schedule(observer, root, ignore)
            return observer.group_of(watch)

    def _schedule(self, observer: RootObserver, root: bytes, ignore: IgnoreList) -> ObservedWatch:
        name = os.fsdecode(root)
        start = len(root.rstrip(b"/")) + 1
        canary = os.path.join(root, CANARY_FOLDER)

        def is_taken(path: bytes) -> bool:
            return path == canary or ignore.reason(path[start:], is_directory=True) is None

        observer.allow(name, is_taken)
        handler = _Handler(root, ignore, self._tell)
        return observer.schedule(handler, name, recursive=True, event_filter=_EVENTS)

    def _tell(self, hint: Hint) -> None:
        if self._observer is None:
            return
        try:
            self._on_hint(hint)
        except Exception:  # noqa: BLE001  a listener that fails must not end the watcher
            _LOG.exception("a hint was dropped: %s", hint.path)

    @staticmethod
    def _refused(root: bytes, number: int) -> WatchReport:
        return Watcher._report(root, 0, Failures(1, number, root))

    @staticmethod
    def _report(root: bytes, directories: int, failures: Failures) -> WatchReport:
        return WatchReport(
            root=root,
            directories=directories,
            failures=failures.count,
            first_errno=failures.first_errno,
            first_path=failures.first_path,
            advice=_advice(failures.first_errno, directories + failures.count),
        )


class _Handler(FileSystemEventHandler):
    """Translates the events of one root into hints."""

    def __init__(self, root: bytes, ignore: IgnoreList, tell: Callable[[Hint], None]) -> None:
        self._root = root
        self._start = len(root.rstrip(b"/")) + 1
        self._ignore = ignore
        self._tell = tell
        self._canary = os.path.join(root, CANARY_FOLDER, b"canary-")

    def dispatch(self, event: FileSystemEvent) -> None:
        """Turn one event into a hint, or into none; never raises."""
        try:
            hint = self._hint(event)
        except Exception:  # noqa: BLE001  watchdog's thread would end silently
            _LOG.exception("an event was not understood: %r", event)
            hint = self._lost(LostReason.BROKEN, "an event was not understood")
        if hint is not None:
            self._tell(hint)

    def _hint(self, event: FileSystemEvent) -> Hint | None:
        path = os.fsencode(event.src_path)
        if isinstance(event, LostEvent) or path == self._root:
            return self._of_root(event)
        if isinstance(event, (FileMovedEvent, DirMovedEvent)):
            return self._moved(event, path, os.fsencode(event.dest_path))
        if path.startswith(self._canary) and not event.is_directory:
            return Hint(HintKind.CANARY, self._root, path)
        if not self._is_taken(path, event):
            return None
        if isinstance(event, (FileDeletedEvent, DirDeletedEvent)):
            return self._gone(event, path)
        return self._arrived(event, path, is_closed=isinstance(event, FileClosedEvent))

    def _of_root(self, event: FileSystemEvent) -> Hint | None:
        if isinstance(event, DirDeletedEvent):
            return self._lost(LostReason.ROOT_GONE, "the folder was deleted")
        if not isinstance(event, LostEvent):
            return None
        detail = event.failure
        if event.reason is LostReason.WATCH_LIMIT:
            detail = f"{detail}: {_advice(errno.ENOSPC, 0)}"
        return self._lost(event.reason, detail)

    def _moved(self, event: FileSystemEvent, source: bytes, destination: bytes) -> Hint | None:
        is_from_sight = self._is_taken(source, event)
        is_to_sight = self._is_taken(destination, event)
        if is_from_sight and is_to_sight:
            kind = HintKind.FOLDER_MOVED if event.is_directory else HintKind.MOVED
            return Hint(kind, self._root, source, destination)
        if is_from_sight:
            return self._gone(event, source)
        if is_to_sight:
            # A temporary name became the real one: whoever wrote the file is done with it.
            return self._arrived(event, destination, is_closed=True)
        return None

    def _arrived(self, event: FileSystemEvent, path: bytes, *, is_closed: bool) -> Hint:
        if event.is_directory:
            return Hint(HintKind.FOLDER, self._root, path)
        return Hint(HintKind.PATH, self._root, path, is_closed=is_closed)

    def _gone(self, event: FileSystemEvent, path: bytes) -> Hint:
        kind = HintKind.FOLDER_GONE if event.is_directory else HintKind.GONE
        return Hint(kind, self._root, path)

    def _lost(self, reason: LostReason, detail: str) -> Hint:
        return Hint(HintKind.LOST, self._root, self._root, lost=reason, detail=detail)

    def _is_taken(self, path: bytes, event: FileSystemEvent) -> bool:
        relative = path[self._start :]
        return self._ignore.reason(relative, is_directory=event.is_directory) is None


def _advice(number: int, wanted: int) -> str:
    if number == 0:
        return ""
    if number == errno.ENOSPC:
        return read_inotify_limits().watch_advice(wanted)
    if number == errno.EMFILE:
        return read_inotify_limits().instance_advice()
    return f"a folder cannot be watched: {os.strerror(number)}"


def _stop(observer: RootObserver) -> None:
    observer.stop()
    observer.join()
