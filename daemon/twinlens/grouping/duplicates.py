"""Duplicate groups: contents that show the same, each within the limits of every other.

Union-find would chain unlike pictures together, so groups are cliques. Re-encodings are parted into
disjoint groups by joining the nearest first (complete linkage), from verdicts that say re-encoded
alone. Similar pictures are covered by cliques: each pair that is similar, and each re-encoded pair
that found no place in a group, stands together in at least one; a content may be in several. The
order of arrival plays no part: every choice falls back to the digests.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256 as _sha256

from twinlens.grouping.primary import Choice, Contender, choose
from twinlens.grouping.verdicts import PRESETS, Picture, SimilarityLimits, judge
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


def components(lookalikes: Iterable[Lookalike]) -> list[frozenset[int]]:
    """The contents that hang together by verdicts, of two and more members each."""
    joined: dict[int, set[int]] = {}
    for one in lookalikes:
        left = joined.setdefault(one.first_id, {one.first_id})
        right = joined.setdefault(one.second_id, {one.second_id})
        if left is right:
            continue
        if len(left) < len(right):
            left, right = right, left
        left |= right
        for original_id in right:
            joined[original_id] = left
    distinct = {id(together): together for together in joined.values()}
    return [frozenset(together) for together in distinct.values()]


def groups_of(
    pictures: Iterable[Picture], lookalikes: Iterable[Lookalike]
) -> tuple[DuplicateGroup, ...]:
    """Group the pictures of one component by the verdicts on their pairs, sorted by key.

    A verdict on a picture that is not among them is left out. Called on everything or on each
    component alone it gives the same groups, but for components above `LARGEST_COMPONENT`.
    """
    members = sorted(pictures, key=lambda picture: picture.sha256)
    position_of = {picture.original_id: position for position, picture in enumerate(members)}
    found: dict[_Pair, Verdict] = {}
    for one in lookalikes:
        first, second = position_of.get(one.first_id), position_of.get(one.second_id)
        if first is not None and second is not None:
            found[min(first, second), max(first, second)] = one.verdict
    verdicts = settled(found, members)
    groups = list(_groups(verdicts, members))
    return tuple(sorted(groups, key=lambda group: group.key))


def _groups(verdicts: Verdicts, members: Sequence[Picture]) -> Iterator[DuplicateGroup]:
    sure = {
        pair: verdict
        for pair, verdict in verdicts.items()
        if verdict.duplicate_class is DuplicateClass.RE_ENCODED
    }
    left = dict(verdicts)
    for clique in _agglomerate(sure):
        yield _group(clique, sure, members, DuplicateClass.RE_ENCODED)
        for pair in _pairs(clique):
            del left[pair]
    if len(members) <= LARGEST_COMPONENT:
        for clique in _cover(left, verdicts):
            yield _group(clique, verdicts, members, DuplicateClass.SIMILAR)


def _nearest_first(verdicts: Verdicts) -> list[_Pair]:
    # Members are sorted by digest, so positions settle a tie the same way in any order of arrival.
    return sorted(verdicts, key=lambda pair: (-verdicts[pair].similarity, pair))


def _agglomerate(verdicts: Verdicts) -> list[list[int]]:
    """Complete linkage, nearest pair first; clusters join where all their pairs have a verdict."""
    cluster_of: dict[int, list[int]] = {}
    for first, second in _nearest_first(verdicts):
        left = cluster_of.setdefault(first, [first])
        right = cluster_of.setdefault(second, [second])
        if left is right:
            continue
        if all((min(a, b), max(a, b)) in verdicts for a in left for b in right):
            left.extend(right)
            for position in right:
                cluster_of[position] = left
    distinct = {id(cluster): cluster for cluster in cluster_of.values()}
    return [sorted(cluster) for cluster in distinct.values() if len(cluster) > 1]


def _cover(wanted: Verdicts, verdicts: Verdicts) -> Iterator[list[int]]:
    """Cliques that hold every wanted pair at least once: greedily, from the nearest pair on, each
    grown as far as the verdicts allow.
    """
    neighbours: dict[int, set[int]] = {}
    for first, second in verdicts:
        neighbours.setdefault(first, set()).add(second)
        neighbours.setdefault(second, set()).add(first)
    waiting = set(wanted)
    for pair in _nearest_first(wanted):
        if pair not in waiting:
            continue
        clique = list(pair)
        common = neighbours[pair[0]] & neighbours[pair[1]]
        while common:
            following = max(
                common,
                key=lambda one: (
                    sum((min(one, other), max(one, other)) in waiting for other in clique),
                    -one,
                ),
            )
            clique.append(following)
            common &= neighbours[following]
        clique.sort()
        waiting.difference_update(_pairs(clique))
        yield clique


def _pairs(clique: Sequence[int]) -> Iterator[_Pair]:
    for number, first in enumerate(clique):
        for second in clique[number + 1 :]:
            yield first, second


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


def _twins(clique: Sequence[int], verdicts: Mapping[_Pair, Verdict]) -> list[int]:
    """How many others of the clique are re-encodings of each."""
    count = dict.fromkeys(clique, 0)
    for pair in _pairs(clique):
        if verdicts[pair].duplicate_class is DuplicateClass.RE_ENCODED:
            for position in pair:
                count[position] += 1
    return [count[position] for position in clique]


def _group(
    clique: Sequence[int],
    verdicts: Mapping[_Pair, Verdict],
    members: Sequence[Picture],
    duplicate_class: DuplicateClass,
) -> DuplicateGroup:
    chosen = [members[position] for position in clique]
    choice = _primary(chosen, _twins(clique, verdicts))
    primary = next(one for one in clique if members[one].original_id == choice.member_id)
    weakest = min(
        (verdicts[pair] for pair in _pairs(clique)),
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
        duplicate_class=duplicate_class,
        confidence=weakest.confidence,
        rule=f"weakest pair {weakest.rule}; primary: {choice.rule}",
        members=tuple(
            DuplicateMember(
                members[position].original_id,
                100.0
                if position == primary
                else verdicts[min(position, primary), max(position, primary)].similarity,
                is_primary=position == primary,
            )
            for position in clique
        ),
    )
