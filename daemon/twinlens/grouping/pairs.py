"""Pairs: a RAW and the pictures rendered from it are one photograph (field rules 5.2 to 5.4, 5.6).

A name only brings candidates together; capture time and camera decide, and where the time is
missing or two candidates are left, the RAW's embedded preview is held against the picture. What
stays open is left unpaired and reported, never guessed. The work goes in four rounds, each on
what the round before left over:

1. files of one folder that all agree on time and camera are one photograph;
2. in one folder, what has no time or more than one candidate is matched by its looks;
3. neighbouring folders: by time and camera where both sides have one candidate only, else by looks;
4. folders that lie alike below two halves: only where time and camera agree.

Every round looks at all candidates at once, so the order of arrival plays no part.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from twinlens.grouping.candidates import (
    AmbiguousPair,
    PairCandidate,
    compare,
    contender,
    content_key,
    in_bits,
    look_distance,
    time_and_camera,
)
from twinlens.grouping.folders import are_cousins, are_neighbours
from twinlens.grouping.moments import Agreement
from twinlens.grouping.primary import choose
from twinlens.model.groups import FileGroup, FileMember, GroupType
from twinlens.model.picture import Kind

__all__ = ["AmbiguousPair", "PairCandidate", "Pairing", "pair"]

MOST_LOOK_BITS = 10
"""A preview and the picture of one shot differ by this much at most (other crop, other tones)."""
CLEAR_MARGIN_BITS = 6
"""How much nearer than the runner-up a winner must be."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """The photographs found, and what was left open with the reason in words."""

    groups: tuple[FileGroup, ...]
    ambiguous: tuple[AmbiguousPair, ...]


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Files held to be one photograph so far, the rule, and what each member owes its place to."""

    members: tuple[PairCandidate, ...]
    rule: str = ""
    evidence: tuple[tuple[int, str], ...] = ()
    runners_up: tuple[tuple[int, str], ...] = ()

    @property
    def name(self) -> str:
        return self.members[0].label

    def has(self, kind: Kind) -> bool:
        return any(member.kind is kind for member in self.members)


