"""What is near a content by its looks, and told apart from it by no plain fact.

Keys are searched in memory; of a crowd, those are left out that another capture time, another
number in one burst or equal coded pixels settle without a look. One thread owns it.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from twinlens.grouping.miniatures import turned_keys
from twinlens.grouping.moments import Moment
from twinlens.grouping.sieve import Sieve
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.grouping.verdicts import Picture
from twinlens.model.picture import Kind
from twinlens.store import files as files_store
from twinlens.store import lookalikes as store
from twinlens.store import miniatures

_CROWD: Final = 32
"""So many near ones are looked at as quickly as their facts are compared."""

PICTURES: Final = frozenset({Kind.IMAGE, Kind.RAW})
"""A content that is only ever a sidecar (a THM) is nobody's duplicate."""

_FORGOTTEN: Final = store.Facts(0, None, None, has_subseconds=False)
"""The index holds contents without files, too, until it is loaded anew."""


class Near(NamedTuple):
    """Who has to be looked at, ascending, and how many they come to: exports of one picture, with
    equal coded pixels, are as one, but among as many exports of another."""

    others: list[int]
    weight: int


class Neighbours:
    """The index of all keys, loaded when made, and the facts of those that were met in a crowd.
    Needs a connection."""

    def __init__(self, max_distance: int) -> None:
        self._max_distance = max_distance
        self._index = SimilarityIndex()
        self._index.load(miniatures.every_key())
        self._sieve = Sieve()

    def __iter__(self) -> Iterator[int]:
        return iter(self._index)

    def rest(self) -> None:
        """Give back what only many searches are quicker by."""
        self.forget_facts()
        self._index.rest()

    def forget_facts(self) -> None:
        """Ask for the facts of all contents again."""
        self._sieve = Sieve()

    def put(self, original_id: int, picture: Picture | None) -> None:
        """A content came, went or changed; None where it is nobody's neighbour any more."""
        self._sieve.forget([original_id])
        if picture is None or picture.miniature is None:
            self._index.remove(original_id)
        else:
            self._index.add(original_id, picture.miniature.keys)

    def of(self, original_id: int, picture: Picture | None = None) -> Near:
        """Who has to be looked at beside a content; quicker where it is at hand."""
        miniature = None if picture is None else picture.miniature
        keys = self._index.keys_of(original_id) if miniature is None else miniature.keys
        if keys is None:
            return Near([], 0)
        near = self._index.within(keys, turned_keys(keys[0]), self._max_distance)
        near = [other for other in near if other != original_id]
        if len(near) <= _CROWD:
            return Near(near, len(near))
        self._ask([original_id, *near])
        left = self._sieve.left(original_id, near)
        return Near(left, self._sieve.weight(original_id, near, left))

    def _ask(self, original_ids: Iterable[int]) -> None:
        unknown = self._sieve.unknown(original_ids)
        if not unknown:
            return
        shots, kinds = store.shots_of(unknown), files_store.kinds_of(unknown)
        known = {facts.original_id: facts for facts in store.facts_of(unknown)}
        for original_id in unknown:
            facts = known.get(original_id, _FORGOTTEN)
            self._sieve.put(
                original_id,
                Moment.read(facts.captured_at, has_subseconds=facts.has_subseconds),
                facts.image_digest,
                shots.get(original_id, ()),
                is_out=PICTURES.isdisjoint(kinds.get(original_id, ())),
            )
