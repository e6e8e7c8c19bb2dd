"""Keeps watch over the roots: by events or by polling, and through disks that come and go.

Whatever leaves a doubt about a root (lost events, an unmount, a return) ends in a scan of it.
"""

import errno
import logging
import os
import threading
from collections.abc import Callable

from twinlens.actions.canary import prove_events
from twinlens.config.schema import Config
from twinlens.ingest.places import Place
from twinlens.model.events import EventName, Severity
from twinlens.model.paths import printable, to_text
from twinlens.model.roots import RootState, WatchMode
from twinlens.service.engine import Engine, catalog_of
from twinlens.store import roots as roots_store
from twinlens.watch.hints import Hint, HintKind, LostReason
from twinlens.watch.mounts import current_mounts, is_network, mount_of
from twinlens.watch.observer import Watcher, WatchReport
from twinlens.watch.polling import PollingChoice, should_poll

logger = logging.getLogger(__name__)

_LIMITS = (errno.ENOSPC, errno.EMFILE)
"""What the kernel says where it grants no more watches."""

_REACHABLE = (RootState.ONLINE, RootState.SUSPECT)


class Sentry:
    """Watches all roots. `on_hint` gets what the watcher has to say; `ask_scan(root id, why)` asks
    for a scan of a root."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        on_hint: Callable[[Hint], None],
        ask_scan: Callable[[int | None, str], None],
    ) -> None:
        self._config = config
        self._engine = engine
        self._on_hint = on_hint
        self._ask_scan = ask_scan
        self._watcher = Watcher(self._take)
        self._canaries: dict[bytes, threading.Event] = {}
        self._modes: dict[int, WatchMode] = {}
        self._known: dict[int, tuple[WatchMode, str]] = {}

    def start(self) -> None:
        """Watch every root that can be watched."""
        self._watcher.start()
        for place in self._engine.places.all():
            self._watch(place)

    def stop(self) -> None:
        """End watching; returns at once."""
        self._watcher.stop()

    def join(self, deadline_seconds: float) -> None:
        """Wait for the watcher's threads."""
        self._watcher.join(deadline_seconds)

    def polled(self) -> list[int]:
        """The roots whose changes only a scan finds."""
        return [root_id for root_id, mode in self._modes.items() if mode is WatchMode.POLLING]

    @property
    def is_complete(self) -> bool:
        """Whether every root is there and looked after."""
        return WatchMode.NONE not in self._modes.values()

    def settle_seconds(self, root: bytes) -> float:
        """How long a file below this root has to hold still: longer on a network share."""
        watch = self._config.watch
        if is_network(mount_of(root, current_mounts())):
            return watch.network_settle_seconds
        return watch.settle_seconds

    def refresh(self) -> None:
        """Place watches that went missing, and count the folders anew."""
        for place in self._engine.places.all():
            if self._modes.get(place.root_id) is WatchMode.INOTIFY:
                self._watch(place)

    def look_after(self) -> None:
        """See which roots came and went since the last call, and watch and scan accordingly."""
        for place in self._engine.places.all():
            before = self._engine.places.state(place.root_id)
            state = self._engine.places.check(place.root_id).state
            is_watched = self._modes.get(place.root_id) is not WatchMode.NONE
            if state in _REACHABLE and not (is_watched and before in _REACHABLE):
                self._watch(place)
                self._ask_scan(place.root_id, "the root is back")
            elif state not in _REACHABLE and is_watched:
                self._watcher.unwatch(place.path)
                self._watch(place)
                # Another disk or folder may be the same pictures: a scan recognises them.
                if state is RootState.CHANGED:
                    self._ask_scan(place.root_id, "the root changed")

    def events_lost(self, place: Place, hint: Hint) -> None:
        """The watcher went deaf for a moment, or for good."""
        root_id = place.root_id
        if hint.lost is LostReason.OVERFLOW:
            self._engine.writer.call(lambda: roots_store.count_overflow(root_id))
        self._engine.bus.publish(
            self._engine.new_event(
                EventName.EVENTS_LOST,
                f"events were lost ({hint.detail or hint.lost}), scanning: {printable(place.path)}",
                severity=Severity.WARNING,
                root=to_text(place.path),
                reason=None if hint.lost is None else hint.lost.value,
                detail=hint.detail,
            )
        )
        if hint.lost in (LostReason.UNMOUNTED, LostReason.ROOT_GONE, LostReason.BROKEN):
            self._watcher.unwatch(place.path)
        if hint.lost is not LostReason.OVERFLOW:
            self._watch(place)
        self._ask_scan(root_id, "events were lost")

    def _take(self, hint: Hint) -> None:
        if hint.kind is HintKind.CANARY:
            heard = self._canaries.get(hint.path)
            if heard is not None:
                heard.set()
            return
        self._on_hint(hint)

    def _watch(self, place: Place) -> None:
        """Watch one root by events or by polling, and record which and why."""
        mode, detail = self._choose_mode(place)
        root_id = place.root_id
        if self._known.get(root_id) == (mode, detail):
            return
        self._modes[root_id] = mode
        self._known[root_id] = mode, detail
        self._engine.writer.call(lambda: roots_store.set_watch(root_id, mode, detail))
        logger.info("%s (%s): %s", mode.value, detail, printable(place.path))

    def _choose_mode(self, place: Place) -> tuple[WatchMode, str]:
        if self._engine.places.check(place.root_id).state not in _REACHABLE:
            return WatchMode.NONE, "not reachable now"
        catalog = catalog_of(self._config, place.path)
        choices = {os.fsencode(root): choice for root, choice in catalog.polling.items()}
        choice: PollingChoice = choices.get(place.path, self._config.watch.polling).value
        mount = mount_of(place.path, current_mounts())
        is_polled, why = should_poll(choice, mount)
        if is_polled:
            return WatchMode.POLLING, why
        report = self._watcher.watch(place.path, place.ignore)
        if not report.is_watched:
            return WatchMode.POLLING, f"it cannot be watched; {report.advice}"
        if catalog.canary:
            is_polled, why = should_poll(choice, mount, self._canary(place.path))
            if is_polled:
                self._watcher.unwatch(place.path)
                return WatchMode.POLLING, why
        return WatchMode.INOTIFY, _described(report, why)

    def _canary(self, root: bytes) -> bool | None:
        def saw(path: bytes, seconds: float) -> bool:
            heard = self._canaries.setdefault(path, threading.Event())
            return heard.wait(seconds)

        result = prove_events(root, saw)
        self._canaries.clear()
        logger.info("canary: %s: %s", result.detail, printable(root))
        return result.is_seen


def _described(report: WatchReport, why: str) -> str:
    if report.is_complete:
        return f"{report.directories} folders, {why}"
    everything = report.failures + report.directories
    unwatched = (
        f"{report.failures} of {everything} folders {'is' if report.failures == 1 else 'are'} "
        f"not watched"
    )
    if report.first_errno not in _LIMITS and report.first_path is not None:
        # A scan may be unable to read it just as well, and then says so itself.
        return f"{unwatched}: {os.strerror(report.first_errno)}: {printable(report.first_path)}"
    return f"{unwatched}, scans find what changes in them; {report.advice}"
