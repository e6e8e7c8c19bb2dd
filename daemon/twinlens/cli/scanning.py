"""`scan` on the command line: here and now, or by the daemon where one runs."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinlens.cli import tables
from twinlens.cli.progress import ScanProgress
from twinlens.commands.following import call_off, follow, waits_for
from twinlens.commands.jobs import job_shape, require_rebuild
from twinlens.commands.scan import request, result_of, scan_argument
from twinlens.commands.turns import Ahead, ahead_of
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
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database


def scan_now(
    path: Path, paths: Sequence[str], *, accept_missing: bool, is_quiet: bool
) -> dict[str, Any]:
    """Scan, show the progress on stderr, and return what was done.

    Raises CannotRunError where the scan did not come to its end; it goes on where it was next time.
    """
    questions = Questions()
    config, warnings = load_checked(path, os.environ, questions=questions)
    for warning in warnings:
        sys.stderr.write(f"twinlens: {warning}\n")
    argument = scan_argument(config, paths, accept_missing=accept_missing)
    with configure(logging.WARNING), SignalFlags() as flags:
        if holder(config.database.path) is not None:
            job = _by_daemon(config, argument, flags, is_quiet=is_quiet)
        else:
            job = _here(config, argument, flags, questions, is_quiet=is_quiet)
    if job.state is not JobState.SUCCESS:
        raise CannotRunError(
            f"the scan did not come to its end ({job.error or 'it was stopped'})",
            "what was recorded stays; the next scan goes on from there",
        )
    return result_of(job)


def regroup_now(path: Path, name: str, *, is_quiet: bool) -> dict[str, Any]:
    """Carry out a pass that groups anew, here and now, or let the daemon do it where one runs."""
    require_rebuild(name)
    questions = Questions()
    config, _ = load_checked(path, os.environ, questions=questions)
    if holder(config.database.path) is not None:
        answer = request(config.database.path, "start", {"name": name})
        database = Database(config.database.path, read_only=True)
        with database.reading():
            ahead = ahead_of(jobs_store.unfinished(), int(answer["id"]))
        return {**answer, "waits_for": waits_for([one for one in ahead if one.is_whole])}
    with (
        configure(logging.WARNING),
        SignalFlags() as flags,
        ScanProgress(is_quiet=is_quiet, reads=False) as progress,
        Engine(config, _patient(progress, questions), EventBus(), flags.stop.is_set) as engine,
    ):
        return job_shape(engine.run_job(name, {}))


def _by_daemon(
    config: Config, argument: dict[str, object], flags: SignalFlags, *, is_quiet: bool
) -> JobRecord:
    database = Database(config.database.path, read_only=True)
    first: list[Ahead] = []
    with ScanProgress(is_quiet=is_quiet) as progress:

        def wait(ahead: Sequence[Ahead]) -> None:
            first.extend(one for one in ahead if one.is_whole)
            progress.waits(waits_for(ahead))

        answer = request(database.path, "scan", dict(argument))
        job = follow(
            database,
            int(answer["job"]),
            lambda job: progress.update(
                job.total or 0, job.total, job.succeeded + job.failed, job.failed
            ),
            wait,
            flags.stop.is_set,
        )
    if flags.stop.is_set():
        sys.stderr.write(f"twinlens: stopped; {call_off(database, job)}\n")
    for ahead in first:
        _tell_of(database, ahead.job.id)
    return job


def _tell_of(database: Database, job_id: int) -> None:
    """What was done before the scan that was asked for: its own numbers are without it."""
    with database.reading():
        job = jobs_store.get(job_id)
    if job is not None and job.state is JobState.SUCCESS:
        files = tables.counted(job.succeeded + job.failed, "file")
        sys.stderr.write(f"twinlens: before it, {job.name} (job {job_id}) was ended: {files}\n")


def _here(
    config: Config,
    argument: dict[str, object],
    flags: SignalFlags,
    questions: Questions,
    *,
    is_quiet: bool,
) -> JobRecord:
    with (
        ScanProgress(is_quiet=is_quiet) as progress,
        Engine(config, _patient(progress, questions), EventBus(), flags.stop.is_set) as engine,
    ):
        engine.catch_up()
        job = engine.run_job("scan", argument)
        if job.state is JobState.SUCCESS:
            engine.settle_queue()
            job = engine.with_totals(job)
            engine.check_clocks()
        return job


def _patient(progress: ScanProgress, questions: Questions) -> EngineOptions:
    """A human waits: the progress is shown, and no long pauses before a file is tried again."""

    def show(step: Progress) -> None:
        done = step.succeeded + step.failed
        progress.update(step.discovered, step.total, done, step.failed)

    return EngineOptions(
        patience_seconds=30.0,
        retry_pause_seconds=0.5,
        retries=2,
        on_progress=show,
        questions=questions,
    )
