"""Runs the passes over the vault."""

from pathlib import Path
from typing import Any

from twinlens.cli.long_passes import LongPass, carry_out
from twinlens.commands.vault import PASSES
from twinlens.service.vaulting import SLICE_SECONDS


def run_vault_pass(
    path: Path, name: str, argument: dict[str, object], *, is_quiet: bool
) -> dict[str, Any]:
    """Carry out one of `commands.vault.PASSES` to its end, and return what it did.

    Raises CannotRunError where it did not come to its end; what was done is recorded.
    """
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
