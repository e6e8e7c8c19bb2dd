"""The job `check_clocks`: a picture whose camera's clock was wrong is not believed to be sure.

A fault shows only in the whole series of a camera, so it cannot be told when a picture arrives. The
pass reads all series and settles the contents whose doubt came, changed or went; its end state is a
function of what is recorded. It is due when anything was recorded since.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from twinlens.ingest.camera_frames import doubted_contents
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.jobs.definition import Item, JobDefinition, Outcome
from twinlens.model.clocks import ClockDoubt
from twinlens.store import clock_doubts
from twinlens.store import originals as originals_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

CHECK_CLOCKS: Final = "check_clocks"


class ClockCheck:
    """The state of one check, behind its job definition."""

    def __init__(self, database: Database, writer: Writer, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._changes_seen: int | None = None
        self._settled = 0

    def definition(self) -> JobDefinition:
        """The job, for the registry."""
        return JobDefinition(
            name=CHECK_CLOCKS,
            discover=self._discover,
            prepare=_nothing_to_process,
            process=_nothing_to_process,
            absorb=self._absorb,
            finalize=self._finalize,
        )

    def _discover(self, argument: dict[str, object]) -> Iterator[Item]:
        self._settled = 0
        with self._database.reading():
            # First: what changes from here on makes the next check due.
            self._changes_seen = clock_doubts.changes()
            found, known = doubted_contents(), clock_doubts.every()
        for original_id in sorted(found.keys() | known.keys()):
            doubt = found.get(original_id)
            if doubt != known.get(original_id):
                yield [original_id, None if doubt is None else asdict(doubt)]

    def _absorb(self, outcomes: Sequence[Outcome]) -> None:
        settled = []
        for outcome in outcomes:
            original_id, told = outcome.item
            doubt = None
            if told is not None:
                doubt = ClockDoubt(told["fault"], told["stated"], tuple(told["evidence"]))
            clock_doubts.put(original_id, doubt)
            if originals_store.get_many([original_id]):
                settled.append(original_id)
        settle_capture_times(settled, self._clock)
        self._settled += len(settled)

    def _finalize(self) -> dict[str, object]:
        seen = self._changes_seen
        # Where another life of the daemon looked, nobody knows what it saw: it stays due.
        if seen is not None:
            self._writer.call(lambda: clock_doubts.note_check(seen))
        self._changes_seen = None
        return {"settled": self._settled}


def _nothing_to_process(item: Item) -> None:
    """All of the work is in the store: no worker is asked."""
