"""Live photos: a still and the seconds around it (field rules 5.1 and 5.5).

The phone writes one identifier into both; copies of a live photo share it, so the same folder goes
first. Where either has lost it, the same folder, the same name and times within three seconds
join them; two different identifiers or cameras forbid it. A clip's time is UTC by standard and
often local, so a difference of whole quarter hours is a question of the zone, not of the moment.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from twinlens.grouping.cameras import same_camera
from twinlens.grouping.candidates import AmbiguousPair, PairCandidate
from twinlens.grouping.moments import QUARTER_HOUR_SECONDS, Agreement, Moment, Precision
from twinlens.grouping.ties import Tie, Units
from twinlens.model.groups import GroupType
from twinlens.model.picture import Kind

CLIP_SECONDS = 3.0
"""A clip begins up to this long before the press of the shutter (field rules 5.5)."""

_FARTHEST_ZONE = timedelta(hours=14)


def live_ties(
    candidates: Sequence[PairCandidate], units: Units
) -> tuple[list[Tie], list[AmbiguousPair]]:
    """Tie each clip to its still; candidates in their one order, so any order in gives the same."""
    stills = [one for one in candidates if one.is_picture]
    videos = [one for one in candidates if one.kind is Kind.VIDEO]
    if not stills or not videos:
        return [], []
    ties = _by_identifier(stills, videos, units)
    tied = {tie.file.file_id for tie in ties}
    reports: list[AmbiguousPair] = []
    in_folder: dict[bytes, list[PairCandidate]] = {}
    for still in stills:
        in_folder.setdefault(still.directory, []).append(still)
    for video in videos:
        if video.file_id not in tied:
            ties.extend(_by_name(video, in_folder.get(video.directory, ()), units, reports))
    return ties, reports


def clip_agreement(still: Moment | None, clip: Moment | None) -> tuple[Agreement, str]:
    """Whether a clip was running when the still was taken, with the difference in words."""
    if still is None or clip is None or Precision.DAY in (still.precision, clip.precision):
        return Agreement.UNKNOWN, "no capture time on both"
    gap = still.gap(clip)
    tolerance = timedelta(seconds=CLIP_SECONDS)
    if gap <= tolerance:
        return Agreement.AGREE, f"{gap.total_seconds():g} s apart"
    wall = abs(still.wall - clip.wall)
    quarter = timedelta(seconds=QUARTER_HOUR_SECONDS)
    rest = min(wall % quarter, quarter - wall % quarter)
    if _zone_is_open(still, clip) and rest <= tolerance and wall <= _FARTHEST_ZONE + tolerance:
        return Agreement.AGREE, (
            f"{rest.total_seconds():g} s apart but for the zone ({wall - wall % quarter} h)"
        )
    return Agreement.DIFFER, f"{gap.total_seconds():g} s apart"


def _zone_is_open(still: Moment, clip: Moment) -> bool:
    """A clock face in UTC may be local time that was written as UTC."""
    return still.offset is None or not clip.offset


def _by_identifier(
    stills: Sequence[PairCandidate], videos: Sequence[PairCandidate], units: Units
) -> list[Tie]:
    ties: list[Tie] = []
    stills_of = _by_their_identifier(stills)
    for identifier, clips in sorted(_by_their_identifier(videos).items()):
        pictures = stills_of.get(identifier, [])
        taken: set[int] = set()
        alone: list[PairCandidate] = []
        for clip in clips:
            near = [
                one
                for one in pictures
                if one.directory == clip.directory and one.file_id not in taken
            ]
            if not near:
                alone.append(clip)
                continue
            still = min(near, key=lambda one: (_unlikeness(one, clip), one.order))
            taken |= units.of(still)
            ties.append(_identified(clip, still, "same identifier and folder"))
        left = units.first_of_each(one for one in pictures if one.file_id not in taken)
        if len(alone) == 1 and len(left) == 1:
            ties.append(_identified(alone[0], left[0], "same identifier in another folder"))
    return ties


def _by_their_identifier(files: Iterable[PairCandidate]) -> dict[str, list[PairCandidate]]:
    found: dict[str, list[PairCandidate]] = {}
    for one in files:
        if one.content_identifier:
            found.setdefault(one.content_identifier, []).append(one)
    return found


def _unlikeness(still: PairCandidate, clip: PairCandidate) -> tuple[bool, bool, bool]:
    return (
        still.radical != clip.radical,
        still.copy_mark != clip.copy_mark,
        (still.edit_mark is None) != (clip.edit_mark is None),
    )


def _identified(clip: PairCandidate, still: PairCandidate, rule: str) -> Tie:
    evidence = f"{clip.label} and {still.label} both have the identifier {still.content_identifier}"
    return Tie(clip, still, GroupType.LIVE_PHOTO, rule, evidence)


def _by_name(
    video: PairCandidate,
    stills: Iterable[PairCandidate],
    units: Units,
    reports: list[AmbiguousPair],
) -> list[Tie]:
    agreeing: list[tuple[PairCandidate, str]] = []
    unknown: list[PairCandidate] = []
    for still in stills:
        if not _may_meet(still, video):
            continue
        agreement, words = clip_agreement(still.moment, video.moment)
        if agreement is Agreement.AGREE:
            agreeing.append((still, words))
        elif agreement is Agreement.UNKNOWN:
            unknown.append(still)
    words_of = {still.file_id: words for still, words in agreeing}
    found = units.first_of_each(still for still, _ in agreeing)
    if len(found) == 1:
        still = found[0]
        evidence = f"{video.label} and {still.label}: {words_of[still.file_id]}"
        rule = "same folder, name and time"
        return [Tie(video, still, GroupType.LIVE_PHOTO, rule, evidence)]
    reason = f"{len(found)} candidates" if found else "no capture time on both"
    for still in found or units.first_of_each(unknown):
        ids = tuple(sorted((still.file_id, video.file_id)))
        reports.append(AmbiguousPair(ids, f"{still.label} and {video.label}: {reason}"))
    return []


def _may_meet(still: PairCandidate, video: PairCandidate) -> bool:
    if (still.directory, still.radical, still.copy_mark, still.edit_mark) != (
        video.directory,
        video.radical,
        video.copy_mark,
        video.edit_mark,
    ):
        return False
    identifiers = {still.content_identifier, video.content_identifier} - {None, ""}
    cameras = same_camera(still.make, still.model, video.make, video.model)
    return len(identifiers) < 2 and cameras is not Agreement.DIFFER
