"""`vault`: making one, what is known of it, and asking for its passes."""

import os
import secrets
from collections.abc import Callable
from typing import Any

from twinlens.config.credentials import read_vault_secret
from twinlens.config.schema import Config
from twinlens.errors import UsageError, VaultError
from twinlens.maintenance.vault_fill import FILL
from twinlens.maintenance.vault_gc import ASKS, GC
from twinlens.maintenance.vault_passes import NO_VAULT, NOT_MADE
from twinlens.maintenance.vault_scrub import SCRUB
from twinlens.model.jobs import BY_HAND
from twinlens.model.vault import BucketAccess, Marker, PutHow, VaultSpec
from twinlens.questions import NO_ANSWER, Questions
from twinlens.store import blobs, meta
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer
from twinlens.vault.marker import require
from twinlens.vault.opening import opened

PASSES = {"fill": FILL, "verify": SCRUB, "gc": GC}
"""The job behind each word."""

PATIENCE_SECONDS = 20.0
"""A vault that does not answer for this long is one that hangs."""


def spec_of(config: Config) -> VaultSpec | None:
    """How the vault of the config is reached; None where it names none. Reads its secret."""
    vault = config.vault
    if vault.place is None:
        return None
    return VaultSpec(
        vault.place,
        tuple(PutHow(way.value) for way in vault.how),
        vault.reserve_mib << 20,
        BucketAccess(vault.endpoint_url, vault.region, vault.access_key, read_vault_secret(vault)),
    )


def status(database: Database, place: str | None) -> dict[str, Any]:
    """What is known of the vault: the object of `vault status --json`. Does not ask the vault."""
    with database.reading():
        identity = blobs.vault_identity()
        return {
            "place": place,
            "vault": identity,
            "trouble": _not_ready(place, identity) or meta.read("vault_trouble") or "",
            "asks": meta.read(ASKS) or "",
            **blobs.numbers(),
            "last_fill_at": meta.read("last_vault_fill_at"),
            "last_verify_at": meta.read("last_vault_verify_at"),
            "last_gc_at": meta.read("last_vault_gc_at"),
        }


def look(spec: VaultSpec, identity: str, questions: Questions) -> str | None:
    """Ask the vault itself: what is wrong with it, None where it is there and the right one.
    `questions` are those that disks are being asked already."""

    def ask() -> str | None:
        try:
            with opened(spec, identity):
                return None
        except VaultError as error:
            return str(error)

    late = f"{spec.place}: {NO_ANSWER}"
    return questions.ask(os.fsencode(spec.place), ask, PATIENCE_SECONDS, late)


def make(
    database: Database,
    writer: Writer,
    spec: VaultSpec | None,
    clock: Callable[[], str],
    *,
    adopt: bool = False,
) -> dict[str, Any]:
    """Make a vault of an empty place, or with `adopt` take the one that is there for this library.

    UsageError where the library has a vault that is there; VaultError where it cannot be done.
    """
    if spec is None:
        raise UsageError(NO_VAULT, "set place in the section [vault]")
    with database.reading():
        known = blobs.vault_identity()
    with opened(spec, None) as vault:
        found = vault.marker()
        if found is None and adopt:
            raise VaultError(f"{spec.place}: there is no vault", "to make one, say --new")
        if found is not None and not adopt:
            is_known = found.identity == known
            raise UsageError(
                f"{spec.place}: is a vault already" + (", and in use" if is_known else ""),
                "" if is_known else "to take it for this library: twinlens vault fill --adopt",
            )
        marker = found or Marker(secrets.token_hex(16), clock())
        if found is None:
            vault.make_marker(marker)
        require(spec.place, vault.marker(), marker.identity)
    writer.call(lambda: blobs.take_vault(marker.identity, spec.place))
    return {"vault": marker.identity, "place": spec.place}


def refusal(database: Database, place: str | None) -> str:
    """Why no pass over the vault can be begun at all; "" where one can."""
    with database.reading():
        return _not_ready(place, blobs.vault_identity())


def ask(
    database: Database, writer: Writer, place: str | None, argument: dict[str, Any], at: str
) -> dict[str, Any]:
    """Ask for a pass by hand; whoever runs passes carries it out.

    UsageError where there is no such pass, or no vault at `place`.
    """
    name = PASSES.get(str(argument.get("pass")))
    if name is None:
        raise UsageError(f"there is no pass {argument.get('pass')!r} of the vault")
    if words := refusal(database, place):
        raise UsageError(words)
    wanted = {**argument["argument"], BY_HAND: True}
    return {"job": writer.call(lambda: jobs_store.ask(name, wanted, at)).id}


def _not_ready(place: str | None, identity: str | None) -> str:
    if place is None:
        return NO_VAULT
    return NOT_MADE if identity is None else ""
