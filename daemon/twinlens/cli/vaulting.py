"""Runs the passes over the vault."""

import os
from pathlib import Path
from typing import Any

from twinlens.cli.long_passes import LongPass, carry_out
from twinlens.commands.vault import PASSES, refusal
from twinlens.errors import StoreError
from twinlens.service.supervisor import load_checked
from twinlens.service.vaulting import SLICE_SECONDS
from twinlens.store.database import Database


def run_vault_pass(
    path: Path, name: str, argument: dict[str, object], *, is_quiet: bool
) -> dict[str, Any]:
    """Carry out one of `commands.vault.PASSES` to its end, and return what it did.

    Raises CannotRunError where it did not come to its end; what was done is recorded.
    """
    if words := _refusal(path):
        return {"trouble": words}
    # Looking for what nothing refers to is one piece: half of it would say nothing.
    bounded = argument if name == "gc" else {**argument, "seconds": SLICE_SECONDS}
    one = LongPass(
        job=PASSES[name],
        argument=argument,
        verb="vault_pass",
        asked={"pass": name, "argument": bounded},
        unfinished="the pass over the vault did not come to its end",
        kept="what was done is recorded",
    )
    return carry_out(path, one, is_quiet=is_quiet)


def _refusal(path: Path) -> str:
    """Why there is nothing to be begun; said at once, before anybody is asked."""
    config, _ = load_checked(path, os.environ)
    if not config.database.path.exists():
        return ""
    try:
        return refusal(Database(config.database.path, read_only=True), config.vault.place)
    except StoreError:
        # One of an older form, say: the pass brings it up to date, or says what is wrong.
        return ""
