"""Carries out a long pass: here and now, or by the daemon where one runs; with its progress."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinlens.cli.progress import ScanProgress
from twinlens.commands.following import ENDED, call_off, follow, waits_for
from twinlens.commands.scan import request
from twinlens.commands.slices import whole
from twinlens.config.schema import Config
from twinlens.errors import CannotRunError
from twinlens.events import EventBus
from twinlens.host.lock import holder
from twinlens.host.signals import SignalFlags
from twinlens.jobs.runner import Progress
from twinlens.model.jobs import JobRecord, JobState
from twinlens.notify.logs import configure
from twinlens.questions import Questions
from twinlens.service.engine import Engine, EngineOptions
from twinlens.service.supervisor import load_checked
from twinlens.store.database import Database


@dataclass(frozen=True, slots=True)
class LongPass:
    """A job and its argument; how a daemon is asked for a slice of it, where one runs; and in words
    what it was not that did not come to its end, and what is kept of it."""

    job: str
    argument: dict[str, object]
    verb: str
    asked: dict[str, object]
    unfinished: str
    kept: str


def carry_out(path: Path, one: LongPass, *, is_quiet: bool) -> dict[str, Any]:
    """Carry it out to its end, and return what it did.

    Raises CannotRunError where it did not come to its end; what was done is recorded.
    """
    questions = Questions()
    config, _ = load_checked(path, os.environ, questions=questions)
    with (
        configure(logging.WARNING),
        SignalFlags() as flags,
        ScanProgress(is_quiet=is_quiet) as progress,
    ):
        if holder(config.database.path) is not None:
            result = _by_daemon(config, one, flags, progress)
        else:
            result = _here(config, one, flags, progress, questions)
        if flags.stop.is_set() and result.get("left"):
            raise _unfinished(one, "it was stopped")
        return result


def _by_daemon(
    config: Config, one: LongPass, flags: SignalFlags, progress: ScanProgress
) -> dict[str, Any]:
    database = Database(config.database.path, read_only=True)

    def slice_of_it() -> dict[str, Any]:
        answer = request(database.path, one.verb, one.asked)
        job = follow(
            database,
            int(answer["job"]),
            lambda job: progress.update(job.total or 0, job.total, job.succeeded, job.failed),
            lambda ahead: progress.waits(waits_for(ahead)),
            flags.stop.is_set,
        )
        if job.state not in ENDED:
            raise _unfinished(one, "it was stopped", call_off(database, job))
        return _result(one, job)

    return whole(slice_of_it, flags.stop.is_set)


def _here(
    config: Config,
    one: LongPass,
    flags: SignalFlags,
    progress: ScanProgress,
    questions: Questions,
) -> dict[str, Any]:
    def show(step: Progress) -> None:
        progress.update(step.discovered, step.total, step.succeeded + step.failed, step.failed)

    options = EngineOptions(patience_seconds=30.0, on_progress=show, questions=questions)
    with Engine(config, options, EventBus(), flags.stop.is_set) as engine:
        return whole(lambda: _result(one, engine.run_job(one.job, one.argument)), flags.stop.is_set)


def _result(one: LongPass, job: JobRecord) -> dict[str, Any]:
    if job.state is not JobState.SUCCESS:
        raise _unfinished(one, job.error or "it was stopped")
    return dict(job.result or {})


def _unfinished(one: LongPass, why: str, what_now: str = "say it again to go on") -> CannotRunError:
    return CannotRunError(f"{one.unfinished} ({why})", f"{one.kept}; {what_now}")
