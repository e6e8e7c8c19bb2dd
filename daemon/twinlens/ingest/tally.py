"""What a scan did, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinlens.ingest.recorder import Change, Recorded
from twinlens.ingest.survey import SurveyCount
from twinlens.model.paths import printable
from twinlens.model.unjudged import reason_of
from twinlens.store import tallies


@dataclass(slots=True)
class ScanTally:
    """What a scan did; `as_result` is the object that `twinlens scan --json` prints."""

    started: float
    changes: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(Change, 0))
    unchanged: int = 0
    skipped: int = 0
    reread: int = 0
    failed: int = 0
    unjudged: dict[str, int] = field(default_factory=dict)
    bytes_read: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)

    def add_survey(self, count: SurveyCount) -> None:
        """Take over what a walk saw."""
        self.unchanged += count.unchanged
        self.skipped += count.skipped
        self.problems += [f"{printable(folder)}: {error}" for folder, error in count.errors]

    def add(self, results: Sequence[Recorded]) -> None:
        """Take over what became of findings."""
        for result in results:
            self.changes[result.change] += 1
            self.bytes_read += result.seen.finding.bytes_read
            is_as_it_was = result.change is Change.UNCHANGED
            self.reread += is_as_it_was and result.seen.finding.bytes_read > 0
            self._add_error(result)

    def _add_error(self, result: Recorded) -> None:
        stat = result.seen.finding.stat
        is_empty = stat is not None and stat.size == 0
        if result.error is None or is_empty:
            return
        if not result.is_unjudged:
            self.failed += 1
            return
        reason = reason_of(result.error)
        self.unjudged[reason] = self.unjudged.get(reason, 0) + 1


def scan_result(tally: ScanTally, seconds: float) -> dict[str, object]:
    """The numbers of a scan as they are printed. Inside a connection of the database."""
    changes = tally.changes
    return {
        "files": sum(files for *_, files, _, _ in tallies.live_files()),
        "originals": tallies.contents(),
        "added": changes[Change.ADDED],
        "changed": changes[Change.CHANGED],
        "moved": changes[Change.MOVED],
        "gone": changes[Change.GONE],
        "unchanged": tally.unchanged + changes[Change.UNCHANGED],
        "reread": tally.reread,
        "failed": tally.failed,
        "unjudged": dict(sorted(tally.unjudged.items())),
        "bytes_read": tally.bytes_read,
        "seconds": round(seconds, 3),
        "skipped": tally.skipped,
        "waiting": tally.waiting,
        "problems": tally.problems,
    }


def scan_words(result: Mapping[str, Any]) -> str:
    """The numbers of a scan in one line."""
    numbers = ("added", "changed", "moved", "gone", "failed")
    found = [f"{result[name]} {name}" for name in numbers if result[name]]
    unjudged: dict[str, int] = result["unjudged"]
    found += [f"{number} not judged ({reason})" for reason, number in unjudged.items()]
    if result["problems"]:
        found.append(f"not looked at: {'; '.join(result['problems'])}")
    return f"scan of {result['files']} files: {', '.join(found) or 'nothing changed'}"
