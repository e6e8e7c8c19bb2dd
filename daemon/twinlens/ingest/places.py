"""The roots at work: each with what is ignored below it, its health, and how paths lead to it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twinlens.ingest.unread_writes import UnreadWrites
from twinlens.model.paths import join, printable, relative_to
from twinlens.model.roots import RootIdentity, RootRecord, RootState
from twinlens.questions import NO_ANSWER, PATIENCE_SECONDS, Questions
from twinlens.store import roots as roots_store
from twinlens.store.writer import Writer
from twinlens.watch.identity import RootHealth, check_root
from twinlens.watch.ignore import IgnoreList

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """One active root: its row's id, its path, and what is not looked at below it."""

    root_id: int
    catalog: str
    path: bytes
    ignore: IgnoreList

    def absolute(self, relative: bytes) -> bytes:
        """The absolute path of a path below the root."""
        return join(self.path, relative)

    def relative(self, path: bytes) -> bytes | None:
        """The path below the root; None where it is no path below it."""
        return relative_to(self.path, path) or None


class Places:
    """All active roots. Health is asked of the disk each time, and recorded when it changed.

    `on_change` hears of a root whose state changed: (place, state before, health now). `writes` are
    those below all roots that were not read yet. `questions` are what the disks are being asked.
    `clash` says of a root that has just come why it cannot be watched beside the others.
    """

    def __init__(
        self,
        records: list[RootRecord],
        ignore_lists: Mapping[bytes, IgnoreList],
        writer: Writer,
        on_change: Callable[[Place, RootState, RootHealth], None],
        *,
        questions: Questions,
        clash: Callable[[bytes], str | None] = lambda path: None,
    ) -> None:
        self._places = {
            record.id: Place(record.id, record.catalog, record.path, ignore_lists[record.path])
            for record in records
        }
        self._identity: dict[int, RootIdentity | None] = {r.id: r.identity for r in records}
        self._state: dict[int, RootState] = {r.id: r.state for r in records}
        self._detail: dict[int, str] = {r.id: r.detail for r in records}
        self._writer = writer
        self._on_change = on_change
        self._questions = questions
        self._clash = clash
        # Reachable, and found to share no file with another root.
        self._apart: set[int] = set()
        # Not asked yet, or asked in vain.
        self._unheard = set(self._places)
        self.writes = UnreadWrites()

    def all(self) -> list[Place]:
        """Every root, in the order of their paths."""
        return sorted(self._places.values(), key=lambda place: place.path)

    def get(self, root_id: int) -> Place | None:
        """The root with this id, where it is active."""
        return self._places.get(root_id)

    def at(self, path: bytes) -> Place | None:
        """The root that a path is, or lies below."""
        return next((p for p in self.all() if relative_to(p.path, path) is not None), None)

    def state(self, root_id: int) -> RootState:
        """The state as last recorded."""
        return self._state[root_id]

    def is_trusted(self, root_id: int) -> bool:
        """Whether an absence below this root may be believed now. Asks the disk."""
        return self.check(root_id).state is RootState.ONLINE

    def answers(self, root_id: int) -> bool:
        """Whether its disk has answered the last time that it was asked, be it with an error. One
        that was not asked yet, or did not answer, is asked."""
        if root_id in self._unheard:
            self.check(root_id)
        return root_id not in self._unheard

    def check(self, root_id: int) -> RootHealth:
        """Look at the root, record what changed, and take down the identity of a new one.

        A root that does not answer in time is unreachable, and costs no further time until it does.
        A root that was found SUSPECT stays so until `set_state` says otherwise: only a scan that
        counts its files can tell.
        """
        place = self._places[root_id]
        health = self._beside_others(place, self._asked(place))
        if health.state is RootState.ONLINE:
            if self._identity[root_id] is None and health.identity is not None:
                self.adopt(root_id, health.identity)
            if self._state[root_id] is RootState.SUSPECT:
                return RootHealth(RootState.SUSPECT, self._detail[root_id], health.identity)
        self.set_state(root_id, health)
        return health

    def _asked(self, place: Place) -> RootHealth:
        known = self._identity[place.root_id]
        health = self._questions.ask(
            place.path, lambda: check_root(place.path, known), PATIENCE_SECONDS, None
        )
        if health is None:
            self._unheard.add(place.root_id)
            return RootHealth(RootState.UNREACHABLE, NO_ANSWER, None)
        self._unheard.discard(place.root_id)
        return health

    def _beside_others(self, place: Place, health: RootHealth) -> RootHealth:
        """The health of a root, which is none where it is another root under a second name: every
        file of it would be its own duplicate."""
        if health.state is RootState.UNREACHABLE:
            self._apart.discard(place.root_id)
        elif place.root_id not in self._apart:
            clash = self._clash(place.path)
            if clash is not None:
                if clash != self._detail[place.root_id]:
                    logger.warning("not watched: %s: %s", clash, printable(place.path))
                return RootHealth(RootState.UNREACHABLE, clash, None)
            self._apart.add(place.root_id)
        return health

    def adopt(self, root_id: int, identity: RootIdentity) -> None:
        """From now on this is what the root is recognised by."""
        self._writer.call(lambda: roots_store.set_identity(root_id, identity))
        self._identity[root_id] = identity

    def set_state(self, root_id: int, health: RootHealth) -> None:
        """Record how the root fares; tells the listener where the state is another than before."""
        before = self._state[root_id]
        if before is health.state and self._detail[root_id] == health.detail:
            return
        state, detail = health.state, health.detail
        self._writer.call(lambda: roots_store.set_health(root_id, state, detail))
        self._state[root_id], self._detail[root_id] = state, detail
        if before is not state:
            self._on_change(self._places[root_id], before, health)
