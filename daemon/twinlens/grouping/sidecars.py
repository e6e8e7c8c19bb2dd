"""Sidecars: files that say something about a photograph and are none (field rules 5.8).

They attach to the file that they name, in the same folder, and never form a group alone. The more
of a name a sidecar says, the more it is believed: `name.ext.xmp` before `name.xmp`, a whole name
before one that a takeout has cut. What a sidecar says of the capture time decides nothing: the
name binds it, and a contradiction is told.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from twinlens.grouping.candidates import AmbiguousPair, PairCandidate
from twinlens.grouping.ties import Tie, Units
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind

_CONFLICT = timedelta(days=1)

# A sidecar that names a stem belongs to what writes such: a camera's preview to its film or RAW,
# a developer's settings to the RAW, Apple's to the picture.
_FILM_FIRST = (Kind.VIDEO, Kind.RAW, Kind.IMAGE)
_PICTURE_FIRST = (Kind.IMAGE, Kind.RAW, Kind.VIDEO)
_RAW_FIRST = (Kind.RAW, Kind.IMAGE, Kind.VIDEO)
_KINDS_BY_EXTENSION = {"lrv": _FILM_FIRST, "thm": _FILM_FIRST, "aae": _PICTURE_FIRST}


def sidecar_ties(
    candidates: Sequence[PairCandidate], units: Units
) -> tuple[list[Tie], list[AmbiguousPair]]:
    """Tie each sidecar to the file that it names; candidates in their one order."""
    ties: list[Tie] = []
    reports: list[AmbiguousPair] = []
    hosts: dict[bytes, list[PairCandidate]] = {}
    for one in candidates:
        if one.is_picture or one.kind is Kind.VIDEO:
            hosts.setdefault(one.directory, []).append(one)
    for sidecar in candidates:
        if sidecar.kind is not Kind.SIDECAR or sidecar.target is None:
            continue
        found, rule = _named(sidecar, sidecar.target, hosts.get(sidecar.directory, []))
        firsts = units.first_of_each(found)
        if len(firsts) == 1:
            ties.append(_tie(sidecar, found, rule))
        elif firsts:
            names = ", ".join(one.label for one in firsts)
            ids = tuple(sorted(one.file_id for one in (sidecar, *firsts)))
            reports.append(AmbiguousPair(ids, f"{sidecar.label} may go with each of {names}"))
    return ties, reports


def _named(
    sidecar: PairCandidate, target: str, hosts: Sequence[PairCandidate]
) -> tuple[list[PairCandidate], str]:
    """The files that it may go with, the best first, and the rule."""
    if sidecar.target_form == "cut":
        return _begun(sidecar, target, hosts)
    if sidecar.target_form == "full":
        exact = [one for one in hosts if one.plain_name == target]
        if exact:
            return exact, "names the file with its extension"
        # An export may hold the edited rendition alone; it shares the original's sidecar.
        edits = [
            one for one in hosts if one.edit_mark is not None and _without_edit_mark(one) == target
        ]
        if edits or sidecar.version_of is None:
            return edits, "names the original of this edit"
        versions = [one for one in hosts if one.plain_name == sidecar.version_of]
        return versions, "a further version of the file that it names"
    stems = [one for one in hosts if one.plain_stem == target]
    if not stems and (sidecar.facet or sidecar.extension in ("lrv", "thm")):
        # Apple's `IMG_O1234.AAE` is of IMG_1234, a GoPro's `GL010001.LRV` of GX010001.
        stems = [
            one for one in hosts if (one.copy_mark, one.edit_mark) == (sidecar.copy_mark, None)
        ]
    order = _KINDS_BY_EXTENSION.get(sidecar.extension, _RAW_FIRST)
    for kind in order:
        of_kind = [one for one in stems if one.kind is kind]
        if of_kind:
            return of_kind, "names the file without its extension"
    return [], ""


def _begun(
    sidecar: PairCandidate, target: str, hosts: Sequence[PairCandidate]
) -> tuple[list[PairCandidate], str]:
    number = sidecar.target_number
    found = [
        one
        for one in hosts
        if one.plain_name.startswith(target) and (not number or one.plain_stem.endswith(number))
    ]
    titled = [one for one in found if sidecar.title and one.plain_name == sidecar.title]
    if titled:
        return titled, "a name cut by the export, and the title inside"
    originals = [one for one in found if one.edit_mark is None] or found
    if not number:
        # Numbered twins begin alike; the sidecar without a number is of the one without.
        originals = [one for one in originals if one.copy_mark is None] or originals
    return originals, "a name cut by the export"


def _without_edit_mark(one: PairCandidate) -> str:
    mark = (one.edit_mark or "").casefold()
    stem = one.plain_stem
    if mark == "e":
        stem = stem.replace("img_e", "img_", 1)
    else:
        before, found, behind = stem.rpartition(mark)
        stem = before + behind if found else stem
    return f"{stem}.{one.extension}"


def _tie(sidecar: PairCandidate, found: Sequence[PairCandidate], rule: str) -> Tie:
    host = found[0]
    evidence = f"{sidecar.label} goes with {host.label} by its name"
    if sidecar.title and sidecar.title == host.plain_name:
        evidence += ", and so says the title inside"
    evidence += _conflict(sidecar, found)
    return Tie(sidecar, host, GroupType.SIDECAR, rule, evidence)


def _conflict(sidecar: PairCandidate, found: Iterable[PairCandidate]) -> str:
    mine = sidecar.moment
    theirs = [(one, one.moment) for one in found]
    for one, moment in theirs:
        if mine is not None and moment is not None and mine.gap(moment) > _CONFLICT:
            return (
                f"; but it says taken {sidecar.captured_at}, and {one.label} says {one.captured_at}"
            )
    return ""
