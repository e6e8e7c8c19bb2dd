"""Duplicate groups: contents that show the same, each within the limits of every other.

Union-find would chain unlike pictures together, so groups are cliques. Re-encodings are parted into
disjoint groups by joining the nearest first (complete linkage), from verdicts that say re-encoded
alone. Similar pictures are covered by cliques: each pair that is similar, and each re-encoded pair
that found no place in a group, stands together in at least one; a content may be in several. The
order of arrival plays no part: every choice falls back to the digests.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256 as _sha256
from itertools import chain, combinations

from twinlens.grouping.primary import Choice, Contender, choose
from twinlens.grouping.twins import alike, are_twins, families
from twinlens.grouping.verdicts import EQUAL_PIXELS, PRESETS, Picture, SimilarityLimits, judge
from twinlens.grouping.witnesses import Verdicts, settled
from twinlens.model.groups import DuplicateClass, DuplicateGroup, DuplicateMember, DuplicateType
from twinlens.model.picture import Kind
from twinlens.model.verdicts import Lookalike, Verdict

__all__ = [
    "LARGEST_COMPONENT",
    "PRESETS",
    "Picture",
    "SimilarityLimits",
    "Verdict",
    "components",
    "exact_group",
    "groups_of",
    "judge",
]

LARGEST_COMPONENT = 512
"""More than this that hang together are a series (a trail camera, a time lapse), not duplicates;
only their re-encodings are then grouped."""

_Pair = tuple[int, int]


def exact_group(
    original_id: int, sha256: str, size: int, identities: Iterable[tuple[int, int]]
) -> DuplicateGroup | None:
    """The exact group of one original, from (device, inode) of each of its live files.

    None with fewer than two distinct inodes, because hard links are one copy with many names, and
    None for empty files, whose equal digest says nothing.
    """
    copies = len(set(identities))
    if size == 0 or copies < 2:
        return None
    return DuplicateGroup(
        key="e" + sha256[:16],
        duplicate_type=DuplicateType.EXACT,
        duplicate_class=DuplicateClass.EXACT,
        confidence=100.0,
        rule=f"equal SHA-256 in {copies} separate copies",
        members=(DuplicateMember(original_id, 100.0, is_primary=True),),
    )


def components(
    lookalikes: Iterable[Lookalike], together: Iterable[Collection[int]] = ()
) -> list[frozenset[int]]:
    """The contents that hang together by verdicts, or because they stand `together`, of two and
    more members each."""
    pairs = ((one.first_id, one.second_id) for one in lookalikes)
    return [frozenset(part) for part in _joined(chain(pairs, together))]


def _joined(links: Iterable[Collection[int]]) -> list[set[int]]:
    joined: dict[int, set[int]] = {}
    for link in links:
        part = max((joined.get(one, set[int]()) for one in link), key=len)
        for one in link:
            other = joined.get(one, {one})
            if other is not part:
                part |= other
                joined.update(dict.fromkeys(other, part))
    distinct = {id(part): part for part in joined.values()}
    return [part for part in distinct.values() if len(part) > 1]


def groups_of(
    pictures: Iterable[Picture], lookalikes: Iterable[Lookalike]
) -> tuple[DuplicateGroup, ...]:
    """Group the pictures of one component or of many by the verdicts on their pairs, sorted by key.
    Pictures of equal coded pixels need no verdict; one on a picture that is not among them is left
    out.
    """
    members = sorted(pictures, key=lambda picture: picture.sha256)
    position_of = {picture.original_id: position for position, picture in enumerate(members)}
    found: dict[_Pair, Verdict] = {}
    for one in lookalikes:
        first, second = position_of.get(one.first_id), position_of.get(one.second_id)
        if first is not None and second is not None:
            found[min(first, second), max(first, second)] = one.verdict
    groups = list(_groups(settled(found, members), members))
    return tuple(sorted(groups, key=lambda group: group.key))


def _groups(told: Verdicts, members: Sequence[Picture]) -> Iterator[DuplicateGroup]:
    twins = alike(members)
    parted = [list(families(members, some)) for some in twins]
    clusters = _agglomerate(told, parted, members)
    home = {position: cluster for cluster in clusters for position in cluster.positions}
    inside: dict[_Cluster, list[Verdict]] = {}
    for (first, second), verdict in told.items():
        if first in home and home[first] is home.get(second):
            inside.setdefault(home[first], []).append(verdict)
    for cluster in clusters:
        yield _group(cluster.positions, told, members, inside.get(cluster, [EQUAL_PIXELS]))
    if sum(map(len, inside.values())) == len(told) and all(len(some) == 1 for some in parted):
        return
    for part in _joined(chain(told, twins)):
        if len(part) <= LARGEST_COMPONENT:
            every = dict(_expanded(part, told, twins, members))
            left = {
                (first, second): verdict
                for (first, second), verdict in every.items()
                if first not in home or home[first] is not home.get(second)
            }
            for clique in _cover(left, every):
                yield _group(clique, every, members)


def _expanded(
    part: Collection[int],
    told: Verdicts,
    twins: Sequence[Sequence[int]],
    members: Sequence[Picture],
) -> Iterator[tuple[_Pair, Verdict]]:
    """All verdicts within one component, also those that are no rows of the store."""
    yield from (one for one in told.items() if one[0][0] in part)
    for some in twins:
        if some[0] in part:
            for first, second in combinations(some, 2):
                if are_twins(members[first], members[second]):
                    yield (first, second), EQUAL_PIXELS


def _nearest_first(verdicts: Verdicts) -> list[_Pair]:
    # Members are sorted by digest, so positions settle a tie the same way in any order of arrival.
    return sorted(verdicts, key=lambda pair: (-verdicts[pair].similarity, pair))


@dataclass(slots=True, eq=False)
class _Cluster:
    """Re-encodings of each other, by position; `apart` are the clusters with which one pair at
    least is none."""

    positions: list[int]
    apart: "set[_Cluster]" = field(default_factory=set)

    def join(self, other: "_Cluster") -> None:
        self.positions += other.positions
        self.apart |= other.apart
        for one in other.apart:
            one.apart.add(self)


def _agglomerate(
    told: Verdicts, parted: Iterable[Iterable[list[int]]], members: Sequence[Picture]
) -> list[_Cluster]:
    """Complete linkage: families of equal pixels first, then the nearest pair first; clusters join
    where all their pairs are re-encodings. No two clusters are asked twice."""
    cluster_of = {
        position: cluster
        for cluster in (_Cluster(family) for some in parted for family in some)
        for position in cluster.positions
    }
    sure = {
        pair: verdict
        for pair, verdict in told.items()
        if verdict.duplicate_class is DuplicateClass.RE_ENCODED
    }
    for first, second in _nearest_first(sure):
        left = cluster_of.get(first) or cluster_of.setdefault(first, _Cluster([first]))
        right = cluster_of.get(second) or cluster_of.setdefault(second, _Cluster([second]))
        if left is right or right in left.apart:
            continue
        if all(
            (min(a, b), max(a, b)) in sure or are_twins(members[a], members[b])
            for a in left.positions
            for b in right.positions
        ):
            if len(left.positions) < len(right.positions):
                left, right = right, left
            left.join(right)
            cluster_of.update(dict.fromkeys(right.positions, left))
        else:
            left.apart.add(right)
            right.apart.add(left)
    distinct = {id(cluster): cluster for cluster in cluster_of.values()}
    found = [cluster for cluster in distinct.values() if len(cluster.positions) > 1]
    for cluster in found:
        cluster.positions.sort()
    return found


def _cover(wanted: Verdicts, verdicts: Verdicts) -> Iterator[list[int]]:
    """Cliques that hold every wanted pair at least once: greedily, from the nearest pair on, each
    grown as far as the verdicts allow, by whoever brings most pairs that wait.
    """
    neighbours: dict[int, set[int]] = {}
    for first, second in verdicts:
        neighbours.setdefault(first, set()).add(second)
        neighbours.setdefault(second, set()).add(first)
    waiting: dict[int, set[int]] = {}
    for first, second in wanted:
        waiting.setdefault(first, set()).add(second)
        waiting.setdefault(second, set()).add(first)
    nobody: set[int] = set()
    for pair in _nearest_first(wanted):
        if pair[1] not in waiting[pair[0]]:
            continue
        clique = list(pair)
        common = neighbours[pair[0]] & neighbours[pair[1]]
        gain = {one: sum(other in waiting.get(one, nobody) for other in pair) for one in common}
        while common:
            following = max(common, key=lambda one: (gain[one], -one))
            clique.append(following)
            common &= neighbours[following]
            for one in common & waiting.get(following, nobody):
                gain[one] += 1
        for one in clique:
            waiting.get(one, nobody).difference_update(clique)
        yield sorted(clique)


def _primary(pictures: Sequence[Picture], twins: Sequence[int]) -> Choice:
    """The one to keep of pictures that show the same: what is least far from the original.

    The quality score plays no part: shrinking and sharpening raise it, and lose what the original
    has.
    """
    return choose(
        Contender(
            picture.original_id,
            picture.sha256.encode(),
            is_chosen=picture.is_chosen,
            is_rendered=picture.kind is not Kind.RAW,
            has_facts=picture.has_facts,
            twins=count,
            pixels=(picture.width or 0) * (picture.height or 0),
            size=picture.size,
        )
        for picture, count in zip(pictures, twins, strict=True)
    )


def _twins(clique: Sequence[int], verdicts: Verdicts) -> list[int]:
    """How many others of the clique are re-encodings of each."""
    count = dict.fromkeys(clique, 0)
    for pair in combinations(clique, 2):
        if verdicts[pair].duplicate_class is DuplicateClass.RE_ENCODED:
            for position in pair:
                count[position] += 1
    return [count[position] for position in clique]


def _group(
    clique: Sequence[int],
    verdicts: Verdicts,
    members: Sequence[Picture],
    re_encodings: Sequence[Verdict] = (),
) -> DuplicateGroup:
    """The group of a clique: of re-encodings, where the verdicts on them are given, which need not
    be on all pairs of equal pixels; of similar pictures else, of which all pairs have one."""
    chosen = [members[position] for position in clique]
    twins = [0] * len(clique) if re_encodings else _twins(clique, verdicts)
    choice = _primary(chosen, twins)
    primary = next(one for one in clique if members[one].original_id == choice.member_id)
    weakest = min(
        re_encodings or (verdicts[pair] for pair in combinations(clique, 2)),
        key=lambda verdict: (
            verdict.duplicate_class is DuplicateClass.RE_ENCODED,
            verdict.confidence,
            verdict.rule,
        ),
    )
    digests = "\n".join(picture.sha256 for picture in chosen)
    return DuplicateGroup(
        key="p" + _sha256(digests.encode()).hexdigest()[:16],
        duplicate_type=DuplicateType.PERCEPTUAL,
        duplicate_class=DuplicateClass.RE_ENCODED if re_encodings else DuplicateClass.SIMILAR,
        confidence=weakest.confidence,
        rule=f"weakest pair {weakest.rule}; primary: {choice.rule}",
        members=tuple(
            DuplicateMember(
                members[position].original_id,
                100.0
                if position == primary
                else verdicts.get(
                    (min(position, primary), max(position, primary)), EQUAL_PIXELS
                ).similarity,
                is_primary=position == primary,
            )
            for position in clique
        ),
    )
