"""The `scan` job: everything on the disk that differs from the store is looked at and recorded."""

import json
import logging
import os
import stat as modes
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinlens.ingest.absence import has_left, is_on_lost_mount, is_still_there
from twinlens.ingest.absorber import Absorbed
from twinlens.ingest.places import Place, Places
from twinlens.ingest.recorder import Seen
from twinlens.ingest.spellings import is_listed
from twinlens.ingest.survey import Difference, Survey
from twinlens.ingest.tally import ScanTally, scan_result
from twinlens.ingest.worker import look_at
from twinlens.jobs.definition import Item, JobDefinition, Outcome
from twinlens.jobs.work_queue import WorkQueue
from twinlens.model.files import FileRecord, Finding, Look, Stat
from twinlens.model.paths import printable, to_bytes, to_text
from twinlens.model.picture import DECODED_VERSIONS
from twinlens.model.roots import RootIdentity, RootState, WatchMode
from twinlens.store import counters, meta, unread_folders
from twinlens.store import files as files_store
from twinlens.store import originals as originals_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer
from twinlens.watch.identity import RootHealth

logger = logging.getLogger(__name__)

SCAN = "scan"
"""The name of the job."""

FEW_FILES = 20
"""So few absences are believed whatever their share of a root: an owner tidies up."""

FEW_NEW_FILES = 256
"""So many files that differ are looked at when long passes have to wait: a scan of so few is none.
"""

SAMPLE = 40
"""Known files that are looked for in a root that has another identity than before."""


@dataclass(frozen=True, slots=True)
class ScanParts:
    """What a scan works with. `absorb` records findings in the current transaction; `announce`
    hears of what was recorded once it is committed. `versions` are those of originals that are not
    measured again; `warm` starts the workers."""

    database: Database
    writer: Writer
    places: Places
    queue: WorkQueue
    absorb: Callable[[Sequence[Seen]], Absorbed]
    announce: Callable[[Absorbed], None]
    monotonic: Callable[[], float]
    now: Callable[[], float]
    clock: Callable[[], str]
    settle_seconds: float
    brake_percent: float
    is_stopped: Callable[[], bool]
    on_finished: Callable[[dict[str, object]], None]
    versions: frozenset[int] = DECODED_VERSIONS
    warm: Callable[[], None] = lambda: None


