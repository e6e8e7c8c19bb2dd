"""Takes findings into the store as one thing: recorded, regrouped, and told once committed."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twinlens.events import EventBus, EventFactory
from twinlens.grouping.separate_copies import separate_copies
from twinlens.ingest.places import Places
from twinlens.ingest.recorder import Change, Recorded, Recorder, Seen, Touched
from twinlens.ingest.regroup import Regrouped, Regrouper
from twinlens.model.events import EventName, Severity
from twinlens.model.paths import printable, to_text
from twinlens.model.picture import Kind
from twinlens.store import exact_copies, listing, tags
from twinlens.store import originals as originals_store
from twinlens.store.database import Database

logger = logging.getLogger(__name__)

MOST_PATHS = 20
"""Paths that an event carries; a large group is not repeated whole each time it grows."""

_CHANGES = frozenset({Change.ADDED, Change.CHANGED, Change.MOVED, Change.GONE})


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What a batch of findings came to."""

    results: tuple[Recorded, ...]
    regrouped: Regrouped

    def changes(self, is_counted: Callable[[Seen], bool]) -> int:
        """How many of these files came, changed, moved or went."""
        return sum(r.change in _CHANGES and is_counted(r.seen) for r in self.results)

    def look_again(self) -> set[tuple[int, bytes]]:
        """(root id, path) of what has to be looked at once more: what could not be recorded, and
        the other names of a file that was written to."""
        again = {(r.seen.root_id, r.seen.path) for r in self.results if r.change is Change.AGAIN}
        for result in self.results:
            again |= set(result.other_names)
        return again


