"""The watches of a root, and the threads that serve them: watchdog's, with a few rules changed.

With `kernel_queue` it is all that knows watchdog's inside; everything overridden is internal, hence
the tight pin in pyproject.toml. Against the original:

- an overflow of the kernel's queue is told, and watches are added again without removing any:
  each removal is an event too, so that a large tree would overflow for ever;
- folders that nobody looks into get no watch, and folders that could not be watched are counted;
- a file system that goes away, and a root that is renamed, are told;
- an error in one event is told and ends no thread.
"""

import errno
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from watchdog.events import FileSystemEvent
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter, InotifyWatchGroup
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask
from watchdog.observers.inotify_move_event_grouper import GroupedInotifyEvent, PathedInotifyEvent

from twinlens.watch.hints import LostReason
from twinlens.watch.kernel_queue import KernelQueue

_LOG = logging.getLogger(__name__)

IsTaken = Callable[[bytes], bool]
"""Asked with the absolute path of a folder; True where it is to be watched."""

_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


@dataclass(unsafe_hash=True)
class LostEvent(FileSystemEvent):
    """A loss; it goes through watchdog's queue, so order is kept and one thread speaks."""

    reason: LostReason = LostReason.BROKEN
    failure: str = ""


@dataclass(slots=True)
class Failures:
    """Folders that could not be watched: how many, and the first of them."""

    count: int = 0
    first_errno: int = 0
    first_path: bytes | None = None
    _last: bytes | None = None

    def note(self, path: bytes, number: int) -> None:
        """Count a folder, once: what cannot be watched often cannot be read either."""
        if path == self._last:
            return
        self._last = path
        self.count += 1
        # A limit is what the owner can cure, so it is what is shown.
        if self.first_path is None or (number == errno.ENOSPC != self.first_errno):
            self.first_errno, self.first_path = number, path


@dataclass(kw_only=True, eq=False)
class WatchGroup(InotifyWatchGroup):
    """All watches below one root."""

    is_taken: IsTaken
    on_lost: Callable[[LostReason, str], None]
    failures: Failures = field(default_factory=Failures, init=False)
    _is_limit_told: bool = field(default=False, init=False)
    _is_unmounting: bool = field(default=False, init=False)

    def count(self) -> int:
        """How many folders are watched."""
        with self._lock:
            return len(self._active_callbacks_by_watch)

    def place_all(self) -> Failures:
        """Place what is missing of the watches, and give what could not be placed.

        Reads every folder; events are handed on meanwhile.
        """
        self.failures = Failures()
        self._is_limit_told = True
        for path in self._folders(self.path):
            with self._lock:
                if not self._is_active:
                    break
                self._add_callback(path)
        self._is_limit_told = False
        return self.failures

    def forget_tree(self, path: bytes) -> None:
        """Take the watches off a folder that left the root, so that it sends no ghosts."""
        prefix = path + b"/"
        with self._lock:
            if not self._is_active or path not in self._active_callbacks_by_path:
                return
            paths = [
                each
                for each in self._active_callbacks_by_path
                if each == path or each.startswith(prefix)
            ]
            self._remove_callbacks(
                [
                    descriptor
                    for descriptor in {self._active_callbacks_by_path[each] for each in paths}
                    if self._active_callbacks_by_watch.get(descriptor) in paths
                ]
            )
            # In the meantime another folder may have taken the name.
            self._add_all_callbacks(path)

    def on_event(self, event: InotifyEvent) -> None:
        """Keep what watchdog drops: the end of a mount, and the root's own renaming."""
        if event.mask & InotifyConstants.IN_UNMOUNT:
            if not self._is_unmounting:
                self._is_unmounting = True
                self.on_lost(LostReason.UNMOUNTED, "a file system was unmounted")
            return
        self._is_unmounting = False
        if event.is_move_self:
            with self._lock:
                is_root = self._active_callbacks_by_watch.get(event.wd) == self.path
            if is_root:
                self.on_lost(LostReason.ROOT_GONE, "the folder was renamed")
            return
        super().on_event(event)

    def _move_watches(self, move_src_path: bytes, move_dst_path: bytes) -> bool:
        """Carry watches over to a folder's new name, and have those placed that are missing there.

        A subfolder that was made just before is announced under the old name, where it cannot be
        watched any more: `mkdir -p a/b; mv a c`. The answer "not watched before" makes watchdog
        look through all of the destination; what is watched already costs one call each.
        """
        super()._move_watches(move_src_path, move_dst_path)
        return False

    def on_queue_overflow(self) -> None:
        """Watch what was created unseen. What is pending is kept: a late hint is still a hint."""
        with self._lock:
            if not self._is_active:
                return
            by_watch = self._active_callbacks_by_watch
            self._active_callbacks_by_path = {path: wd for wd, path in by_watch.items()}
            self._add_all_callbacks(self.path)
        # After the watches: a scan that starts now misses nothing that they do not see.
        self.on_lost(LostReason.OVERFLOW, "more happened at once than the kernel's queue holds")

    def _activate(self) -> None:
        # Only the root: watchdog holds a lock here that stops all hints; `place_all` takes longer.
        with self._lock:
            self._add_callback(self.path)
            self._is_active = True

    def _add_all_callbacks(self, path: bytes) -> None:
        for folder in self._folders(path):
            self._add_callback(folder)

    def _add_callback(self, path: bytes) -> None:
        try:
            descriptor = self._inotify_fd.add_callback(
                path, self.event_mask, self._callback, self._id
            )
        except OSError as error:
            if path == self.path and not self._is_active:
                raise
            self._note_failure(path, error.errno or 0)
            return
        self._active_callbacks_by_path[path] = descriptor
        self._active_callbacks_by_watch[descriptor] = path

    def _note_failure(self, path: bytes, number: int) -> None:
        if number in _VANISHED:
            return
        self.failures.note(path, number)
        if number == errno.ENOSPC and not self._is_limit_told:
            self._is_limit_told = True
            self.on_lost(LostReason.WATCH_LIMIT, "a new folder could not be watched")

    def _folders(self, top: bytes) -> Iterator[bytes]:
        """Give a folder and all that are taken below it, each before it is read.

        The caller watches each as it comes, so a folder that appears in between is either read
        here or reported by the watch.
        """
        if top != self.path and not self.is_taken(top):
            return
        waiting = [top]
        while waiting:
            path = waiting.pop()
            yield path
            try:
                with os.scandir(path) as entries:
                    waiting.extend(
                        entry.path
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False) and self.is_taken(entry.path)
                    )
            except OSError as error:
                self._note_failure(path, error.errno or 0)

    def _recursive_simulate(self, src_path: bytes) -> list[InotifyEvent]:
        # A hint about a new folder means all of it; it needs no made-up events for its contents.
        return []


