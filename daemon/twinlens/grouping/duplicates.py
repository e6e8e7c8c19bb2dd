"""Duplicate groups: contents that show the same, each within the limit of every other.

Union-find would chain unlike pictures together, so groups are cliques, built by joining the
nearest first (complete linkage). Re-encodings are grouped before anything else; a re-encoded
group then stands in the list of similar pictures by its primary, so the two lists are never
mixed. The order of arrival plays no part: every choice falls back to the digests.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256 as _sha256

from twinlens.grouping.primary import Choice, Contender, choose
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.grouping.verdicts import (
    PRESETS,
    Picture,
    SimilarityLimits,
    Verdict,
    is_comparable,
    judge,
)
from twinlens.grouping.witnesses import Verdicts, judge_all
from twinlens.model.groups import DuplicateClass, DuplicateGroup, DuplicateMember, DuplicateType
from twinlens.model.picture import Kind

__all__ = [
    "LARGEST_COMPONENT",
    "PRESETS",
    "Picture",
    "SimilarityLimits",
    "Verdict",
    "cliques",
    "component",
    "exact_group",
    "is_comparable",
    "judge",
]

LARGEST_COMPONENT = 256
"""More than this that hang together are a series (a trail camera, a time lapse), not duplicates."""


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


def cliques(pictures: Sequence[Picture], limits: SimilarityLimits) -> tuple[DuplicateGroup, ...]:
    """Group pictures so that every member is within the limit of every other, sorted by key.

    Calling it on everything, or on each connected component alone, gives the same groups. A
    picture is in at most one re-encoded and one similar group. A component above
    `LARGEST_COMPONENT` is looked at again with the limit two bits tighter, as often as needed,
    and left out if even equal hashes are too many.
    """
    told_apart = sorted(filter(is_comparable, pictures), key=lambda picture: picture.sha256)
    groups: list[DuplicateGroup] = []
    for members, within in _components(told_apart, limits):
        groups.extend(_groups_of(members, within))
    return tuple(sorted(groups, key=lambda group: group.key))


def component(
    seed: int, neighbours: Callable[[int], Iterable[int]], *, most: int = LARGEST_COMPONENT
) -> frozenset[int]:
    """Everything that a change to `seed` can touch: what `neighbours` link it to, step by step.

    Grouping this set anew gives what a rebuild of everything would give. Where it has more than
    `most` members the answer is the empty set: nothing can be said from here, and the groups stay
    as they are until the next rebuild. To remove a picture, ask before it leaves the index, then
    leave it out.
    """
    reached = {seed}
    waiting = deque([seed])
    while waiting:
        for neighbour in neighbours(waiting.popleft()):
            if neighbour not in reached:
                reached.add(neighbour)
                waiting.append(neighbour)
        if len(reached) > most:
            return frozenset()
    return frozenset(reached)


def _components(
    pictures: Sequence[Picture], limits: SimilarityLimits
) -> Iterator[tuple[list[Picture], SimilarityLimits]]:
    index = SimilarityIndex()
    index.load(range(len(pictures)), [picture.fingerprint.phash for picture in pictures])

    def near(position: int) -> list[int]:
        found = index.within(pictures[position].fingerprint.phash, limits.max_distance)
        return [other for other, _ in found]

    seen: set[int] = set()
    for seed in range(len(pictures)):
        if seed in seen:
            continue
        together = component(seed, near, most=len(pictures))
        seen |= together
        members = [pictures[position] for position in sorted(together)]
        if len(members) <= LARGEST_COMPONENT:
            yield members, limits
        elif limits.max_distance >= 2:
            yield from _components(members, _tighter(limits))


def _tighter(limits: SimilarityLimits) -> SimilarityLimits:
    narrow = limits.max_distance - 2
    return SimilarityLimits(narrow, min(limits.re_encoded_distance, narrow))


def _groups_of(members: list[Picture], limits: SimilarityLimits) -> Iterator[DuplicateGroup]:
    verdicts = judge_all(members, limits)
    sure = {
        pair: verdict
        for pair, verdict in verdicts.items()
        if verdict.duplicate_class is DuplicateClass.RE_ENCODED
    }
    representatives = set(range(len(members)))
    for clique in _agglomerate(sure, members):
        choice = _primary([members[position] for position in clique])
        yield _group([members[position] for position in clique], sure, members, choice)
        representatives -= {
            position for position in clique if members[position].original_id != choice.member_id
        }
    similar = {
        pair: verdict for pair, verdict in verdicts.items() if representatives.issuperset(pair)
    }
    for clique in _agglomerate(similar, members):
        chosen = [members[position] for position in clique]
        group = _group(chosen, similar, members, _primary(chosen))
        # Nearness is not transitive: a group left over from the first round is for review only.
        yield replace(group, duplicate_class=DuplicateClass.SIMILAR)


def _agglomerate(verdicts: Verdicts, members: Sequence[Picture]) -> list[list[int]]:
    """Complete linkage, nearest pair first; clusters join where all their pairs have a verdict."""
    nearest_first = sorted(
        verdicts,
        key=lambda pair: (verdicts[pair].bits, members[pair[0]].sha256, members[pair[1]].sha256),
    )
    cluster_of: dict[int, list[int]] = {}
    for first, second in nearest_first:
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


def _primary(pictures: Sequence[Picture]) -> Choice:
    """The one to keep of pictures that show the same: what is least far from the original.

    The quality score plays no part: shrinking and sharpening raise it, and lose what the original
    has.
    """
    return choose(
        Contender(
            picture.original_id,
            picture.sha256.encode(),
            is_rendered=picture.kind is not Kind.RAW,
            has_facts=picture.has_facts,
            pixels=(picture.width or 0) * (picture.height or 0),
            size=picture.size,
        )
        for picture in pictures
    )


def _group(
    chosen: Sequence[Picture], verdicts: Verdicts, members: Sequence[Picture], choice: Choice
) -> DuplicateGroup:
    inside = {picture.original_id for picture in chosen}
    pairs = {
        frozenset((members[a].original_id, members[b].original_id)): verdict
        for (a, b), verdict in verdicts.items()
        if members[a].original_id in inside and members[b].original_id in inside
    }
    weakest = min(
        pairs.values(),
        key=lambda verdict: (
            verdict.duplicate_class is DuplicateClass.RE_ENCODED,
            verdict.confidence,
            verdict.rule,
        ),
    )
    digests = "\n".join(sorted(picture.sha256 for picture in chosen))
    return DuplicateGroup(
        key="p" + _sha256(digests.encode()).hexdigest()[:16],
        duplicate_type=DuplicateType.PERCEPTUAL,
        duplicate_class=weakest.duplicate_class,
        confidence=weakest.confidence,
        rule=f"weakest pair {weakest.rule}; primary: {choice.rule}",
        members=tuple(
            DuplicateMember(
                picture.original_id,
                100.0
                if picture.original_id == choice.member_id
                else pairs[frozenset((picture.original_id, choice.member_id))].similarity,
                is_primary=picture.original_id == choice.member_id,
            )
            for picture in sorted(chosen, key=lambda picture: picture.sha256)
        ),
    )