class Absorber:
    """Records findings and regroups what they touch, in the writer's current transaction."""

    def __init__(
        self,
        database: Database,
        places: Places,
        regrouper: Regrouper,
        clock: Callable[[], datetime],
        bus: EventBus,
    ) -> None:
        self._database = database
        self._places = places
        self._recorder = Recorder(clock)
        self._regrouper = regrouper
        self._bus = bus
        self._new_event = EventFactory(clock)
        self._is_uncommitted = False

    def absorb(self, seen: Sequence[Seen]) -> Absorbed:
        """Record and regroup. Call it inside a transaction of the writer."""
        results, touched = self._recorder.record(seen)
        # A content that was forgotten and is back has the owner's words still.
        tags.restore(touched.originals)
        return Absorbed(tuple(results), self.regroup(touched))

    def warm(self) -> None:
        """Load what a first arrival would wait for. On the writer's thread."""
        self._regrouper.warm()

    def rest(self) -> None:
        """Give back what only work in numbers is quicker by. On the writer's thread."""
        self._regrouper.rest()

    def regroup(self, touched: Touched) -> Regrouped:
        """Group anew what was touched. Call it inside a transaction of the writer."""
        if self._is_uncommitted:
            # The last transaction was rolled back, the index in memory was not.
            self._regrouper.forget_index()
        self._is_uncommitted = True
        self._database.after_commit(self._committed)
        return self._regrouper.regroup(touched)

    def announce(self, absorbed: Absorbed) -> None:
        """Publish what happened. Call it once the transaction went through."""
        added = {r.original_id for r in absorbed.results if r.change is Change.ADDED}
        with self._database.reading():
            shared = originals_store.shared(added - {None})
        for result in absorbed.results:
            self._announce_file(result, is_copy=result.original_id in shared)
        news = [r for r in absorbed.results if r.change in (Change.ADDED, Change.CHANGED)]
        if news and (absorbed.regrouped.file_groups or absorbed.regrouped.duplicate_groups):
            with self._database.reading():
                self._announce_groups(absorbed.regrouped, news)
        for ambiguous in absorbed.regrouped.ambiguous:
            logger.info("left unpaired: %s", ambiguous.reason)

    def _committed(self) -> None:
        self._is_uncommitted = False

    def _announce_file(self, result: Recorded, *, is_copy: bool) -> None:
        place = self._places.get(result.seen.root_id)
        if place is None:
            return
        path = place.absolute(result.seen.path)
        shown = printable(path)
        name, words = {
            Change.ADDED: (EventName.FILE_ARRIVED, "new"),
            Change.CHANGED: (EventName.FILE_CHANGED, "changed"),
            Change.MOVED: (EventName.FILE_MOVED, "renamed"),
            Change.GONE: (EventName.FILE_GONE, "gone"),
        }.get(result.change, (None, ""))
        if name is not None:
            more: dict[str, Any] = {}
            before = self._before(result)
            if before is not None:
                words += f" from {printable(before)}"
                more["path_before"] = to_text(before)
            self._publish(
                name, f"{words}: {shown}", path=to_text(path), catalog=place.catalog, **more
            )
        if result.error is not None and result.change is not Change.UNCHANGED:
            self._publish(
                EventName.FILE_UNJUDGED if result.is_unjudged else EventName.FILE_BROKEN,
                f"{result.error}: {shown}",
                severity=Severity.WARNING,
                path=to_text(path),
                error=result.error,
                catalog=place.catalog,
            )
        stat = result.seen.finding.stat
        # An empty file says nothing, and there may be very many.
        if result.change is Change.ADDED and result.original_id and is_copy and stat and stat.size:
            self._announce_copy(result.original_id, path)

    def _before(self, result: Recorded) -> bytes | None:
        """Where a file lay that was renamed."""
        if result.moved_from is None:
            return None
        root_id, path = result.moved_from
        place = self._places.get(root_id)
        return None if place is None else place.absolute(path)

    def _announce_copy(self, original_id: int, path: bytes) -> None:
        with self._database.reading():
            seen = listing.files_of_original(original_id, most=MOST_PATHS + 2)
            views = [view for view in seen if view.file.kind is not Kind.SIDECAR]
            photographs = exact_copies.photographs_of(view.file.id for view in views)
        is_sidecar = any(view.path == path for view in seen if view not in views)
        others = [view.path for view in views if view.path != path]
        found = separate_copies(
            ((view.file.stat.device, view.file.stat.inode), photographs.get(view.file.id))
            for view in views
        )
        # One file under two names is one copy, and a photograph holds no copies of itself.
        if others and not is_sidecar and len(found.copies) > 1:
            self._publish(
                EventName.DUPLICATE_FOUND,
                f"exact copy of {printable(others[0])}: {printable(path)}",
                duplicate_class="exact",
                paths=[to_text(p) for p in (path, *others[:MOST_PATHS])],
            )

    def _announce_groups(self, regrouped: Regrouped, news: Sequence[Recorded]) -> None:
        """Tell of groups that a new file brought; one that only shrank or moved is no news."""
        new_files = {result.file_id for result in news}
        new_contents = {result.original_id for result in news}
        for group in regrouped.file_groups:
            if not any(member.file_id in new_files for member in group.members):
                continue
            named = group.members[:MOST_PATHS]
            paths = listing.paths_of_files(m.file_id for m in named)
            self._publish(
                EventName.GROUP_FORMED,
                f"{group.group_type.value}: {_some(paths, len(group.members) - len(named))}",
                group_type=group.group_type.value,
                rule=group.rule,
                paths=[to_text(p) for p in paths],
            )
        for found in regrouped.duplicate_groups:
            if not any(member.original_id in new_contents for member in found.members):
                continue
            first = found.members[:MOST_PATHS]
            files = [
                view.path
                for member in first
                for view in listing.files_of_original(member.original_id, most=1)
            ]
            more = len(found.members) - len(first)
            self._publish(
                EventName.DUPLICATE_FOUND,
                f"{found.duplicate_class.value}: {_some(files, more)}",
                duplicate_class=found.duplicate_class.value,
                confidence=found.confidence,
                rule=found.rule,
                paths=[to_text(p) for p in files],
            )

    def _publish(
        self,
        name: EventName,
        message: str,
        *,
        severity: Severity = Severity.INFO,
        **details: object,
    ) -> None:
        self._bus.publish(self._new_event(name, message, severity=severity, **details))


def _some(paths: Sequence[bytes], further: int) -> str:
    shown, more = ", ".join(printable(path) for path in paths[:3]), len(paths[3:]) + further
    return f"{shown} and {more} more" if more else shown