class Scan:
    """The state of one running scan, behind its job definition."""

    def __init__(self, parts: ScanParts) -> None:
        self._parts = parts
        self.tally = ScanTally(parts.monotonic())
        self._watched: set[int] = set()

    def definition(
        self, *, batch_size: int = 128, timeout_seconds: float = 86_400.0
    ) -> JobDefinition:
        """The job. Failed files go to the work queue, which owns patience: no retries here."""
        return JobDefinition(
            name=SCAN,
            discover=self._discover,
            prepare=self._prepare,
            review=self._review,
            process=look_at,
            absorb=self._absorb,
            absorbed=self._absorbed,
            finalize=self._finalize,
            batch_size=batch_size,
            few=FEW_NEW_FILES,
            retries=0,
            timeout_seconds=timeout_seconds,
        )

    def _discover(self, argument: dict[str, object]) -> Iterator[Item]:
        self.tally = ScanTally(self._parts.monotonic())
        accept = bool(argument.get("accept_missing", False))
        wanted = argument.get("paths") or [to_text(p.path) for p in self._parts.places.all()]
        assert isinstance(wanted, list)
        for text in wanted:
            path = to_bytes(str(text))
            place = self._parts.places.at(path)
            if place is not None:
                yield from self._survey(place, path, accept)

    def _survey(self, place: Place, path: bytes, accept: bool) -> Iterator[Item]:
        if not self._is_ready(place, accept):
            return
        self._note_whether_watched(place)
        is_whole = path.rstrip(b"/") == place.path.rstrip(b"/")
        with self._parts.database.reading():
            survey = Survey(
                place,
                under=None if is_whole else path,
                outdated=originals_store.outdated(self._parts.versions),
                still_there=is_still_there,
                writes=self._parts.places.writes,
                is_stopped=self._parts.is_stopped,
            )
            for difference in survey.differences():
                stat = difference.stat
                assert stat is not None
                if difference.moved_from is None and self._is_young(stat):
                    self._let_settle(place, difference.path, stat)
                    continue
                if difference.moved_from is None:
                    # They take a moment to start, and the walk goes on meanwhile.
                    self._parts.warm()
                yield _item(place, difference)
            self.tally.add_survey(survey.count)
            is_anything_absent = next(survey.absent(), None) is not None
            if is_anything_absent:
                yield from self._absences(place, survey, accept, is_whole=is_whole)
            elif survey.count.is_complete and is_whole:
                self._clear_suspicion(place)
        if survey.count.is_complete:
            self._note_walk(place, b"" if is_whole else place.relative(path) or b"", survey.unread)

    def _note_walk(self, place: Place, under: bytes, unread: Mapping[bytes, str]) -> None:
        """Note that all below `under` was walked, and which folders could not be read there."""
        root_id, at = place.root_id, self._parts.clock()
        still = {d: why for d, why in unread.items() if _may_be_folder(place.absolute(d))}

        def write() -> None:
            unread_folders.note(root_id, under, still, at)
            if not under:
                roots_store.set_scanned(root_id, at)

        self._parts.writer.call(write)

    def _note_whether_watched(self, place: Place) -> None:
        """Whether events should have told of what this scan finds: the folder was scanned before
        in this life of the daemon, and is watched by events since."""
        with self._parts.database.reading():
            started = json.loads(meta.read("daemon") or "{}").get("started_at")
            record = next((r for r in roots_store.active() if r.id == place.root_id), None)
        is_watched = record is not None and record.watch_mode is WatchMode.INOTIFY
        self._watched.discard(place.root_id)
        if started and record is not None and is_watched and (record.last_scan_at or "") > started:
            self._watched.add(place.root_id)

    def _is_ready(self, place: Place, accept: bool) -> bool:
        health = self._parts.places.check(place.root_id)
        identity = health.identity if health.state is RootState.CHANGED else None
        if identity is not None and (accept or self._holds_what_is_known(place)):
            logger.info("the root was recognised by its files: %s", printable(place.path))
            self._adopt(place, identity)
            return True
        if health.state in (RootState.UNREACHABLE, RootState.CHANGED):
            self.tally.problems.append(f"{printable(place.path)}: {health.detail}")
            return False
        return True

    def _adopt(self, place: Place, identity: RootIdentity) -> None:
        self._parts.places.adopt(place.root_id, identity)
        self._parts.places.set_state(
            place.root_id, RootHealth(RootState.ONLINE, "online (adopted)", identity)
        )

    def _holds_what_is_known(self, place: Place) -> bool:
        """Whether nearly all of a sample of known files lie in the root as they were."""
        with self._parts.database.reading():
            sample = files_store.sample(place.root_id, SAMPLE)
        found = sum(_is_as_recorded(place, record) for record in sample)
        return bool(sample) and found >= 0.9 * len(sample)

    def _absences(
        self, place: Place, survey: Survey, accept: bool, *, is_whole: bool
    ) -> Iterator[Item]:
        if self._parts.places.check(place.root_id).state not in (
            RootState.ONLINE,
            RootState.SUSPECT,
        ):
            return
        absent = 0
        for record in survey.absent():
            if place.ignore.reason(record.path, is_directory=False) is None:
                absent += 1
            else:
                yield _item(place, Difference(record.path, None, record.is_nested), ignored=True)
        known = files_store.count_live(place.root_id)
        share = 100.0 * absent / max(known, 1)
        is_implausible = (is_whole and absent > 0 and survey.count.files == 0) or (
            absent > FEW_FILES and share > self._parts.brake_percent
        )
        if is_implausible and not accept:
            detail = (
                f"{absent} of {known} known files are missing; nothing was called gone. If they "
                f"were deleted on purpose: twinlens scan --accept-missing"
            )
            self._parts.places.set_state(place.root_id, RootHealth(RootState.SUSPECT, detail, None))
            self.tally.problems.append(f"{printable(place.path)}: {detail}")
            return
        self._clear_suspicion(place)
        for record in survey.absent():
            if place.ignore.reason(record.path, is_directory=False) is None:
                yield _item(place, Difference(record.path, None, record.is_nested))

    def _clear_suspicion(self, place: Place) -> None:
        if self._parts.places.state(place.root_id) is RootState.SUSPECT:
            self._parts.places.set_state(
                place.root_id, RootHealth(RootState.ONLINE, "online", None)
            )

    def _is_young(self, stat: Stat) -> bool:
        age = self._parts.now() - stat.mtime_ns / 1e9
        return -86_400 < age < self._parts.settle_seconds

    def _let_settle(self, place: Place, path: bytes, stat: Stat) -> None:
        self.tally.waiting += 1
        self._parts.queue.put_later(place.root_id, path, (stat.size, stat.mtime_ns))

    def _prepare(self, item: Item) -> Look | None:
        place = self._parts.places.get(item["root"])
        if place is None or item["moved_from"] is not None or item.get("ignored"):
            return None
        if not self._parts.places.answers(place.root_id):
            # It would cost a worker; the queue asks again.
            return None
        size = int(item["size"] or 0)
        known = originals_store.digests_of_size(size, self._parts.versions) if size else frozenset()
        return Look(place.absolute(to_bytes(item["path"])), known, size)

    def _review(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Doubt each absence once more: since the survey a share may have been unmounted, or the
        file have come back. What is in doubt goes to the work queue."""
        is_trusted: dict[int, bool] = {}
        reviewed = []
        for outcome in map(_as_listed, outcomes):
            finding, root_id = outcome.result, outcome.item["root"]
            doubt = None
            if isinstance(finding, Finding) and finding.stat is None and not finding.is_transient:
                if root_id not in is_trusted:
                    is_trusted[root_id] = self._parts.places.is_trusted(root_id)
                doubt = self._doubt(outcome.item, finding, is_trusted[root_id])
            elif isinstance(finding, Finding) and _has_left(finding):
                doubt = "it was renamed or replaced meanwhile"
            reviewed.append(outcome if doubt is None else Outcome(outcome.item, error=doubt))
        return reviewed

    def _doubt(self, item: Item, finding: Finding, is_trusted: bool) -> str | None:
        place = self._parts.places.get(item["root"])
        if place is None or not is_trusted:
            return "the root cannot be reached"
        with self._parts.database.reading():
            record = files_store.find(item["root"], to_bytes(item["path"]))
        if is_on_lost_mount(place, record):
            return "its mount cannot be reached"
        if record is not None and is_still_there(finding.path, record.stat):
            return "it came back" if is_listed(finding.path) else None
        return None

    def _absorb(self, outcomes: Sequence[Outcome]) -> Absorbed:
        seen: list[Seen] = []
        for outcome in outcomes:
            item = outcome.item
            path = to_bytes(item["path"])
            finding = _finding(item, outcome)
            if finding is None or finding.is_transient:
                self._parts.queue.retry_in_transaction(
                    item["root"],
                    path,
                    outcome.error or _problem(finding),
                    is_worker_lost=outcome.is_worker_lost,
                )
                self.tally.waiting += 1
                continue
            seen.append(Seen(item["root"], path, finding, item["nested"], item["moved_from"]))
        absorbed = self._parts.absorb(seen)
        missed = absorbed.changes(lambda one: one.root_id in self._watched)
        counters.add(counters.MISSED, missed)
        self._parts.queue.put_again_in_transaction(absorbed.look_again())
        return absorbed

    def _absorbed(self, absorbed: Absorbed) -> None:
        self.tally.add(absorbed.results)
        self._parts.announce(absorbed)

    def _finalize(self) -> dict[str, object]:
        tally = self.tally
        with self._parts.database.reading():
            result = scan_result(tally, self._parts.monotonic() - tally.started)
        self._parts.on_finished(result)
        return result


def _is_as_recorded(place: Place, record: FileRecord) -> bool:
    try:
        found = Stat.of(os.lstat(place.absolute(record.path)))
    except OSError:
        return False
    return (found.size, found.mtime_ns) == (record.stat.size, record.stat.mtime_ns)


def _may_be_folder(path: bytes) -> bool:
    """False for what is gone, or is a file that somebody asked to have scanned; what cannot be
    asked may well be a folder."""
    try:
        return modes.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _item(place: Place, difference: Difference, *, ignored: bool = False) -> dict[str, Any]:
    stat = difference.stat
    item: dict[str, Any] = {
        "root": place.root_id,
        "path": to_text(difference.path),
        "size": stat.size if stat else None,
        "nested": difference.is_nested,
        "moved_from": difference.moved_from,
        "ignored": ignored,
    }
    if difference.moved_from is not None and stat is not None:
        item["stat"] = [stat.device, stat.inode, stat.size, stat.mtime_ns, stat.ctime_ns]
    return item


def _finding(item: dict[str, Any], outcome: Outcome) -> Finding | None:
    if item["moved_from"] is not None:
        return Finding(to_bytes(item["path"]), stat=Stat(*item["stat"]))
    if item.get("ignored"):
        # It may well be there: it is not looked at.
        return Finding(to_bytes(item["path"]), problem="ignored")
    result = outcome.result
    return result if isinstance(result, Finding) else None


def _as_listed(outcome: Outcome) -> Outcome:
    """What no listing held is absent, though the disk may answer to that spelling of its name."""
    item, finding = outcome.item, outcome.result
    is_absence = item["size"] is None and item["moved_from"] is None and not item.get("ignored")
    if not is_absence or not isinstance(finding, Finding) or finding.stat is None:
        return outcome
    return outcome if is_listed(finding.path) else Outcome(item, Finding(finding.path))


def _has_left(finding: Finding) -> bool:
    if finding.sha256 is None or finding.stat is None:
        return False
    return has_left(finding.path, finding.stat)


def _problem(finding: Finding | None) -> str:
    return (finding.problem if finding else None) or "could not be looked at"
