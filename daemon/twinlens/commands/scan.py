"""`scan`: one pass over the roots, everything analysed, recorded and grouped."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinlens.config.schema import Config
from twinlens.errors import CannotRunError, UsageError
from twinlens.host.requests import Spool
from twinlens.model.jobs import JobRecord
from twinlens.model.paths import printable, relative_to, to_text

ANSWER_SECONDS = 20.0


def scan_argument(
    config: Config, paths: Sequence[str], *, accept_missing: bool
) -> dict[str, object]:
    """The argument of the scan job; UsageError for a path outside every root."""
    argument: dict[str, object] = {}
    if paths:
        argument["paths"] = [_below_a_root(config, path) for path in paths]
    if accept_missing:
        argument["accept_missing"] = True
    return argument


def request(database: Path, verb: str, argument: dict[str, Any]) -> dict[str, Any]:
    """Ask the running daemon; CannotRunError where it refuses or does not answer."""
    spool = Spool(database)
    answer = spool.wait(spool.put(verb, argument), ANSWER_SECONDS)
    if answer is None:
        raise CannotRunError(
            "the daemon does not answer",
            "is it busy or stopped? see its log: journalctl -u twinlens",
        )
    if "error" in answer:
        raise UsageError(str(answer["error"]), str(answer.get("advice", "")))
    return answer


def result_of(job: JobRecord) -> dict[str, Any]:
    """What a finished scan did; empty where it did not come to its end."""
    return dict(job.result or {})


def argument_of(job: JobRecord) -> dict[str, Any]:
    """What a job was asked for."""
    return dict(json.loads(job.argument))


def _below_a_root(config: Config, path: str) -> str:
    absolute = os.fsencode(os.path.realpath(path))
    for catalog in config.catalog:
        for root in catalog.roots:
            if relative_to(os.fsencode(os.path.realpath(root)), absolute) is not None:
                relative = relative_to(os.fsencode(os.path.realpath(root)), absolute)
                return to_text(os.path.join(os.fsencode(root), relative or b"").rstrip(b"/"))
    raise UsageError(
        f"{printable(absolute)} lies below none of the watched folders",
        "name a folder below a root of the config, or nothing for all of them",
    )