@dataclass(frozen=True, slots=True)
class _Option:
    """One way to join a RAW cluster with a rendered one."""

    raw: _Cluster
    image: _Cluster
    agreement: Agreement
    look: int | None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Whether an option holds, why (not), in words, and the nearest that it was chosen before."""

    reason: str
    is_sure: bool
    runner_up: str | None = None


def pair(candidates: Iterable[PairCandidate]) -> Pairing:
    """Pair all live files that share one radical in one root; any order in, same groups out.

    Files of other kinds than RAW and image are passed over, and so are exact copies in the same
    folder: the one without a copy mark takes part, the others are its duplicates.
    """
    by_folder: dict[bytes, list[PairCandidate]] = {}
    for candidate in _without_copies(candidates):
        by_folder.setdefault(candidate.directory, []).append(candidate)
    reports: list[AmbiguousPair] = []
    left: list[_Cluster] = []
    for folder in sorted(by_folder):
        clusters = _agreeing(by_folder[folder])
        left.extend(_match(clusters, _in_one_folder, "same folder and name", reports))
    left = _match(left, _in_neighbouring_folders, "neighbouring folder and same name", reports)
    left = _match(left, _in_cousin_folders, "folders alike and same name", reports)
    paired = [one for one in left if one.has(Kind.RAW) and one.has(Kind.IMAGE)]
    settled = {member.file_id for cluster in paired for member in cluster.members}
    return Pairing(
        tuple(_group(cluster) for cluster in paired),
        tuple(
            sorted(
                {one for one in reports if not settled.issuperset(one.file_ids)},
                key=lambda one: (one.file_ids, one.reason),
            )
        ),
    )


def _without_copies(candidates: Iterable[PairCandidate]) -> list[PairCandidate]:
    kept: list[PairCandidate] = []
    seen: set[tuple[bytes, tuple[object, ...]]] = set()
    wanted = (one for one in candidates if one.kind in (Kind.RAW, Kind.IMAGE))
    for candidate in sorted(wanted, key=lambda one: one.order):
        content = content_key(candidate)
        if content is None or (candidate.directory, content) not in seen:
            kept.append(candidate)
        if content is not None:
            seen.add((candidate.directory, content))
    return kept


def _agreeing(files: Sequence[PairCandidate]) -> list[_Cluster]:
    """Join files of one folder that all agree with each other; a knot stays apart."""
    neighbours = {one.file_id: {one.file_id} for one in files}
    for a, b in combinations(files, 2):
        if compare(a, b) is Agreement.AGREE:
            neighbours[a.file_id].add(b.file_id)
            neighbours[b.file_id].add(a.file_id)
    clusters: dict[frozenset[int], _Cluster] = {}
    for one in files:
        together = frozenset(neighbours[one.file_id])
        if any(neighbours[other] != together for other in together):
            together = frozenset([one.file_id])
        members = tuple(other for other in files if other.file_id in together)
        clusters[together] = _joined_by_facts(members)
    return list(clusters.values())


def _joined_by_facts(members: tuple[PairCandidate, ...]) -> _Cluster:
    raws = [one for one in members if one.kind is Kind.RAW]
    if not raws or len(raws) == len(members):
        return _Cluster(members)
    evidence = tuple(
        (
            one.file_id,
            time_and_camera(one, raws[0] if one is not raws[0] else _first_image(members)),
        )
        for one in members
    )
    return _Cluster(members, "same folder, name, capture time and camera", evidence)


def _first_image(members: Sequence[PairCandidate]) -> PairCandidate:
    return next(one for one in members if one.kind is Kind.IMAGE)


_MayMeet = Callable[[_Cluster, _Cluster], bool]


def _in_one_folder(raw: _Cluster, image: _Cluster) -> bool:
    return raw.members[0].directory == image.members[0].directory


def _in_neighbouring_folders(raw: _Cluster, image: _Cluster) -> bool:
    if raw.has(Kind.IMAGE):  # it has found its half beside it
        return False
    return are_neighbours(raw.members[0].directory, image.members[0].directory)


def _in_cousin_folders(raw: _Cluster, image: _Cluster) -> bool:
    """Farther away, so looks alone do not do: another card holds the same names."""
    if raw.has(Kind.IMAGE):
        return False
    return are_cousins(raw.members[0].directory, image.members[0].directory) and all(
        compare(a, b) is Agreement.AGREE for a in raw.members for b in image.members
    )


def _match(
    clusters: list[_Cluster], may_meet: _MayMeet, place: str, reports: list[AmbiguousPair]
) -> list[_Cluster]:
    """Join each RAW cluster with the rendered ones that can only be its own; report the rest."""
    raws = [one for one in clusters if one.has(Kind.RAW)]
    images = [one for one in clusters if not one.has(Kind.RAW)]
    options = [
        option
        for raw in raws
        for image in images
        if may_meet(raw, image) and (option := _option(raw, image)) is not None
    ]
    joined: dict[int, _Cluster] = {id(raw): raw for raw in raws}
    taken: set[int] = set()
    for option in options:
        rivals = [
            other
            for other in options
            if other is not option and (other.raw is option.raw or other.image is option.image)
        ]
        verdict = _decide(option, rivals)
        if verdict.is_sure:
            joined[id(option.raw)] = _join(joined[id(option.raw)], option, place, verdict)
            taken.add(id(option.image))
        else:
            ids = (*option.raw.members, *option.image.members)
            names = f"{option.raw.name} and {option.image.name}"
            reports.append(
                AmbiguousPair(
                    tuple(sorted(one.file_id for one in ids)), f"{names}: {verdict.reason}"
                )
            )
    return [*joined.values(), *(image for image in images if id(image) not in taken)]


def _option(raw: _Cluster, image: _Cluster) -> _Option | None:
    """What time and camera say of two clusters, and their looks; None where they contradict."""
    found = {compare(a, b) for a in raw.members for b in image.members}
    if Agreement.DIFFER in found:
        return None
    looks = [
        bits
        for a in raw.members
        for b in image.members
        if (bits := look_distance(a, b)) is not None
    ]
    agreement = Agreement.UNKNOWN if Agreement.UNKNOWN in found else Agreement.AGREE
    return _Option(raw, image, agreement, min(looks, default=None))


def _decide(option: _Option, rivals: Sequence[_Option]) -> _Verdict:
    if not rivals and option.agreement is Agreement.AGREE:
        return _Verdict(time_and_camera(option.raw.members[0], option.image.members[0]), True)
    if not rivals and _are_halves_by_name(option):
        return _Verdict("no capture time on both, but the camera's own names for two halves", True)
    why = "no capture time on both" if not rivals else f"{len(rivals) + 1} candidates"
    if option.look is None:
        return _Verdict(f"{why}, and no preview to compare", False)
    words = f"{why}; preview {in_bits(option.look)} away"
    if option.look > MOST_LOOK_BITS or not rivals:
        return _Verdict(f"{words}, limit {MOST_LOOK_BITS}", option.look <= MOST_LOOK_BITS)
    if any(rival.look is None for rival in rivals):
        return _Verdict(f"{why}, and one of them has no preview to compare", False)
    # Among rivals that look alike the name decides which is told of: never the order of arrival.
    bits, name = min((rival.look or 0, _rival_name(rival, option)) for rival in rivals)
    runner_up = f"{name} {in_bits(bits)}"
    return _Verdict(
        f"{words}, runner-up {runner_up}", bits >= option.look + CLEAR_MARGIN_BITS, runner_up
    )


def _rival_name(rival: _Option, option: _Option) -> str:
    return (rival.image if rival.raw is option.raw else rival.raw).name


def _are_halves_by_name(option: _Option) -> bool:
    """Pixel's `.RAW-01.COVER` and `.RAW-02.ORIGINAL`, Lumia's `__highres` and `__RAW`."""
    facets = [(one.facet or "").upper() for one in (*option.raw.members, *option.image.members)]
    return all(facet.startswith(("RAW", "HIGHRES")) for facet in facets)


def _join(raw: _Cluster, option: _Option, place: str, verdict: _Verdict) -> _Cluster:
    by_looks = option.agreement is not Agreement.AGREE or "preview" in verdict.reason
    if _are_halves_by_name(option) and "preview" not in verdict.reason and by_looks:
        rule = f"{place}, named as halves by the camera"
    else:
        rule = f"{place}, {'preview' if by_looks else 'capture time and camera'}"
    words = f"{place}; {verdict.reason}"
    told = {file_id for file_id, _ in raw.evidence}
    added = tuple((one.file_id, words) for one in option.image.members)
    own = tuple((one.file_id, words) for one in raw.members if one.file_id not in told)
    runners = tuple(
        (one.file_id, verdict.runner_up)
        for one in (*raw.members, *option.image.members)
        if verdict.runner_up is not None
    )
    return _Cluster(
        (*raw.members, *option.image.members),
        raw.rule or rule,
        (*raw.evidence, *own, *added),
        (*raw.runners_up, *runners),
    )


def _group(cluster: _Cluster) -> FileGroup:
    choice = choose(contender(one) for one in cluster.members)
    evidence, runners_up = dict(cluster.evidence), dict(cluster.runners_up)
    return FileGroup(
        GroupType.RAW_JPEG,
        f"{cluster.rule}; primary: {choice.rule}",
        tuple(
            FileMember(
                one.file_id,
                "raw" if one.kind is Kind.RAW else "image",
                one.file_id == choice.member_id,
                evidence[one.file_id],
                cluster.rule,
                runners_up.get(one.file_id),
            )
            for one in sorted(cluster.members, key=lambda one: one.order)
        ),
        (GroupType.RAW_JPEG,),
    )
