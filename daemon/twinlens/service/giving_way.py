"""When long passes wait: in quiet hours, and while other programs keep the machine busy.

What arrives is taken in all the same, what somebody asks for by hand is done, and so is a pass with
little to do. A pass that waits keeps what it has done.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from twinlens.commands.turns import asked_by_hand
from twinlens.config.schema import ScheduleConfig
from twinlens.host.load import Usage, usage
from twinlens.model.jobs import JobRecord, JobState
from twinlens.model.quiet_hours import QuietHours

logger = logging.getLogger(__name__)

MEASURED_SECONDS = 10.0
"""Over how long other programs' use of the processor is measured."""

STALE_SECONDS = 60.0
"""A measurement that began longer ago says nothing of now."""


class GivingWay:
    """Says whether passes have to wait, and which may run meanwhile.

    `most_percent` is the share of all cores that others may use before passes wait (0: any); they
    go on when it is below half of that. `few(name)` is how many items a pass of this name may do
    while it has to wait, `tell(words)` hears why passes wait, "" when they do not. While `asked` is
    set, because somebody asked by hand, the pass under way makes room: it is chosen anew.
    """

    def __init__(
        self,
        quiet: QuietHours,
        most_percent: float,
        *,
        few: Callable[[str], int],
        tell: Callable[[str], None],
        usage: Callable[[], Usage | None],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._quiet = quiet
        self._most_percent = most_percent
        self._few = few
        self._tell = tell
        self.asked = threading.Event()
        self._usage = usage
        self._now = now
        self._monotonic = monotonic
        self._measured: tuple[float, Usage] | None = None
        self._percent = 0.0
        self._is_busy = False
        self._busy_words = ""
        self._is_awaited = False
        self._paused: dict[str, int] = {}
        self._told: str | None = None
        self._is_in_quiet = False

    def is_paused(self) -> bool:
        """Whether the pass under way has to wait, or to make room."""
        return self.asked.is_set() or (not self._is_awaited and bool(self._reason()))

    def choose(self, waiting: Sequence[JobRecord]) -> JobRecord | None:
        """The pass to carry out now; None where all that wait have to wait on."""
        open_ids = {job.id for job in waiting}
        self._paused = {name: id_ for name, id_ in self._paused.items() if id_ in open_ids}
        asked = asked_by_hand(waiting)
        self._is_awaited = bool(asked)
        reason = self._reason()
        if not reason:
            self._paused = {}
            self._say("", self._what_ended())
            return next(iter(asked or waiting), None)
        free = [job for job in waiting if self._is_free(job.name)]
        if any(job not in free and job not in asked for job in waiting):
            self._say(reason)
        elif self._told:
            self._say("", "asked for by hand" if asked else "nothing waits any more")
        return next(iter(asked or free), None)

    def _is_free(self, name: str) -> bool:
        return name not in self._paused and self._few(name) > 0

    def has_paused(self, name: str) -> bool:
        """Whether a pass of this name had to stop, and waits."""
        return name in self._paused

    def came_back(self, job: JobRecord) -> None:
        """Hear how a pass stands that was chosen: one that is not done was paused."""
        if job.state is JobState.RUNNING:
            self._paused[job.name] = job.id

    def end(self) -> None:
        """Nobody gives way any more: the daemon ends, or begins anew with another config."""
        if self._told:
            logger.info("long passes no longer wait: the daemon ends, or reads its config anew")

    def _reason(self) -> str:
        end = self._quiet.until(self._now())
        if end is not None:
            return f"quiet hours until {end:%H:%M}"
        if self._most_percent and self._is_machine_busy():
            return self._busy_words
        return ""

    def _what_ended(self) -> str:
        return "quiet hours are over" if self._is_in_quiet else self._others()

    def _others(self) -> str:
        return f"other programs use {self._percent:.0f} % of the processor"

    def _is_machine_busy(self) -> bool:
        now = self._monotonic()
        since = None if self._measured is None else now - self._measured[0]
        if since is not None and since < MEASURED_SECONDS:
            return self._is_busy
        found = self._usage()
        if self._measured is not None and found is not None and since is not None:
            if since < STALE_SECONDS:
                self._percent = found.others_percent(self._measured[1])
                was_busy = self._is_busy
                limit = self._most_percent / 2 if was_busy else self._most_percent
                self._is_busy = self._percent > limit
                if self._is_busy and not was_busy:
                    # As it was when it began: what is measured each time is no news.
                    self._busy_words = f"{self._others()}, more than {self._most_percent:g} %"
            else:
                self._is_busy = False
        self._measured = None if found is None else (now, found)
        return self._is_busy

    def _say(self, words: str, why_over: str = "") -> None:
        if words == self._told:
            return
        if words:
            logger.info("long passes wait: %s", words)
            self._is_in_quiet = words != self._busy_words
        elif self._told:
            logger.info("long passes go on: %s", why_over)
        self._told = words
        self._tell(words)


def giving_way(
    schedule: ScheduleConfig, *, few: Callable[[str], int], tell: Callable[[str], None]
) -> GivingWay:
    """As the config wants it, by this machine's clock and processor."""
    return GivingWay(
        QuietHours.parse(schedule.quiet_hours),
        schedule.pause_above_busy_percent,
        few=few,
        tell=tell,
        usage=usage,
        now=datetime.now,
        monotonic=time.monotonic,
    )
