"""Edits: what was made of a photograph and lies beside it (field rules 4).

A mark in a name proves nothing by itself: 356 pictures `name (1)` to `name (356)` are no edits and
no copies. So an edit needs a second fact: the same camera and capture time, or the same looks. Only
a mark that nobody but an editor sets (`IMG_E1234`, `-edited`) is believed where time and looks say
nothing against it, because exports lose the metadata of the one and not of the other.
"""

import re
from collections.abc import Sequence

from twinlens.grouping.candidates import (
    AmbiguousPair,
    PairCandidate,
    compare,
    in_bits,
    look_distance,
    same_content,
    time_and_camera,
)
from twinlens.grouping.moments import Agreement
from twinlens.grouping.ties import Tie, Units
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind

SAME_LOOK_BITS = 12
"""Colours, tones and small crops change up to this many bits; unrelated pictures begin at 14
(field rules 6)."""
OTHER_LOOK_BITS = 24
"""From here on two looks contradict each other: a heavy crop stays below, chance lies around 32."""

_PHONE_EDIT = re.compile(r"~[0-9]{1,2}")
"""Android's gallery saves the edit of `name.jpg` as `name~2.jpg`."""


def edit_ties(
    candidates: Sequence[PairCandidate], units: Units
) -> tuple[list[Tie], list[AmbiguousPair]]:
    """Tie each edit to what it was made of; candidates in their one order."""
    ties: list[Tie] = []
    reports: list[AmbiguousPair] = []
    in_folder: dict[bytes, list[PairCandidate]] = {}
    for one in candidates:
        in_folder.setdefault(one.directory, []).append(one)
    for edit in candidates:
        if edit.kind is Kind.SIDECAR or not is_marked_edit(edit):
            continue
        found = [
            (rank, base, rule, words)
            for base in in_folder[edit.directory]
            if _may_meet(edit, base)
            and not units.are_one(edit, base)
            and (verdict := _judge(edit, base)) is not None
            for rank, rule, words in (verdict,)
        ]
        best = [one for one in found if one[0] == min(rank for rank, *_ in found)]
        bases = units.first_of_each(base for _, base, _, _ in best)
        if len(bases) > 1:
            ids = tuple(sorted(one.file_id for one in (edit, *bases)))
            reports.append(AmbiguousPair(ids, f"{edit.label}: {len(bases)} originals it may be of"))
        elif bases:
            _, base, rule, words = best[0]
            ties.append(Tie(edit, base, GroupType.EDITED, rule, words))
    return ties, reports


def is_marked_edit(one: PairCandidate) -> bool:
    """Whether its name says that it was made of another."""
    return one.edit_mark is not None or _PHONE_EDIT.search(one.copy_mark or "") is not None


def _may_meet(edit: PairCandidate, base: PairCandidate) -> bool:
    kinds = (Kind.VIDEO,) if edit.kind is Kind.VIDEO else (Kind.IMAGE, Kind.RAW)
    own_mark = _PHONE_EDIT.sub("", edit.copy_mark or "") if edit.edit_mark is None else None
    return (
        base.kind in kinds
        and base.edit_mark is None
        and (base.directory, base.radical) == (edit.directory, edit.radical)
        and (base.copy_mark or "") == (edit.copy_mark or "" if own_mark is None else own_mark)
        # An exact copy is a duplicate.
        and not same_content(edit, base)
    )


def _judge(edit: PairCandidate, base: PairCandidate) -> tuple[int, str, str] | None:
    """(how sure, smaller is surer; rule; values), or None where it is no edit of this one."""
    agreement = compare(edit, base)
    bits = look_distance(edit, base)
    if agreement is Agreement.DIFFER:
        return None
    if agreement is Agreement.AGREE:
        return 0, "edit mark, same capture time and camera", time_and_camera(edit, base)
    looks = "looks not known on both" if bits is None else f"looks {in_bits(bits)} apart"
    if bits is not None and bits <= SAME_LOOK_BITS:
        return 1, "edit mark and same looks", f"{edit.label} and {base.label}: {looks}"
    if edit.is_surely_edited and (bits is None or bits < OTHER_LOOK_BITS):
        words = f"{edit.label} names {base.label}, and nothing speaks against it: {looks}"
        return 2, "a mark that only editors set", words
    return None
