"""The JSON shapes of the command line's contract: what a record looks like when it is shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from twinlens.analysis.kinds import as_named
from twinlens.analysis.names import parse_name
from twinlens.grouping.duplicates import exact_group
from twinlens.grouping.primary import Contender, choose
from twinlens.grouping.separate_copies import separate_copies
from twinlens.model.decisions import Spoken
from twinlens.model.groups import DuplicateClass, DuplicateType
from twinlens.model.paths import to_text
from twinlens.model.picture import Kind, MediaType
from twinlens.model.views import DuplicateView, FileGroupView, FileView

HASH_DIGITS = 16


def file_shape(view: FileView) -> dict[str, Any]:
    """One line of `files --json`."""
    original = view.original
    measured = original.measurement if original else None
    media = _media_of(view)
    metadata = measured.metadata if measured else None
    fingerprint = measured.fingerprint if measured else None
    return {
        "path": to_text(view.path),
        "sha256": original.sha256 if original else None,
        "size": view.file.stat.size,
        "media_type": media.media_type if media else None,
        "kind": media.kind.value if media else None,
        "width": measured.width if measured else None,
        "height": measured.height if measured else None,
        "make": metadata.make if metadata else None,
        "model": metadata.model if metadata else None,
        "orientation": measured.orientation if measured else None,
        "taken_at": original.taken.value if original else None,
        "taken_at_source": original.taken.source if original else None,
        "taken_at_confidence": original.taken.confidence.value if original else "none",
        "phash": f"{fingerprint.phash:0{HASH_DIGITS}x}" if fingerprint else None,
        "dhash": f"{fingerprint.dhash:0{HASH_DIGITS}x}" if fingerprint else None,
        "quality_score": measured.quality_score if measured else None,
        "status": view.file.status.value,
        "error": error_of(view),
    }


def _media_of(view: FileView) -> MediaType | None:
    if view.original is None:
        return None
    measured = view.original.measurement
    name = view.file.path.rpartition(b"/")[2]
    return as_named(MediaType(measured.media_type, measured.kind), name)


def error_of(view: FileView) -> str | None:
    """Why a file is not well: it cannot be read, or its content cannot be understood."""
    if view.file.error is not None:
        return view.file.error
    return view.original.measurement.error if view.original else None


def group_shape(view: FileGroupView) -> dict[str, Any]:
    """One line of `groups --json`; a burst has its span and its best picture beside that."""
    members = [
        {
            "path": to_text(path),
            "file_type": member.file_type,
            "is_primary": member.is_primary,
            "rule": member.rule,
            "evidence": member.evidence,
            "runner_up": member.runner_up,
            "sequence": member.sequence,
        }
        for member, path in zip(view.group.members, view.paths, strict=True)
    ]
    shape: dict[str, Any] = {
        "id": view.id,
        "group_type": view.group.group_type.value,
        "group_types": [aspect.value for aspect in view.group.aspects],
        "primary": next((m["path"] for m in members if m["is_primary"]), None),
        "rule": view.group.rule,
        "members": members,
    }
    burst = view.group.burst
    if burst is not None:
        shape |= {
            "started_at": burst.started_at,
            "ended_at": burst.ended_at,
            "seconds": burst.seconds,
            "camera": burst.camera,
            "best": None if view.best is None else to_text(view.best),
        }
    return shape


def exact_shape(
    files: Sequence[FileView], photographs: Mapping[int, int], spoken: Spoken
) -> dict[str, Any] | None:
    """One line of `duplicates --json` for a content with several files.

    `photographs` tells by file id which group of one photograph a file is in, `spoken` what the
    owner said of it. None where all of them are one file on the disk under several names (hard
    links). What could not go, because it is a sidecar or of one photograph, frees nothing.
    """
    original = files[0].original if files else None
    if original is None:
        return None
    identities = [(view.file.stat.device, view.file.stat.inode) for view in files]
    of_photographs = [photographs.get(view.file.id) for view in files]
    spare = separate_copies(zip(identities, of_photographs, strict=True)).spare
    stays = "all stay, as files of one photograph" if not spare else ""
    if any(view.file.kind is Kind.SIDECAR for view in files):
        spare, stays = 0, "all stay, each with the file that it speaks of"
    group = exact_group(original.id, original.sha256, original.size, identities)
    if group is None:
        return None
    said = spoken.choices.get(original.sha256)
    choice = choose(
        Contender(
            view.file.id,
            view.path,
            is_chosen=said is not None and said.statement.value == to_text(view.path),
            is_marked_copy=parse_name(view.path.rpartition(b"/")[2]).copy_mark is not None,
            size=original.size,
        )
        for view in files
    )
    return {
        "id": group.key,
        "duplicate_type": DuplicateType.EXACT.value,
        "class": DuplicateClass.EXACT.value,
        "confidence": group.confidence,
        "primary": next(to_text(v.path) for v in files if v.file.id == choice.member_id),
        "reviewed": spoken.is_reviewed({original.sha256: [to_text(v.path) for v in files]}),
        "reclaimable_bytes": original.size * spare,
        "rule": "; ".join(part for part in (group.rule, stays, f"primary: {choice.rule}") if part),
        "members": [
            {
                "path": to_text(view.path),
                "sha256": original.sha256,
                "similarity": 100.0,
                "is_primary": view.file.id == choice.member_id,
                "decision": _fate(view, spoken),
            }
            for view in files
        ],
    }


def perceptual_shape(view: DuplicateView, spoken: Spoken) -> dict[str, Any]:
    """One line of `duplicates --json` for contents that show the same.

    Each content is listed with all its files; the primary is the first file of the primary content.
    """
    members: list[dict[str, Any]] = []
    paths: dict[str, list[str]] = {}
    reclaimable = 0
    for member, files in zip(view.group.members, view.files, strict=True):
        for number, file in enumerate(files):
            if file.original is not None:
                paths.setdefault(file.original.sha256, []).append(to_text(file.path))
            members.append(
                {
                    "path": to_text(file.path),
                    "sha256": file.original.sha256 if file.original else None,
                    "similarity": member.similarity,
                    "is_primary": member.is_primary and number == 0,
                    "decision": _fate(file, spoken),
                }
            )
        if not member.is_primary:
            inodes = {(f.file.stat.device, f.file.stat.inode): f.file.stat.size for f in files}
            reclaimable += sum(inodes.values())
    return {
        "id": view.id,
        "duplicate_type": view.group.duplicate_type.value,
        "class": view.group.duplicate_class.value,
        "confidence": view.group.confidence,
        "primary": next((m["path"] for m in members if m["is_primary"]), None),
        "reviewed": spoken.is_reviewed(paths),
        # The primary may lie in a root that is no longer watched: then nothing is known to be kept.
        "reclaimable_bytes": reclaimable if any(m["is_primary"] for m in members) else 0,
        "rule": view.group.rule,
        "members": members,
    }


def _fate(view: FileView, spoken: Spoken) -> str | None:
    """keep or discard, where the owner said so of this file."""
    if view.original is None:
        return None
    verb = spoken.fate(view.original.sha256, to_text(view.path))
    return None if verb is None else verb.value
