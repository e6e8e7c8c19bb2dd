"""`vault repair`: mend a rotten file from a sound copy of the library, or from the vault.

The good bytes are believed once their SHA-256 was counted while they were written, whatever is
recorded of the copy they come from. An object that is a hard link to a file of the library is no
copy of its own, and is not asked.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from twinlens.actions.refusals import Refused
from twinlens.actions.repairing import Source, repair
from twinlens.commands.acting import ActionRoom
from twinlens.commands.vault import spec_of
from twinlens.config.choices import CatalogAction
from twinlens.config.schema import Config
from twinlens.errors import UsageError, VaultError
from twinlens.media.reading import ReadError, open_regular
from twinlens.model.actions import ActionKind, Outcome, Place, Plan, PlannedStep, StepState
from twinlens.model.paths import printable, relative_to, to_bytes, to_text
from twinlens.model.vault import BlobState, PutHow, VaultSpec
from twinlens.model.verification import Damage, Verdict
from twinlens.store import actions as journal_store
from twinlens.store import blobs, verifications
from twinlens.vault.opening import opened

IN_VAULT = "the vault"


def mend(room: ActionRoom, path: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Mend the file at an absolute path, or say why not, and from what it would be.

    UsageError where nothing is known to be wrong with it.
    """
    room.recover()
    damage = _damage(room, path)
    root = _root(room.config, damage.path)
    sources = list(_sources(room, damage))
    told: dict[str, Any] = {
        "path": to_text(damage.path),
        "sha256": damage.sha256,
        "sources": [name for name, _ in sources],
        "source": None,
        "state": StepState.REFUSED.value,
        "reason": "",
        "action": None,
    }
    reason = _obstacle(room, damage, root, has_source=bool(sources))
    if reason is not None or dry_run:
        return told | {"reason": reason or "nothing was done: this only shows what would be"}
    for name, source in sources:
        outcome, action_id = _carry_out(room, damage, root, name, source)
        told |= {
            "source": name,
            "state": outcome.state.value,
            "reason": outcome.reason,
            "action": action_id,
        }
        if outcome.state is not StepState.REFUSED:
            break
    return told


def _carry_out(
    room: ActionRoom, damage: Damage, root: bytes, name: str, source: Source
) -> tuple[Outcome, int]:
    victim = Place(root, relative_to(root, damage.path) or b"")
    size = os.lstat(damage.path).st_size
    rule = f"mended from {name}"
    planned = PlannedStep(
        1, 1, ActionKind.REPAIR, victim, victim, str(damage.found_sha256), size, rule
    )
    at = room.at()
    steps = room.writer.call(lambda: journal_store.begin(Plan((planned,)), at))
    (step,) = steps
    try:
        outcome = repair(step, damage.sha256, source, room.journal(steps))
    finally:
        room.writer.call(lambda: journal_store.finish(step.action_id, room.at()))
    return outcome, step.action_id


def _damage(room: ActionRoom, path: str) -> Damage:
    absolute = to_bytes(path)
    with room.database.reading():
        damages = verifications.damages()
    # The root may be named by a link, and the path by where that leads to.
    real = os.path.realpath(absolute)
    found = next((d for d in damages if real == os.path.realpath(d.path)), None)
    if found is None:
        raise UsageError(
            f"{printable(absolute)}: nothing is known to be wrong with it",
            "have it read: twinlens verify PATH",
        )
    return found


def _obstacle(room: ActionRoom, damage: Damage, root: bytes, *, has_source: bool) -> str | None:
    catalog = next(c for c in room.config.catalog if root in [os.fsencode(one) for one in c.roots])
    if damage.verdict is not Verdict.ROTTEN or damage.found_sha256 is None:
        return "it cannot be read, and what cannot be read is not moved unseen"
    if catalog.action is CatalogAction.REPORT:
        return "its catalog only reports, so that nothing below its folders is ever changed"
    protected = [os.fsencode(one) for one in room.config.actions.protect]
    if any(relative_to(folder, damage.path) is not None for folder in protected):
        return "it lies in a protected folder"
    doubt = room.doubts()(root)
    if doubt is not None:
        return f"its folder is in doubt: {doubt}"
    return None if has_source else "no copy of it is known, neither in the library nor in a vault"


def _sources(room: ActionRoom, damage: Damage) -> Iterator[tuple[str, Source]]:
    """Where the good bytes may be, the surest first: a copy that was found sound since, the vault,
    other copies."""
    copies = list(damage.copies)
    if damage.repair_from is not None:
        copies.remove(damage.repair_from)
        yield printable(damage.repair_from), _file(damage.repair_from)
    spec = spec_of(room.config)
    with room.database.reading():
        identity, blob = blobs.vault_identity(), blobs.get(damage.sha256)
    is_kept = blob is not None and blob.state is BlobState.KEPT
    if spec and identity and blob and is_kept and blob.how is not PutHow.HARDLINK:
        yield IN_VAULT, _object(spec, identity, damage.sha256)
    for path in copies:
        yield printable(path), _file(path)


def _file(path: bytes) -> Source:
    @contextmanager
    def opened_file() -> Iterator[BinaryIO]:
        try:
            with (
                open_regular(path) as (descriptor, _),
                open(descriptor, "rb", closefd=False) as stream,
            ):
                yield stream
        except ReadError as error:
            raise Refused(str(error)) from error

    return opened_file


def _object(spec: VaultSpec, identity: str, sha256: str) -> Source:
    @contextmanager
    def opened_object() -> Iterator[BinaryIO]:
        try:
            with opened(spec, identity) as vault, vault.open(sha256) as stream:
                yield stream
        except VaultError as error:
            raise Refused(str(error)) from error

    return opened_object


def _root(config: Config, path: bytes) -> bytes:
    roots = [os.fsencode(root) for catalog in config.catalog for root in catalog.roots]
    found = next((root for root in roots if relative_to(root, path) is not None), None)
    if found is None:
        raise UsageError(f"{printable(path)} lies below none of the watched folders", "")
    return found
