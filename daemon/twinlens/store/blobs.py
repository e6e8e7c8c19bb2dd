"""Blobs: what the vault holds, by content; what it lacks; and what in it nothing refers to.

A row of state KEPT is written only after its object was brought to the disk and read back. A
content is referred to by its live files (of every root ever named, whether it can be reached or
not), by what lies in the trash or is on its way, by a damaged file that should hold it, and by the
owner's word that it is kept. Counts are not believed here: references are looked up.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from twinlens.model.actions import OPEN_STATES, StepState
from twinlens.model.decisions import DecisionVerb
from twinlens.model.files import FileStatus
from twinlens.model.paths import join
from twinlens.model.roots import RootState
from twinlens.model.vault import BlobRecord, BlobState, PutHow
from twinlens.store import holds, meta, verifications
from twinlens.store.rows import tuples
from twinlens.store.tables import File, Original, Root
from twinlens.store.tables_care import Verification
from twinlens.store.tables_owner import ActionStep, UserDecision
from twinlens.store.tables_vault import Blob

_VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a pass sees something: the time, the seconds of `store.lived`, and when references were
    last counted anew ("" for never)."""

    at: str
    lived: float
    reconciled_at: str


_READABLE = (FileStatus.OK.value, FileStatus.BROKEN.value, FileStatus.UNJUDGED.value)
_HOLDING = (StepState.DONE, StepState.HELD, *sorted(OPEN_STATES))
_THERE = (BlobState.KEPT.value, BlobState.FOUND.value)


def vault_identity() -> str | None:
    """The id of the vault that the rows are about; None where there is none yet."""
    text = meta.read(_VAULT)
    return str(json.loads(text)["identity"]) if text else None


def take_vault(identity: str, place: str) -> None:
    """From now on the rows are about this vault; those about another are dropped, and the next
    reconcile notices what only they referred to. In a transaction."""
    if vault_identity() not in (None, identity):
        Blob.delete().execute()
    meta.write(_VAULT, json.dumps({"identity": identity, "place": place}))


def get(sha256: str) -> BlobRecord | None:
    """What is known of the object of this content."""
    row = Blob.get_or_none(Blob.sha256 == sha256)
    return None if row is None else _record(row)


def keep(sha256: str, size: int, how: PutHow, at: str) -> None:
    """The object was stored and read back. In a transaction."""
    known = Blob.get_or_none(Blob.sha256 == sha256)
    if how is PutHow.FOUND and known is not None:
        how = PutHow(known.how)
    values = {
        "size": size,
        "how": how.value,
        "state": BlobState.KEPT.value,
        "verified_at": at,
        "checked_at": at,
        "error": None,
        "passes": 0,
    }
    if known is None:
        Blob.insert(sha256=sha256, stored_at=at, **values).execute()
    else:
        Blob.update(**values).where(Blob.sha256 == sha256).execute()
    holds.settle([sha256], at)


def note_found(sha256: str, size: int, state: BlobState, now: Moment) -> None:
    """An object is there that no row is about: it begins to wait. In a transaction."""
    Blob.insert(
        sha256=sha256,
        size=size,
        how=PutHow.FOUND.value,
        state=state.value,
        stored_at=now.at,
        passes=1 if state is BlobState.QUARANTINED else 0,
        **_waiting(now),
    ).on_conflict_ignore().execute()


def forget(sha256s: Sequence[str], at: str) -> int:
    """Drop rows: their objects are not there. In a transaction."""
    found = sum(
        int(Blob.delete().where(Blob.sha256.in_(part)).execute()) for part in _parts(sha256s)
    )
    holds.settle(sha256s, at)
    return found


def lacking(limit: int | None = None) -> list[tuple[str, int]]:
    """(SHA-256, size) of the contents of live files that the vault does not keep, the smallest
    first; only those of which a file can be read now."""
    query = (
        _lacking()
        .select(Original.sha256, Original.size)
        .order_by(Original.size, Original.sha256)
        .limit(limit)
    )
    return [(str(sha256), int(size)) for sha256, size in tuples(query)]


