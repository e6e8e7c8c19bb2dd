"""Binds the verification to the rest: its job, its place among other passes, and who is told."""

import json
import time
from collections.abc import Callable, Sequence

from twinlens.commands.turns import is_elsewhere_wanted
from twinlens.events import EventBus, EventFactory
from twinlens.ingest.places import Places
from twinlens.jobs.definition import JobDefinition, Outcome
from twinlens.jobs.work_queue import WRITTEN
from twinlens.maintenance.rereading import read_again
from twinlens.maintenance.scrub import NAME, Scrub, ScrubParts
from twinlens.model.events import Event, EventName, Severity
from twinlens.model.paths import printable, to_text
from twinlens.model.verification import Damage, Verdict
from twinlens.store import files as files_store
from twinlens.store import jobs as jobs_store
from twinlens.store import meta, work_items
from twinlens.store.database import Database
from twinlens.store.writer import Writer

SLICE_SECONDS = 45.0
"""How long scans wait behind a slice, at the most by one file more."""

USED = "verify_used"
"""The fact that remembers the day (UTC) and the seconds of it that verification has taken."""

_BATCH = 16


def seconds_used(day: str) -> float:
    """How long files were read again on this day already. Inside a connection."""
    return seconds_of(day, meta.read(USED))


def seconds_of(day: str, used: str | None) -> float:
    """The seconds of this day by the text of the fact `USED`."""
    facts = json.loads(used or "{}")
    return float(facts.get("seconds", 0.0)) if facts.get("day") == day else 0.0


class Scrubbing:
    """The job `verify`. `clock` gives the time as the store keeps it."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        places: Places,
        bus: EventBus,
        new_event: EventFactory,
        clock: Callable[[], str],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._database = database
        self._writer = writer
        self._places = places
        self._bus = bus
        self._new_event = new_event
        self._clock = clock
        self._scrub = Scrub(
            ScrubParts(
                database=database,
                clock=clock,
                monotonic=time.monotonic,
                absolute=self._absolute,
                is_trusted=places.is_trusted,
                look_again=self._look_again,
                announce=self._announce,
                is_elsewhere_wanted=self._is_elsewhere_wanted,
                is_stopped=is_stopped,
                on_finished=self._finished,
            )
        )

    def definition(self) -> JobDefinition:
        """The job: one worker at a time, and no second try, for the next slice is one."""
        scrub = self._scrub
        return JobDefinition(
            name=NAME,
            discover=scrub.discover,
            refers_to=lambda items: files_store.digests_of(item[0] for item in items),
            prepare=scrub.prepare,
            process=read_again,
            review=self._review,
            absorb=lambda outcomes: scrub.absorb([outcome.result for outcome in outcomes]),
            absorbed=scrub.absorbed,
            finalize=scrub.finalize,
            batch_size=_BATCH,
            workers=1,
            retries=0,
            timeout_seconds=86_400.0,
        )

    def _review(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        return [Outcome(pair[0].file_id, result=pair) for pair in self._scrub.review(outcomes)]

    def _absolute(self, root_id: int, path: bytes) -> bytes | None:
        place = self._places.get(root_id)
        return None if place is None else place.absolute(path)

    def _look_again(self, root_id: int, path: bytes) -> None:
        # "Written": it is read whatever its stat says.
        work_items.put(root_id, [path], reason=WRITTEN, not_before=0.0, at=self._clock())

    def _is_elsewhere_wanted(self) -> bool:
        with self._database.reading():
            return is_elsewhere_wanted(jobs_store.unfinished(), (NAME,))

    def _announce(self, damages: Sequence[Damage]) -> None:
        for damage in damages:
            self._bus.publish(self._event(damage))

    def _event(self, damage: Damage) -> Event:
        is_rotten = damage.verdict is Verdict.ROTTEN
        return self._new_event(
            EventName.FILE_ROTTEN if is_rotten else EventName.FILE_BROKEN,
            f"{damage.error}: {printable(damage.path)}",
            severity=Severity.ERROR if is_rotten else Severity.WARNING,
            path=to_text(damage.path),
            error=damage.error,
            sha256=damage.sha256,
            found_sha256=damage.found_sha256,
            copies=[to_text(path) for path in damage.copies],
        )

    def _finished(self, result: dict[str, object]) -> None:
        at = self._clock()
        day, seconds = at[:10], float(str(result["seconds"]))

        def work() -> None:
            total = seconds_used(day) + seconds
            meta.write(USED, json.dumps({"day": day, "seconds": round(total, 3)}))
            meta.write("last_verify_at", at)

        self._writer.call(work)
