"""Keeps the duplicate groups right: the contents that a change touched are judged anew against
what is near them, and the groups that hang together with them are made anew from the verdicts.

A verdict is on two contents alone and stays in the store, so an arrival costs one search of the
index and a second look at what that finds; what hangs together behind is read, never judged again.
Contents of equal coded pixels have no verdict in the store, and looks say nothing in a crowd. The
groups that stand afterwards are those that a rebuild from nothing would give. The index lives in
memory, is loaded at first need, and is dropped when a transaction fails.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from twinlens.grouping.duplicates import Picture, SimilarityLimits, components, groups_of
from twinlens.grouping.miniatures import Miniature
from twinlens.grouping.verdicts import has_to_be_looked_at, judge_by_looks
from twinlens.ingest.neighbours import PICTURES, Neighbours
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

MOST_ALIKE = 200
"""A content with more neighbours than that stands in a crowd: the frames of a fixed camera without
times, which no look tells from copies. It gets no verdict by looks, as one that is flat or black
gets none; copies of one picture are fewer, and exports with equal pixels count once."""

_BATCH = 64
_MOST_COMPARED = 512
"""Pictures held at a time while one is compared with all that are near it."""


class Lookalikes:
    """Finds near duplicates among the contents of the store. One thread owns it."""

    def __init__(self, limits: SimilarityLimits) -> None:
        self._limits = limits
        self._neighbours: Neighbours | None = None

    @property
    def rules(self) -> str:
        """What the stored verdicts were made by; another value calls for judging all anew."""
        limits = self._limits
        return f"{VERDICTS_VERSION}:{limits.max_distance}:{limits.re_encoded_distance}"

    def warm(self) -> None:
        """Load the index, so that the first arrival need not wait for it: about a second for a
        million pictures. Needs a connection."""
        self._loaded()

    def rest(self) -> None:
        """Give back what only many searches are quicker by."""
        if self._neighbours is not None:
            self._neighbours.rest()

    def forget_index(self) -> None:
        """The transaction that changed the index was rolled back: load it anew at next need."""
        self._neighbours = None

    def forget_facts(self) -> None:
        """What tells contents apart without a look may have changed of any of them."""
        if self._neighbours is not None:
            self._neighbours.forget_facts()

    def regroup(self, disturbed: Iterable[int], at: str | None = None) -> list[DuplicateGroup]:
        """Judge these contents anew and group what hangs together with them; returns what is new.
        With the time `at`, what changed is noted.

        Memory does not grow with the number of contents but by their ids and verdicts.
        """
        wanted = sorted(set(disturbed))
        seeds = set(wanted)
        for part in _parts(wanted, _BATCH):
            seeds |= self._judge(part)
        return self.regroup_as_judged(seeds, at)

    def groups_under(self, limits: SimilarityLimits) -> Iterator[DuplicateGroup]:
        """What the groups would be under other limits, by key within each component; writes
        nothing. Needs a connection; holds the verdicts, never all pictures.
        """
        neighbours = Neighbours(limits.max_distance)
        found: list[Lookalike] = []
        crowded: set[int] = set()
        for part in _parts(sorted(neighbours), _BATCH):
            near = {one: neighbours.of(one) for one in part}
            crowded |= {one for one, around in near.items() if around.weight > MOST_ALIKE}
            later = {
                one: [other for other in around.others if other > one]
                for one, around in near.items()
                if one not in crowded
            }
            found.extend(_verdicts(_by_id(part), later, limits))
        found = [one for one in found if crowded.isdisjoint((one.first_id, one.second_id))]
        verdicts_of: dict[int, list[Lookalike]] = {}
        for one in found:
            verdicts_of.setdefault(one.first_id, []).append(one)
        for together in components(found, store.twins().values()):
            inside = [one for member in together for one in verdicts_of.get(member, ())]
            yield from groups_of(pictures_of(together), inside)

    def _judge(self, part: Sequence[int]) -> set[int]:
        """Judge these contents anew against everything near them; returns those whose verdicts
        came or went."""
        changed = self._take_back(part)
        pictures = _by_id(part)
        released = self._left_behind(one for one in part if one not in pictures)
        neighbours = self._loaded()
        for original_id in part:
            neighbours.put(original_id, pictures.get(original_id))
        near = {one: neighbours.of(one, picture) for one, picture in pictures.items()}
        crowds = {one: its.others for one, its in near.items() if its.weight > MOST_ALIKE}
        store.set_crowded(part, is_crowded=False)
        store.set_crowded(crowds, is_crowded=True)
        around = {other for others in crowds.values() for other in others} - set(part)
        changed |= self._crowd(one for one in store.judged_among(around) if self._is_crowded(one))
        others_near = {other for its in near.values() for other in its.others}
        crowded = store.crowded(others_near | near.keys())
        found = _verdicts(
            pictures,
            {
                one: [other for other in its.others if other not in crowded]
                for one, its in near.items()
                if one not in crowded
            },
            self._limits,
        )
        store.put(found)
        changed |= _ends(found)
        many = store.with_more_verdicts(_ends(found), MOST_ALIKE)
        changed |= self._crowd(one for one in many if self._is_crowded(one))
        again = [one for one in released if not self._is_crowded(one)]
        for some in _parts(again, _BATCH):
            changed |= self._judge(some)
        return changed

    def _is_crowded(self, original_id: int) -> bool:
        return self._loaded().of(original_id).weight > MOST_ALIKE

    def _crowd(self, original_ids: Iterable[int]) -> set[int]:
        """These turned out to stand in a crowd; returns those whose verdicts went."""
        found = list(original_ids)
        store.set_crowded(found, is_crowded=True)
        return self._take_back(found)

    def _take_back(self, original_ids: Sequence[int]) -> set[int]:
        changed = _ends(store.verdicts_on(original_ids))
        store.forget(original_ids)
        return changed

    def _left_behind(self, gone: Iterable[int]) -> list[int]:
        """Who stood in a crowd with contents that go, where it may be none any more; a large one
        is not asked member by member while it shrinks."""
        if not store.is_anyone_crowded():
            return []  # as in most libraries: no search for each picture that goes
        neighbours = self._loaded()
        found: set[int] = set()
        for original_id in gone:
            around = store.crowded(neighbours.of(original_id).others)
            if len(around) <= 2 * MOST_ALIKE:
                found |= around
        return sorted(found)

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

    def _loaded(self) -> Neighbours:
        if self._neighbours is None:
            self._neighbours = Neighbours(self._limits.max_distance)
        return self._neighbours


def pictures_of(original_ids: Iterable[int], *, with_miniature: bool = True) -> list[Picture]:
    """The contents that can be duplicates, as the rules need to know them; without their miniatures
    where verdicts stand."""
    wanted = sorted(original_ids)
    kinds = files_store.kinds_of(wanted)
    looks = [
        one
        for one in store.looks_of(wanted, with_miniature=with_miniature)
        if not PICTURES.isdisjoint(kinds.get(one.original_id, ()))
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


def _verdicts(
    pictures: Mapping[int, Picture], near: Mapping[int, Sequence[int]], limits: SimilarityLimits
) -> list[Lookalike]:
    """The verdicts on each of these and what is near it, each pair once; none where the coded
    pixels are equal."""
    done: set[tuple[int, int]] = set()
    waiting: dict[int, list[int]] = {}
    for original_id in sorted(near.keys() & pictures.keys()):
        others = near[original_id]
        waiting[original_id] = [one for one in others if _pair(original_id, one) not in done]
        done |= {_pair(original_id, other) for other in others}
    # What is near any of them is read at once, where it is not too much to hold.
    strangers = {other for near in waiting.values() for other in near} - pictures.keys()
    if len(strangers) <= _MOST_COMPARED:
        return _looked_at(pictures, waiting, limits)
    return [
        verdict
        for original_id, others in waiting.items()
        for some in _parts(others, _MOST_COMPARED)
        for verdict in _looked_at(pictures, {original_id: some}, limits)
    ]


def _looked_at(
    pictures: Mapping[int, Picture], near: Mapping[int, Sequence[int]], limits: SimilarityLimits
) -> list[Lookalike]:
    """The verdicts on these pairs by looks. Miniatures lie apart, and most of what is near by
    chance was taken at another time: only those are read that have to be looked at."""
    strangers = {other for others in near.values() for other in others} - pictures.keys()
    known = {**pictures, **_by_id(strangers, with_miniature=False)}
    pairs = [
        (one, other)
        for one, others in near.items()
        for other in others
        if other in known and has_to_be_looked_at(known[one], known[other])
    ]
    for original_id, packed in miniatures.of(
        {other for _, other in pairs} - pictures.keys()
    ).items():
        known[original_id] = replace(known[original_id], miniature=Miniature.read(packed))
    found = []
    for one, other in pairs:
        verdict = judge_by_looks(known[one], known[other], limits)
        if verdict is not None:
            found.append(Lookalike(*_pair(one, other), verdict))
    return found


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


def _parts(ids: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), most):
        yield ids[start : start + most]