def sources(sha256: str) -> list[tuple[int, bytes, bytes]]:
    """(root id, path, absolute path) of the live files that should hold a content, by path; those
    that are known to be damaged are left out."""
    damaged = verifications.damaged_ids()
    query = (
        File.select(File.id, File.root, Root.path, File.directory, File.name)
        .join(Root)
        .switch(File)
        .join(Original)
        .where(
            (Original.sha256 == sha256)
            & File.status.in_(_READABLE)
            & Root.is_active
            & (Root.state == RootState.ONLINE.value)
        )
        .order_by(Root.path, File.directory, File.name)
    )
    found = []
    for file_id, root_id, root, directory, name in tuples(query):
        if file_id not in damaged:
            path = b"/".join(bytes(part) for part in (directory, name) if part)
            found.append((int(root_id), path, join(bytes(root), path)))
    return found


def due(before: str, now: str, limit: int | None = None) -> list[str]:
    """The kept objects that were not read since `before`, the one that waits longest first. A time
    after `now` is one of a clock that was wrong."""
    query = (
        Blob.select(Blob.sha256)
        .where(
            (Blob.state == BlobState.KEPT.value)
            & ((Blob.checked_at < before) | (Blob.checked_at > now))
        )
        .order_by(Blob.checked_at, Blob.sha256)
        .limit(limit)
    )
    return [str(sha256) for (sha256,) in tuples(query)]


def note_read(sha256: str, at: str, error: str | None) -> None:
    """The object was read: sound, or not readable now. In a transaction."""
    values: dict[str, Any] = {"checked_at": at, "error": error}
    if error is None:
        values["verified_at"] = at
    Blob.update(**values).where(Blob.sha256 == sha256).execute()


def rows_of(part: str) -> dict[str, BlobRecord]:
    """The rows whose digests begin with these digits."""
    query = Blob.select().where((Blob.sha256 >= part) & (Blob.sha256 < part + "g"))
    return {row.sha256: _record(row) for row in query}


def unreferenced(among: Iterable[str] | None = None) -> set[str]:
    """The digests of objects that nothing refers to, of all or of `among`."""
    if among is None:
        return {str(sha256) for (sha256,) in tuples(_unreferenced())}
    found: set[str] = set()
    for part in _parts(sorted(among)):
        found |= {str(s) for (s,) in tuples(_unreferenced().where(Blob.sha256.in_(part)))}
    return found


def see(unreferenced_now: Iterable[str], part: str, now: Moment) -> None:
    """One more pass saw these of a part without a reference, and no others. In a transaction."""
    of_part = (Blob.sha256 >= part) & (Blob.sha256 < part + "g") & Blob.state.in_(_THERE)
    wanted = sorted(unreferenced_now)
    marked = Blob.select(Blob.sha256).where(of_part & (Blob.passes > 0))
    known = {str(sha256) for (sha256,) in tuples(marked)}
    for some in _parts(sorted(known.difference(wanted))):
        Blob.update(passes=0).where(Blob.sha256.in_(some)).execute()
    for some in _parts(sorted(known.intersection(wanted))):
        Blob.update(passes=Blob.passes + 1).where(Blob.sha256.in_(some)).execute()
    for some in _parts([sha256 for sha256 in wanted if sha256 not in known]):
        Blob.update(passes=1, **_waiting(now)).where(
            Blob.sha256.in_(some) & Blob.state.in_(_THERE)
        ).execute()


def ripe(
    states: Iterable[BlobState], lived_until: float, reconciled_at: str, passes: int
) -> set[str]:
    """Objects in one of these states that have waited since `lived_until` (in the seconds of
    `store.lived`), in enough passes, and were reconciled since; none that is referred to now.

    Only another time of reconciling than that when the waiting began is one since, whatever the
    clock says.
    """
    query = _unreferenced().where(
        Blob.state.in_([state.value for state in states])
        & (Blob.passes >= passes)
        & (Blob.waits_lived <= lived_until)
        & (Blob.waits_reconciled != reconciled_at)
    )
    return {str(sha256) for (sha256,) in tuples(query)}


