"""Keeps the bursts right: the shots around whatever changed are looked at anew.

Shots hang together that lie within reach of each other in time, or share an identifier or the name
of a burst, in one folder. All that hang together are grouped at once, so the bursts that stand
afterwards are those that a rebuild from nothing would give. Photographs go first: a shot is all
files of its photograph.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from twinlens.analysis.names import parse_name
from twinlens.grouping.bursts import BurstLimits, find_bursts, reach
from twinlens.grouping.partings import parted_anew
from twinlens.grouping.shots import Shot
from twinlens.model.files import FileRecord
from twinlens.model.groups import FileGroup, FileMember
from twinlens.model.originals import OriginalRecord
from twinlens.model.picture import Kind
from twinlens.store import bursts as bursts_store
from twinlens.store import decisions, file_groups
from twinlens.store.bursts import Frame

BUCKET = ""
"""Bursts stand under no name: they are found by their members."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """Which files of a bucket are looked at: a camera gives the same names again and again, and
    what lies under one of them in another folder is no part of a burst here.

    `folders` are those where files came, changed, moved or went (None: every folder), `contents`
    those that a change or a photograph touched, wherever they lie.
    """

    folders: frozenset[bytes] | None
    contents: frozenset[int]

    @classmethod
    def of(
        cls, root_id: int, folders: Iterable[tuple[int, bytes]] | None, contents: Iterable[int]
    ) -> "Concerned":
        """Those of one root."""
        own = None if folders is None else frozenset(f for root, f in folders if root == root_id)
        return cls(own, frozenset(contents))

    def is_met_by(self, directory: bytes, original_id: int | None) -> bool:
        """Whether a file of this folder and content is looked at."""
        return self.folders is None or directory in self.folders or original_id in self.contents


def regroup_bursts(
    root_id: int,
    buckets: Iterable[str],
    limits: BurstLimits,
    at: str | None,
    concerned: Concerned,
) -> tuple[list[FileGroup], set[int]]:
    """Look anew at the shots around those files of these buckets that are concerned. Returns the
    bursts that are new, and the contents of all live files that stand otherwise among others. With
    the time `at`, what changed is noted."""
    names = list(buckets)
    stored = {
        member.group_id
        for member in bursts_store.stored_under(root_id, names)
        if concerned.is_met_by(member.directory, member.original_id)
    }
    seeds = {
        frame.file_id: frame
        for frame in bursts_store.under(root_id, names)
        if concerned.is_met_by(frame.directory, frame.original_id)
    }
    around: set[int] = set()
    enough: list[int] = []
    asked: set[int] = set()
    while True:
        # A burst that is dissolved may leave shots that no longer reach each other.
        if stored - asked:
            frames = bursts_store.frames_of(root_id, stored - asked)
            asked |= stored
            seeds |= {frame.file_id: frame for frame in frames}
        for frame in seeds.values():
            if frame.file_id not in around:
                together = _hang_together(root_id, frame, limits)
                around |= together.keys()
                if len(together) >= limits.least_pictures:
                    enough += together
        stored |= bursts_store.stored_of(around)
        if stored == asked:
            break
    # Most pictures hang together with none or one: nothing more is read of them for nothing.
    if not stored and not enough:
        return [], set()
    wanted = find_bursts(_shots(enough), limits)
    before = bursts_store.groups(stored)
    new, _ = file_groups.replace_groups(root_id, before, [(BUCKET, group) for group in wanted], at)
    changed = bursts_store.contents(parted_anew(before.values(), wanted))
    return new, {original.id for _, original in changed.values()}


def _hang_together(root_id: int, seed: Frame, limits: BurstLimits) -> dict[int, Frame]:
    """All pictures of the seed's folder that hang together with it."""
    found: dict[int, Frame] = {}
    waiting = {seed.file_id: seed}
    spans: list[tuple[datetime, datetime]] = []
    ids: set[str] = set()
    keys: set[str] = set()
    while waiting:
        frame = waiting.popitem()[1]
        found[frame.file_id] = frame
        near: list[Frame] = []
        if frame.burst_id and frame.burst_id not in ids:
            ids.add(frame.burst_id)
            near += bursts_store.with_id(root_id, frame.directory, frame.burst_id)
        if frame.burst_key and frame.burst_key not in keys:
            keys.add(frame.burst_key)
            near += bursts_store.with_key(root_id, frame.directory, frame.burst_key)
        wall = _wall(frame)
        if wall is not None and not any(first <= wall <= last for first, last in spans):
            chain, span = _chain(root_id, frame.directory, wall, reach(limits))
            spans.append(span)
            near += chain
        waiting |= {one.file_id: one for one in near if one.file_id not in found}
    return found


