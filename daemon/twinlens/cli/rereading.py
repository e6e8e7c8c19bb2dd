"""Reads files again for `verify`: here and now, or by the daemon where one runs."""

import logging
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from twinlens.cli.progress import ScanProgress
from twinlens.commands.scan import follow, request
from twinlens.commands.verify import argument_of, whole
from twinlens.config.schema import Config
from twinlens.errors import CannotRunError
from twinlens.events import EventBus
from twinlens.host.lock import holder
from twinlens.host.signals import SignalFlags
from twinlens.jobs.runner import Progress
from twinlens.maintenance.scrub import NAME
from twinlens.model.jobs import JobRecord, JobState
from twinlens.notify.logs import configure
from twinlens.service.engine import Engine, EngineOptions, utc_now
from twinlens.service.scrubbing import SLICE_SECONDS
from twinlens.service.supervisor import load_checked
from twinlens.store.database import Database

_NOW = timedelta(seconds=1)
"""The store keeps whole seconds: what was recorded within this one is read again too."""


def read_again(path: Path, paths: Sequence[str], *, is_quiet: bool) -> dict[str, Any]:
    """Read these files, or all, and return what was proved.

    Raises CannotRunError where it did not come to its end; what was read is recorded.
    """
    config, _ = load_checked(path, os.environ)
    before = (utc_now() + _NOW).isoformat(timespec="seconds")
    argument = argument_of(config, paths, before)
    with (
        configure(logging.WARNING),
        SignalFlags() as flags,
        ScanProgress(is_quiet=is_quiet) as progress,
    ):
        runs = _by_daemon if holder(config.database.path) is not None else _here
        result = runs(config, argument, flags, progress)
        if flags.stop.is_set():
            sys.stderr.write("twinlens: stopped; what was read is recorded\n")
        return result


def _by_daemon(
    config: Config, argument: dict[str, object], flags: SignalFlags, progress: ScanProgress
) -> dict[str, Any]:
    database = Database(config.database.path, read_only=True)

    def one() -> dict[str, Any]:
        answer = request(database.path, NAME, {**argument, "seconds": SLICE_SECONDS})
        job = follow(
            database,
            int(answer["job"]),
            lambda job: progress.update(job.total or 0, job.total, job.succeeded, job.failed),
            flags.stop.is_set,
        )
        return _result(job, flags)

    return whole(one, flags.stop.is_set)


def _here(
    config: Config, argument: dict[str, object], flags: SignalFlags, progress: ScanProgress
) -> dict[str, Any]:
    def show(step: Progress) -> None:
        progress.update(step.discovered, step.total, step.succeeded + step.failed, step.failed)

    options = EngineOptions(patience_seconds=30.0, on_progress=show)
    with Engine(config, options, EventBus(), flags.stop.is_set) as engine:
        return whole(lambda: _result(engine.run_job(NAME, argument), flags), flags.stop.is_set)


def _result(job: JobRecord, flags: SignalFlags) -> dict[str, Any]:
    if job.state is not JobState.SUCCESS and not flags.stop.is_set():
        raise CannotRunError(
            f"not everything was read again ({job.error or 'it was stopped'})",
            "what was read is recorded; say it again to go on",
        )
    return dict(job.result or {})
