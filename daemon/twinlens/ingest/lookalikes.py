"""Keeps the duplicate groups right: the contents that a change touched are judged anew against
what is near them, and the groups that hang together with them are made anew from the verdicts.

A verdict is on two contents alone and stays in the store, so an arrival costs one search of the
index and a second look at what that finds; what hangs together behind is read, never judged again.
Of a crowd, only those are looked at that plain facts leave over, and contents of equal coded pixels
have no verdict in the store. The groups that stand afterwards are those that a rebuild from nothing
would give. The index lives in memory, is loaded at first need, and is dropped when a transaction
fails.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

from twinlens.grouping.duplicates import Picture, SimilarityLimits, components, groups_of, judge
from twinlens.grouping.miniatures import Miniature, turned_keys
from twinlens.grouping.moments import Moment
from twinlens.grouping.sieve import Sieve
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.grouping.verdicts import EQUAL_PIXELS
from twinlens.model.groups import DuplicateGroup
from twinlens.model.picture import Kind
from twinlens.model.verdicts import Lookalike
from twinlens.store import decisions, duplicate_groups, file_groups, miniatures
from twinlens.store import files as files_store
from twinlens.store import lookalikes as store

logger = logging.getLogger(__name__)

VERDICTS_VERSION = 1
"""Raised when the rules of verdicts, or of what is compared at all, change their meaning."""

LARGEST_LIVE_COMPONENT = 5000
"""Beyond it a change is not followed at once: pictures that hang together by their looks in such
numbers are a time lapse, and grouping them anew for each arrival would stop everything else."""

_CROWD = 32
"""So many near ones are looked at as quickly as their facts are compared."""

_BATCH = 64
_MOST_COMPARED = 512
"""Pictures held at a time while one is compared with all that are near it."""

_PICTURES = frozenset({Kind.IMAGE, Kind.RAW})
"""A content that is only ever a sidecar (a THM) is nobody's duplicate."""


class Lookalikes:
    """Finds near duplicates among the contents of the store. One thread owns it."""

    def __init__(self, limits: SimilarityLimits) -> None:
        self._limits = limits
        self._index: SimilarityIndex | None = None
        self._sieve = Sieve()

    @property
    def rules(self) -> str:
        """What the stored verdicts were made by; another value calls for judging all anew."""
        limits = self._limits
        return f"{VERDICTS_VERSION}:{limits.max_distance}:{limits.re_encoded_distance}"

    def warm(self) -> None:
        """Load the index, so that the first arrival need not wait for it: about a second for a
        million pictures. Needs a connection."""
        self._loaded_index()

    def rest(self) -> None:
        """Give back what only many searches are quicker by."""
        self._sieve = Sieve()
        if self._index is not None:
            self._index.rest()

    def forget_index(self) -> None:
        """The transaction that changed the index was rolled back: load it anew at next need."""
        self._sieve = Sieve()
        self._index = None

    def regroup(self, disturbed: Iterable[int], at: str | None = None) -> list[DuplicateGroup]:
        """Judge these contents anew and group what hangs together with them; returns what is new.
        With the time `at`, what changed is noted.

        Memory does not grow with the number of contents but by their ids and verdicts.
        """
        wanted = sorted(set(disturbed))
        seeds = set(wanted)
        for part in _parts(wanted, _BATCH):
            seeds |= _ends(store.verdicts_on(part))
            store.forget(part)
            found = self._judged(part)
            store.put(found)
            seeds |= _ends(found)
        return self.regroup_as_judged(seeds, at)

    def groups_under(self, limits: SimilarityLimits) -> Iterator[DuplicateGroup]:
        """What the groups would be under other limits, by key within each component; writes
        nothing. Needs a connection; holds the verdicts, never all pictures.
        """
        index, sieve = _loaded(), Sieve()
        found: list[Lookalike] = []
        for part in _parts(sorted(index), _BATCH):
            found.extend(_compared(_by_id(part), index, sieve, limits, only_later=True))
        verdicts_of: dict[int, list[Lookalike]] = {}
        for one in found:
            verdicts_of.setdefault(one.first_id, []).append(one)
        for together in components(found, store.twins().values()):
            inside = [one for member in together for one in verdicts_of.get(member, ())]
            yield from groups_of(pictures_of(together), inside)

    def _judged(self, part: Sequence[int]) -> list[Lookalike]:
        """The verdicts on these contents, which have none, and everything near them."""
        index = self._loaded_index()
        pictures = _by_id(part)
        for original_id in part:
            picture = pictures.get(original_id)
            if picture is None or picture.miniature is None:
                index.remove(original_id)
            else:
                index.add(original_id, picture.miniature.keys)
        self._sieve.forget(part)
        return _compared(pictures, index, self._sieve, self._limits)

    def regroup_as_judged(
        self, seeds: Iterable[int], at: str | None = None
    ) -> list[DuplicateGroup]:
        """Make the groups anew of all that hangs together with these by the stored verdicts;
        returns what is new. With the time `at`, what changed is noted."""
        affected = set(seeds)
        # Whoever stood with them in a group may be left behind.
        stood = duplicate_groups.touching(affected).values()
        affected.update(member.original_id for group in stood for member in group.members)
        wanted: list[DuplicateGroup] = []
        parts, left_alone = _hanging_together(affected)
        affected -= left_alone
        for some in _of_some_size(parts):
            pictures = _by_id(
                {member for together, _ in some for member in together}, with_miniature=False
            )
            for together, verdicts in some:
                affected |= together
                members = [pictures[member] for member in together if member in pictures]
                wanted.extend(groups_of(members, verdicts))
        return duplicate_groups.replace(duplicate_groups.touching(affected), wanted, at)

    def _loaded_index(self) -> SimilarityIndex:
        if self._index is None:
            self._index = _loaded()
        return self._index


