"""The clockwork: APScheduler hands work out at its time; it does none itself.

A run that comes late is run once, however many were missed; a pass is never run twice at a time.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

logger = logging.getLogger(__name__)


class Schedule:
    """Periodic passes. Each is a callable that returns quickly or is safe to interrupt."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def every(
        self, seconds: float, name: str, task: Callable[[], None], *, first_in: float | None = None
    ) -> None:
        """Run `task` each `seconds`, first after `first_in` (the interval where it is None)."""
        delay = seconds if first_in is None else first_in
        self._scheduler.add_job(
            lambda: _guarded(name, task),
            "interval",
            seconds=seconds,
            id=name,
            name=name,
            next_run_time=datetime.now(UTC) + timedelta(seconds=delay),
        )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; a pass that is running is waited for, so it must look at its own stop signal."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def _guarded(name: str, task: Callable[[], None]) -> None:
    try:
        task()
    except Exception:  # one pass that fails must not end the schedule
        logger.exception("the pass %s failed", name)