def _chain(
    root_id: int, directory: bytes, wall: datetime, step: timedelta
) -> tuple[list[Frame], tuple[datetime, datetime]]:
    """The pictures that are reached from a moment, none farther than `step` from the next, and the
    time from the first to the last of them. The window is doubled, so that a time lapse of
    thousands costs a dozen questions."""
    window = 2 * step  # one neighbour is found by the first question
    while True:
        frames = [
            (at, frame)
            for frame in bursts_store.between(
                root_id, directory, _face(wall, -window), _face(wall, window) + "~"
            )
            if (at := _wall(frame)) is not None
        ]
        frames.sort(key=lambda one: (one[0], one[1].file_id))
        first, last = wall, wall
        for at, _ in reversed([one for one in frames if one[0] <= wall]):
            if first - at > step:
                break
            first = at
        for at, _ in [one for one in frames if one[0] >= wall]:
            if at - last > step:
                break
            last = at
        is_inside = wall - first + step <= window and last - wall + step <= window
        if is_inside or window > timedelta(days=366):
            return [frame for at, frame in frames if first <= at <= last], (first, last)
        window *= 2


def _face(wall: datetime, shift: timedelta) -> str:
    try:
        return (wall + shift).isoformat(timespec="seconds")
    except OverflowError:
        return wall.isoformat(timespec="seconds")


def _wall(frame: Frame) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(frame.captured_at) if frame.captured_at else None
    except ValueError:
        return None
    return None if stamp is None else stamp.replace(tzinfo=None)


def _shots(file_ids: list[int]) -> list[Shot]:
    """The shots that these pictures stand for: one a photograph, told by its first picture."""
    groups = bursts_store.photographs_of(file_ids)
    wanted = set(file_ids) | {m.file_id for group in groups.values() for m in group.members}
    known = bursts_store.contents(wanted)
    chosen = decisions.choices_of(original.sha256 for _, original in known.values())
    shots: list[Shot] = []
    for file_id in file_ids:
        if file_id not in known:
            continue
        group = groups.get(file_id)
        members = group.members if group else (FileMember(file_id, "", True, ""),)
        present = [member for member in members if member.file_id in known]
        speaker = min(present, key=lambda member: _speaks(member, *known[member.file_id]))
        if speaker.file_id == file_id:
            files = tuple((m.file_id, m.file_type or _type(known[m.file_id][0])) for m in present)
            is_chosen = any(known[m.file_id][1].sha256 in chosen for m in present)
            shots.append(_shot(*known[file_id], files, is_chosen=is_chosen))
    return shots


def _speaks(
    member: FileMember, record: FileRecord, original: OriginalRecord
) -> tuple[bool, bool, bool, bytes]:
    """Who tells of a shot: a picture with a time, the primary before others."""
    is_picture = record.kind in (Kind.IMAGE, Kind.RAW)
    return not is_picture, original.captured_at is None, not member.is_primary, record.path


def _type(record: FileRecord) -> str:
    return "raw" if record.kind is Kind.RAW else "image"


def _shot(
    record: FileRecord,
    original: OriginalRecord,
    files: tuple[tuple[int, str], ...],
    *,
    is_chosen: bool,
) -> Shot:
    directory, _, name = record.path.rpartition(b"/")
    parts = parse_name(name)
    measured = original.measurement
    metadata, fingerprint = measured.metadata, measured.fingerprint
    is_telling = fingerprint is not None and not fingerprint.is_degenerate
    is_marked_cover = metadata.tags.get("XMP:BurstPrimary") in ("1", "True", "true")
    return Shot(
        file_id=record.id,
        original_id=original.id,
        sha256=original.sha256,
        directory=directory,
        name=name,
        radical=parts.radical,
        files=files,
        captured_at=original.captured_at,
        has_subseconds=metadata.has_subseconds,
        make=metadata.make,
        model=metadata.model,
        serial=metadata.serial,
        image_number=_number(metadata.image_number),
        sequence_number=_number(metadata.sequence_number),
        burst_id=metadata.burst_id,
        burst_key=parts.burst_key,
        is_cover=is_marked_cover or "COVER" in (parts.facet or "").upper(),
        is_chosen=is_chosen,
        is_marked=parts.copy_mark is not None or parts.edit_mark is not None,
        phash=fingerprint.phash if fingerprint and is_telling else None,
        ahash=fingerprint.ahash if fingerprint and is_telling else None,
        quality_score=measured.quality_score,
        pixels=(measured.width or 0) * (measured.height or 0),
        size=original.size,
    )


def _number(text: str | None) -> int | None:
    """`100-0012` counts as 12: what stands before is the folder's number."""
    digits = (text or "").rpartition("-")[2].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None
