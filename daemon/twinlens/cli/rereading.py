"""Reads files again for `verify`."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from twinlens.cli.long_passes import LongPass, carry_out
from twinlens.commands.verify import argument_of
from twinlens.maintenance.scrub import NAME
from twinlens.service.engine import utc_now
from twinlens.service.scrubbing import SLICE_SECONDS
from twinlens.service.supervisor import load_checked

_NOW = timedelta(seconds=1)
"""The store keeps whole seconds: what was recorded within this one is read again too."""


def read_again(path: Path, paths: Sequence[str], *, is_quiet: bool) -> dict[str, Any]:
    """Read these files, or all, and return what was proved.

    Raises CannotRunError where it did not come to its end; what was read is recorded.
    """
    config, _ = load_checked(path, os.environ)
    before = (utc_now() + _NOW).isoformat(timespec="seconds")
    argument = argument_of(config, paths, before)
    one = LongPass(
        job=NAME,
        argument=argument,
        verb=NAME,
        asked={**argument, "seconds": SLICE_SECONDS},
        unfinished="not everything was read again",
        kept="what was read is recorded",
    )
    return carry_out(path, one, is_quiet=is_quiet)
