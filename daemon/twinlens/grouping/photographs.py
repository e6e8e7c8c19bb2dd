"""Photographs: one shot is one group, however many kinds of files it has (field rules 5).

RAW and rendered picture meet first, then edits join what they were made of, then clips their
stills, then sidecars whatever they name. Each tie hangs one file on one photograph and never two
photographs on each other, so nothing is chained together. A group's type is its strongest tie:
raw_jpeg, live_photo, edited, sidecar; its aspects are all of them.
"""

from collections.abc import Iterable, Mapping, Sequence

from twinlens.grouping.candidates import AmbiguousPair, PairCandidate, contender
from twinlens.grouping.edits import edit_ties
from twinlens.grouping.live_photos import live_ties
from twinlens.grouping.pairs import Pairing, pair
from twinlens.grouping.primary import choose
from twinlens.grouping.sidecars import sidecar_ties
from twinlens.grouping.ties import STRENGTH, Tie, Units
from twinlens.model.groups import FileGroup, FileMember, GroupType
from twinlens.model.picture import Kind

_FILE_TYPES = {
    Kind.RAW: "raw",
    Kind.IMAGE: "image",
    Kind.VIDEO: "video",
    Kind.SIDECAR: "sidecar",
}


def photographs(candidates: Iterable[PairCandidate]) -> Pairing:
    """Group live files that meet under one name or identifier in one root; any order in, same
    groups out."""
    files = sorted(candidates, key=lambda one: one.order)
    units = Units(one.file_id for one in files)
    pairing = _paired(files)
    for group in pairing.groups:
        first, *others = group.members
        for member in others:
            units.join(first.file_id, member.file_id)
    ties: list[Tie] = []
    reports: list[AmbiguousPair] = list(pairing.ambiguous)
    for find in (edit_ties, live_ties, sidecar_ties):
        found, open_ = find(files, units)
        for tie in found:
            units.join(tie.file.file_id, tie.to.file_id)
        ties.extend(found)
        reports.extend(open_)
    by_id = {one.file_id: one for one in files}
    pair_of = {member.file_id: group for group in pairing.groups for member in group.members}
    ties_of: dict[int, list[int]] = {}
    for number, tie in enumerate(ties):
        ties_of.setdefault(tie.file.file_id, []).append(number)
    groups = [
        _group(
            [by_id[file_id] for file_id in unit],
            pair_of,
            [ties[n] for n in sorted(n for file_id in unit for n in ties_of.get(file_id, ()))],
        )
        for unit in units.all()
        if len(unit) > 1
    ]
    return Pairing(
        tuple(groups),
        tuple(sorted(set(reports), key=lambda one: (one.file_ids, one.reason))),
    )


def _paired(files: Sequence[PairCandidate]) -> Pairing:
    """Pairs are looked for where there is a RAW: comparing hundreds of pictures has its price."""
    by_radical: dict[str, list[PairCandidate]] = {}
    for one in files:
        by_radical.setdefault(one.radical, []).append(one)
    found = [
        pair(together)
        for together in by_radical.values()
        if any(one.kind is Kind.RAW for one in together)
    ]
    return Pairing(
        tuple(group for pairing in found for group in pairing.groups),
        tuple(open_ for pairing in found for open_ in pairing.ambiguous),
    )


def _group(
    members: list[PairCandidate],
    pair_of: Mapping[int, FileGroup],
    own: Sequence[Tie],
) -> FileGroup:
    pair_ = next((pair_of[one.file_id] for one in members if one.file_id in pair_of), None)
    aspects = {tie.group_type for tie in own}
    if pair_ is not None:
        aspects.add(GroupType.RAW_JPEG)
    paired = {} if pair_ is None else {member.file_id: member for member in pair_.members}
    if any(one.edit_mark is not None for one in members if one.file_id in paired):
        aspects.add(GroupType.EDITED)
    choice = choose(contender(one) for one in members)
    listed = tuple(
        _member(one, own, paired, is_primary=one.file_id == choice.member_id)
        for one in sorted(members, key=lambda one: one.order)
    )
    strongest = min(aspects, key=STRENGTH.index)
    if pair_ is not None:
        rule = pair_.rule.rpartition("; primary: ")[0]
    else:
        rule = min(tie.rule for tie in own if tie.group_type is strongest)
    return FileGroup(
        strongest,
        f"{rule}; primary: {choice.rule}",
        listed,
        tuple(sorted(aspects, key=STRENGTH.index)),
    )


def _member(
    one: PairCandidate, ties: Sequence[Tie], paired: dict[int, FileMember], *, is_primary: bool
) -> FileMember:
    """What a file owes its place to: its own tie, its pair, or else the first that hangs on it."""
    tie = next((tie for tie in ties if tie.file.file_id == one.file_id), None)
    is_edit = one.edit_mark is not None or (tie and tie.group_type is GroupType.EDITED)
    file_type = "edited" if is_edit and one.kind is Kind.IMAGE else _FILE_TYPES[one.kind]
    if one.file_id in paired and tie is None:
        member = paired[one.file_id]
        return FileMember(
            one.file_id, file_type, is_primary, member.evidence, member.rule, member.runner_up
        )
    if tie is None:
        tie = next(tie for tie in ties if tie.to.file_id == one.file_id)
    return FileMember(one.file_id, file_type, is_primary, tie.evidence, tie.rule, tie.runner_up)
