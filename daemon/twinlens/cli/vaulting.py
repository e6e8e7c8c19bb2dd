"""Runs the passes over the vault: here and now, or by the daemon where one runs."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from twinlens.cli.progress import ScanProgress
from twinlens.commands.scan import follow, request
from twinlens.commands.vault import PASSES, whole
from twinlens.config.schema import Config
from twinlens.errors import CannotRunError
from twinlens.events import EventBus
from twinlens.host.lock import holder
from twinlens.host.signals import SignalFlags
from twinlens.jobs.runner import Progress
from twinlens.model.jobs import JobRecord, JobState
from twinlens.notify.logs import configure
from twinlens.service.engine import Engine, EngineOptions
from twinlens.service.supervisor import load_checked
from twinlens.service.vaulting import SLICE_SECONDS
from twinlens.store.database import Database


def run_vault_pass(
    path: Path, name: str, argument: dict[str, object], *, is_quiet: bool
) -> dict[str, Any]:
    """Carry out one of `commands.vault.PASSES` to its end, and return what it did.

    Raises CannotRunError where it did not come to its end; what was done is recorded.
    """
    config, _ = load_checked(path, os.environ)
    with (
        configure(logging.WARNING),
        SignalFlags() as flags,
        ScanProgress(is_quiet=is_quiet) as progress,
    ):
        runs = _by_daemon if holder(config.database.path) is not None else _here
        result = runs(config, name, argument, flags, progress)
        if flags.stop.is_set():
            sys.stderr.write("twinlens: stopped; what was done is recorded\n")
        return result


def _by_daemon(
    config: Config,
    name: str,
    argument: dict[str, object],
    flags: SignalFlags,
    progress: ScanProgress,
) -> dict[str, Any]:
    database = Database(config.database.path, read_only=True)
    # Slices, so that no scan waits long; looking the vault through is one piece.
    bounded = argument if name == "gc" else {**argument, "seconds": SLICE_SECONDS}

    def one() -> dict[str, Any]:
        answer = request(database.path, "vault_pass", {"pass": name, "argument": bounded})
        job = follow(
            database,
            int(answer["job"]),
            lambda job: progress.update(job.total or 0, job.total, job.succeeded, job.failed),
            flags.stop.is_set,
        )
        return _result(job, flags)

    return whole(one, flags.stop.is_set)


def _here(
    config: Config,
    name: str,
    argument: dict[str, object],
    flags: SignalFlags,
    progress: ScanProgress,
) -> dict[str, Any]:
    def show(step: Progress) -> None:
        progress.update(step.discovered, step.total, step.succeeded + step.failed, step.failed)

    options = EngineOptions(patience_seconds=30.0, on_progress=show)
    with Engine(config, options, EventBus(), flags.stop.is_set) as engine:
        return _result(engine.run_job(PASSES[name], argument), flags)


def _result(job: JobRecord, flags: SignalFlags) -> dict[str, Any]:
    if job.state is not JobState.SUCCESS and not flags.stop.is_set():
        raise CannotRunError(
            f"the pass over the vault did not come to its end ({job.error or 'it was stopped'})",
            "what was done is recorded; say it again to go on",
        )
    return dict(job.result or {})