class RootEmitter(InotifyEmitter):
    """Turns the events of one root into watchdog's; one thread."""

    _group: WatchGroup | None = None

    def __init__(self, *args: Any, is_taken: dict[str, IsTaken], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = f"watch-{os.path.basename(self.watch.path)}"
        self._is_taken = is_taken[self.watch.path]

    @property
    def group(self) -> WatchGroup:
        """The watches; only asked of an emitter that was started."""
        assert self._group is not None
        return self._group

    def on_thread_start(self) -> None:
        """Watch the root alone. Raises OSError where it cannot be watched."""
        self._inotify = self._group = WatchGroup(
            self._inotify_fd,
            os.fsencode(self.watch.path),
            is_recursive=True,
            event_mask=Mask(self.get_event_mask_from_filter() | InotifyConstants.IN_MOVE_SELF),
            is_taken=self._is_taken,
            on_lost=self.tell_lost,
        )

    def queue_events(self, timeout: float, *, full_events: bool = False) -> None:
        """Handle one event; never raises."""
        try:
            super().queue_events(timeout, full_events=full_events)
        except Exception:  # noqa: BLE001  the thread must outlive any one event
            _LOG.warning("an event could not be handled in %s", self.watch.path, exc_info=True)
            self.tell_lost(LostReason.BROKEN, "an event could not be handled")

    def queue_event(self, event: FileSystemEvent) -> None:
        """Pass on what happened, but not what watchdog makes up about the contents of a folder."""
        if not event.is_synthetic:
            super().queue_event(event)

    def build_and_queue_event(
        self, event: GroupedInotifyEvent, *, full_events: bool = False
    ) -> None:
        """As watchdog's, and forget the watches of a folder that nobody claimed within the root."""
        super().build_and_queue_event(event, full_events=full_events)
        if (
            isinstance(event, PathedInotifyEvent)
            and event.ev.is_moved_from
            and event.ev.is_directory
        ):
            self.group.forget_tree(event.path)

    def tell_lost(self, reason: LostReason, failure: str) -> None:
        """Put a loss in line behind what is already waiting to be handed on."""
        self._event_queue.put(
            (LostEvent(self.watch.path, reason=reason, failure=failure), self.watch)
        )


class RootObserver(BaseObserver):
    """One descriptor, one reading thread, one speaking thread, and one thread a root."""

    timeout_seconds: ClassVar[float] = 1.0

    def __init__(self) -> None:
        """Open the descriptor. Raises OSError where no more are allowed."""
        self._queue = KernelQueue(self._tell_broken)
        self._is_taken: dict[str, IsTaken] = {}
        super().__init__(
            RootEmitter,
            timeout=self.timeout_seconds,
            inotify_fd=self._queue,
            is_taken=self._is_taken,
        )
        self.name = "watch-hints"
        self._queue.start()

    def allow(self, root: str, is_taken: IsTaken) -> None:
        """Say which folders of a root are to be watched, before it is scheduled."""
        self._is_taken[root] = is_taken

    def group_of(self, watch: Any) -> WatchGroup:
        """Give the watches of a scheduled root."""
        emitter = self._emitter_for_watch[watch]
        assert isinstance(emitter, RootEmitter)
        return emitter.group

    def is_reading(self) -> bool:
        """True while both threads that serve all roots are alive."""
        return self.is_alive() and self._queue.is_alive()

    def _tell_broken(self) -> None:
        for emitter in self._emitters.copy():
            if isinstance(emitter, RootEmitter):
                emitter.tell_lost(LostReason.BROKEN, "an event could not be handled")

    def on_thread_stop(self) -> None:
        """Stop the roots, then the descriptor."""
        super().on_thread_stop()
        self._queue.stop()
        self._queue.join()
