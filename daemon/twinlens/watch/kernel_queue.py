"""The inotify descriptor and the thread that reads it: watchdog's, with its sharp edges taken off.

What is overridden here is internal to watchdog, hence the tight pin in pyproject.toml. Against the
original: an error in one event ends no thread, an overflow is left to the groups to tell, a folder
that may not be watched is an error, and the descriptor does not leak into other programs.
"""

import errno
import logging
import os
from collections.abc import Callable

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    Watch,
    WatchCallback,
    WatchDescriptor,
)

_LOG = logging.getLogger(__name__)


class KernelQueue(InotifyFD):
    """The inotify descriptor and the thread that reads it."""

    def __init__(self, on_broken: Callable[[], None]) -> None:
        """Open the descriptor. Raises OSError where no more are allowed."""
        super().__init__()
        self._on_broken = on_broken
        self.name = "watch-inotify"
        os.set_inheritable(self._inotify_fd, False)

    def handle_event(self, event: InotifyEvent) -> None:
        """Hand on one event; never raises."""
        try:
            if event.is_queue_overflow:
                for group in self._groups():
                    group.on_queue_overflow()
            else:
                super().handle_event(event)
        except Exception:  # noqa: BLE001  the thread must outlive any one event
            _LOG.warning("an event could not be handled; the roots will be scanned", exc_info=True)
            self._on_broken()

    def _groups(self) -> list[WatchCallback]:
        with self._lock:
            found = {
                id(group): group
                for watch in self._watch_for_wd.values()
                for group in watch.callbacks.values()
            }
        return list(found.values())

    def _add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        # The original warns of every repeated add with the text of all watches, 100 kB and more.
        watch = self._get_or_create_watch(path, mask)
        watch.callbacks[id_] = callback
        return watch.wd

    def _get_or_create_watch(self, path: bytes, mask: Mask) -> Watch:
        watch = super()._get_or_create_watch(path, mask)
        if watch.wd == -1:
            # The original takes "permission denied" for a watch with the number -1.
            self._watch_for_wd.pop(watch.wd, None)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return watch