def pictures_of(original_ids: Iterable[int], *, with_miniature: bool = True) -> list[Picture]:
    """The contents that can be duplicates, as the rules need to know them; without their miniatures
    where verdicts stand."""
    wanted = sorted(original_ids)
    kinds = files_store.kinds_of(wanted)
    looks = [
        one
        for one in store.looks_of(wanted, with_miniature=with_miniature)
        if not _PICTURES.isdisjoint(kinds.get(one.original_id, ()))
    ]
    photographs = file_groups.group_ids_of_originals(wanted)
    shots = store.shots_of(wanted)
    rejected = decisions.rejected_with(one.sha256 for one in looks)
    chosen = decisions.choices_of(one.sha256 for one in looks)
    return [
        Picture(
            original_id=one.original_id,
            sha256=one.sha256,
            # A RAW that only its name tells from a TIFF is one, too.
            kind=Kind.RAW if Kind.RAW in kinds[one.original_id] else one.kind,
            miniature=Miniature.read(one.miniature),
            width=one.width,
            height=one.height,
            orientation=one.orientation,
            size=one.size,
            captured_at=one.captured_at,
            has_subseconds=one.has_subseconds,
            make=one.make,
            model=one.model,
            image_digest=one.image_digest,
            photograph_ids=photographs.get(one.original_id, frozenset()),
            shots=shots.get(one.original_id, frozenset()),
            rejected_with=rejected.get(one.sha256, frozenset()),
            is_chosen=one.sha256 in chosen,
        )
        for one in looks
    ]


def _by_id(original_ids: Iterable[int], *, with_miniature: bool = True) -> dict[int, Picture]:
    found = pictures_of(original_ids, with_miniature=with_miniature)
    return {picture.original_id: picture for picture in found}