def move_on(sha256s: Iterable[str], state: BlobState, now: Moment) -> None:
    """The next step towards being removed, and its time begins. In a transaction."""
    wanted = sorted(sha256s)
    for part in _parts(wanted):
        Blob.update(state=state.value, passes=1, **_waiting(now)).where(
            Blob.sha256.in_(part)
        ).execute()
    holds.settle(wanted, now.at)


def set_state(sha256s: Iterable[str], state: BlobState, at: str) -> None:
    """Change what rows claim. In a transaction."""
    values: dict[str, Any] = {"state": state.value, "passes": 0}
    if state is BlobState.ROTTEN:
        values |= {"checked_at": at, "error": "its bytes are others than its name says"}
    wanted = sorted(sha256s)
    for part in _parts(wanted):
        Blob.update(**values).where(Blob.sha256.in_(part)).execute()
    holds.settle(wanted, at)


def numbers() -> dict[str, Any]:
    """How many objects there are in which state and their bytes, how many contents are lacking, how
    many could not be read, and since when the one that waits longest was not."""
    query = Blob.select(Blob.state, fn.COUNT(Blob.id), fn.SUM(Blob.size)).group_by(Blob.state)
    rows = {str(state): (int(count), int(size or 0)) for state, count, size in tuples(query)}
    kept = Blob.state == BlobState.KEPT.value
    shared = kept & (Blob.how == PutHow.HARDLINK.value)
    return {
        "kept": rows.get(BlobState.KEPT.value, (0, 0))[0],
        "bytes": rows.get(BlobState.KEPT.value, (0, 0))[1],
        "found": rows.get(BlobState.FOUND.value, (0, 0))[0],
        "quarantined": sum(
            rows.get(state.value, (0, 0))[0]
            for state in (BlobState.QUARANTINED, BlobState.DISCARDED)
        ),
        "rotten": rows.get(BlobState.ROTTEN.value, (0, 0))[0],
        "hardlinked": int(Blob.select().where(shared).count()),
        "unreadable": int(Blob.select().where(kept & Blob.error.is_null(False)).count()),
        "lacking": int(_lacking().count()),
        "oldest_read": Blob.select(fn.MIN(Blob.checked_at)).where(kept).scalar(),
    }


def kept_count() -> int:
    """How many objects are kept."""
    return int(Blob.select().where(Blob.state.in_(_THERE)).count())


def _lacking() -> Any:
    kept = Blob.select(Blob.id).where(
        (Blob.sha256 == Original.sha256) & (Blob.state == BlobState.KEPT.value)
    )
    readable = (
        File.select(File.id)
        .join(Root)
        .where(
            (File.original == Original.id)
            & File.status.in_(_READABLE)
            & Root.is_active
            & (Root.state == RootState.ONLINE.value)
        )
    )
    return Original.select().where((Original.size > 0) & ~fn.EXISTS(kept) & fn.EXISTS(readable))


def _unreferenced() -> Any:
    alive = (
        File.select(File.id)
        .join(Original)
        .where((Original.sha256 == Blob.sha256) & (File.status != FileStatus.GONE.value))
    )
    in_trash = ActionStep.select(ActionStep.sha256).where(
        ActionStep.state.in_([state.value for state in _HOLDING])
    )
    should_be = Verification.select(Verification.sha256).where(Verification.found_at.is_null(False))
    said = UserDecision.select(UserDecision.sha256).where(
        (UserDecision.verb == DecisionVerb.KEEP.value) & UserDecision.withdrawn_at.is_null()
    )
    return Blob.select(Blob.sha256).where(
        ~fn.EXISTS(alive)
        & Blob.sha256.not_in(in_trash)
        & Blob.sha256.not_in(should_be)
        & Blob.sha256.not_in(said)
    )


def _record(row: Any) -> BlobRecord:
    return BlobRecord(
        row.sha256,
        row.size,
        PutHow(row.how),
        BlobState(row.state),
        row.stored_at,
        row.verified_at,
        row.checked_at,
        row.error,
        row.passes,
        row.waits_at,
    )


def _waiting(now: Moment) -> dict[str, Any]:
    return {
        "waits_at": now.at,
        "waits_lived": now.lived,
        "waits_reconciled": now.reconciled_at,
    }


def _parts(items: Sequence[str], size: int = 400) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
