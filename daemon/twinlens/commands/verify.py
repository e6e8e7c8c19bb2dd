"""`verify`: read files again and hold them against what was recorded; what was found so far."""

import os
from collections.abc import Sequence
from typing import Any

from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.maintenance.scrub import NAME
from twinlens.model.paths import printable, relative_to, to_text
from twinlens.model.verification import Damage
from twinlens.store import blobs, meta, verifications
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer


def state(database: Database) -> dict[str, Any]:
    """What reading files again has found so far: the object of `verify --json`."""
    with database.reading():
        return {
            **verifications.numbers(),
            "last_verify_at": meta.read("last_verify_at"),
            "vault": None if blobs.vault_identity() is None else blobs.numbers(),
            "damages": [damage_shape(damage) for damage in verifications.damages()],
        }


def damage_shape(damage: Damage) -> dict[str, Any]:
    """One damaged file, and what could mend it: proposed, never done."""
    mend = None if damage.repair_from is None else to_text(damage.repair_from)
    return {
        "path": to_text(damage.path),
        "verdict": damage.verdict.value,
        "error": damage.error,
        "sha256": damage.sha256,
        "found_sha256": damage.found_sha256,
        "found_at": damage.found_at,
        "read_at": damage.read_at,
        "repair_from": mend,
        "copies": [to_text(path) for path in damage.copies],
        "in_vault": damage.is_in_vault,
        "advice": advice(damage),
    }


def advice(damage: Damage) -> str:
    """What the owner can do."""
    if damage.repair_from is not None:
        return f"an exact copy was read and is sound: {printable(damage.repair_from)}"
    if damage.is_in_vault:
        return f"the vault keeps it: twinlens vault repair {printable(damage.path)}"
    if damage.copies:
        return f"a copy may be sound, have it read: twinlens verify {printable(damage.copies[0])}"
    return "no exact copy is known: look for it in a backup of the pictures"


def argument_of(config: Config, paths: Sequence[str], before: str) -> dict[str, object]:
    """The argument of the job: what was not read since `before`, of everything, or of `paths`.

    UsageError for a path outside every root.
    """
    wanted: dict[str, object] = {"before": before}
    if paths:
        wanted["paths"] = [_below_a_root(config, path) for path in paths]
    return wanted


def ask(writer: Writer, asked: dict[str, object], at: str) -> dict[str, Any]:
    """Ask for a slice; whoever runs passes carries it out."""
    return {"job": writer.call(lambda: jobs_store.ask(NAME, asked, at)).id}


def _below_a_root(config: Config, path: str) -> str:
    absolute = os.path.realpath(os.path.dirname(path) or ".")
    absolute = os.path.normpath(os.path.join(absolute, os.path.basename(path)))
    for catalog in config.catalog:
        for root in catalog.roots:
            real = os.fsencode(os.path.realpath(root))
            relative = relative_to(real, os.fsencode(absolute))
            if relative is not None:
                return to_text(os.path.join(os.fsencode(root), relative).rstrip(b"/"))
    raise UsageError(
        f"{printable(os.fsencode(path))} lies below none of the watched folders",
        "name a file or folder below a root of the config, or --all",
    )