def _compared(
    pictures: Mapping[int, Picture],
    index: SimilarityIndex,
    sieve: Sieve,
    limits: SimilarityLimits,
    *,
    only_later: bool = False,
) -> list[Lookalike]:
    """The verdicts on each of these and everything near it but what has equal coded pixels; with
    `only_later` each pair is met from its lower id alone.
    """
    done: set[tuple[int, int]] = set()
    waiting: dict[int, list[int]] = {}
    for original_id, picture in sorted(pictures.items()):
        near: list[int] = []
        if picture.miniature is not None:
            keys = picture.miniature.keys
            near = index.within(keys, turned_keys(keys[0]), limits.max_distance)
        near = [other for other in near if other != original_id]
        if len(near) > _CROWD:
            near = _sifted(original_id, near, sieve)
        waiting[original_id] = [
            other
            for other in near
            if _pair(original_id, other) not in done and not (only_later and other < original_id)
        ]
        done |= {_pair(original_id, other) for other in near}
    # What is near any of them is read at once, where it is not too much to hold.
    strangers = {other for near in waiting.values() for other in near} - pictures.keys()
    are_few = len(strangers) <= _MOST_COMPARED
    known = {**pictures, **(_by_id(strangers) if are_few else {})}
    found: list[Lookalike] = []
    for original_id, others in waiting.items():
        for some in _parts(others, _MOST_COMPARED):
            at_hand = known if are_few else {**pictures, **_by_id(set(some) - pictures.keys())}
            for other in some:
                if other not in at_hand:
                    continue
                verdict = judge(pictures[original_id], at_hand[other], limits)
                if verdict is not None and verdict is not EQUAL_PIXELS:
                    found.append(Lookalike(*_pair(original_id, other), verdict))
    return found


def _sifted(original_id: int, near: list[int], sieve: Sieve) -> list[int]:
    """Those of a crowd that have to be looked at."""
    unknown = sieve.unknown([original_id, *near])
    if unknown:
        shots = store.shots_of(unknown)
        for facts in store.facts_of(unknown):
            sieve.put(
                facts.original_id,
                Moment.read(facts.captured_at, has_subseconds=facts.has_subseconds),
                facts.image_digest,
                shots.get(facts.original_id, ()),
            )
    return sieve.left(original_id, near)


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


_Part = tuple[frozenset[int], list[Lookalike]]


def _hanging_together(seeds: Iterable[int]) -> tuple[list[_Part], set[int]]:
    """All that hangs together with these contents by verdicts, part by part with the verdicts; and
    the contents of parts that are larger than is followed.
    """
    known = set(seeds)
    frontier, large = set(known), set[int]()
    found: dict[tuple[int, int], Lookalike] = {}
    twins: dict[str, frozenset[int]] = {}
    while frontier:
        verdicts = store.verdicts_on(frontier)
        found |= {(one.first_id, one.second_id): one for one in verdicts}
        alike = store.twins_of(frontier)
        twins |= alike
        frontier = _ends(verdicts).union(*alike.values()) - known
        known |= frontier
        if len(known) > LARGEST_LIVE_COMPONENT:
            # Pictures of equal pixels are grouped without a look at their pairs.
            same = {one: digest for digest, some in twins.items() for one in some}
            too_large = [
                one
                for one in components(found.values(), twins.values())
                if len({same.get(member, member) for member in one}) > LARGEST_LIVE_COMPONENT
            ]
            large = {member for together in too_large for member in together}
            frontier -= large
    if large:
        logger.warning("more than %d pictures hang together", LARGEST_LIVE_COMPONENT)
    verdicts_of: dict[int, list[Lookalike]] = {}
    for one in found.values():
        verdicts_of.setdefault(one.first_id, []).append(one)
    parts = [
        (together, [one for member in together for one in verdicts_of.get(member, ())])
        for together in components(found.values(), twins.values())
        if large.isdisjoint(together)
    ]
    return parts, large


def _of_some_size(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    """Parts that are grouped together, so that no more pictures than need be are held at a time."""
    some: list[_Part] = []
    for part in parts:
        some.append(part)
        if sum(len(together) for together, _ in some) >= _MOST_COMPARED:
            yield some
            some = []
    yield some


def _ends(lookalikes: Iterable[Lookalike]) -> set[int]:
    return {end for one in lookalikes for end in (one.first_id, one.second_id)}


def _loaded() -> SimilarityIndex:
    index = SimilarityIndex()
    index.load(miniatures.every_key())
    return index


def _parts(ids: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), most):
        yield ids[start : start + most]
