"""What a poll does while a scan has to wait: it walks the folder like a scan, and what is new or
changed goes to the work queue, as if an event had told of it.

What the waiting scan has still to read is left to it, and so are files that are gone.
"""

from collections.abc import Iterator, Sequence

from twinlens.ingest.absence import is_still_there
from twinlens.ingest.places import Place
from twinlens.ingest.scan import SCAN, ScanParts
from twinlens.ingest.survey import Survey
from twinlens.jobs.definition import Item, JobDefinition, Outcome
from twinlens.model.paths import to_bytes
from twinlens.model.roots import RootState
from twinlens.store import jobs as jobs_store
from twinlens.store import work_items

POLL = "poll"
"""The name of the job."""


class Poll:
    """The job that stands in for the scan of a polled root."""

    def __init__(self, parts: ScanParts) -> None:
        self._parts = parts

    def definition(self) -> JobDefinition:
        """The job. It has no items: a walk is all that it does, so it never has to wait."""
        return JobDefinition(
            name=POLL, discover=self._discover, process=_nothing, absorb=_nothing, few=1
        )

    def _discover(self, argument: dict[str, object]) -> Iterator[Item]:
        paths = argument["paths"]
        assert isinstance(paths, list)
        for text in paths:
            place = self._parts.places.at(to_bytes(str(text)))
            if place is not None:
                self._look(place)
        yield from ()

    def _look(self, place: Place) -> None:
        health = self._parts.places.check(place.root_id)
        if health.state not in (RootState.ONLINE, RootState.SUSPECT):
            return
        with self._parts.database.reading():
            left = _left_to_scans(place.root_id)
            survey = Survey(
                place,
                still_there=is_still_there,
                writes=self._parts.places.writes,
                is_stopped=self._parts.is_stopped,
            )
            for difference in survey.differences():
                path, stat = difference.path, difference.stat
                is_waiting = work_items.waiting(place.root_id, path) is not None
                if stat is not None and hash(path) not in left and not is_waiting:
                    self._parts.queue.put_later(place.root_id, path, (stat.size, stat.mtime_ns))


def _left_to_scans(root_id: int) -> set[int]:
    """The hashes of the paths that scans under way have still to look at; paths would take ten
    times the room, and a new one that shares a hash is found by the next scan."""
    return {
        hash(to_bytes(item["path"]))
        for job in jobs_store.unfinished()
        if job.name == SCAN
        for number in jobs_store.pending_batches(job.id)
        for item in jobs_store.batch_items(job.id, number)
        if isinstance(item, dict) and item["root"] == root_id
    }


def _nothing(outcomes: Sequence[Outcome]) -> None:
    """There are no items."""
