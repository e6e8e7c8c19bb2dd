"""Runs a labelled set through the real analysis, the real store and the real groups."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Final

from near.derivatives import RE_ENCODED, SIMILAR, SMALL_EDITS
from near.labelled import BASE, Labelled
from support.stores import Store, opened_store
from twinlens.grouping.verdicts import PRESETS
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.ingest.worker import WorkerLimits
from twinlens.model.files import Condition, FileStatus, Finding, Look
from twinlens.model.groups import DuplicateClass, DuplicateGroup
from twinlens.store import duplicate_groups, files, originals

Pair = frozenset[int]
ALL_OF_IT: Final = {**RE_ENCODED, **SIMILAR, **SMALL_EDITS}


@dataclass(slots=True)
class Tally:
    """How a transformation fared against its base."""

    pairs: int = 0
    re_encoded: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Judged:
    """The labelled files that were measured, and the pairs that stand in a group together."""

    files: list[Labelled]
    re_encoded: set[Pair]
    similar: set[Pair]
    degenerate: set[int]

    @property
    def found(self) -> set[Pair]:
        """Pairs in any group."""
        return self.re_encoded | self.similar

    def by_transformation(self) -> dict[str, Tally]:
        """Each derivative against its base, in the order of the table."""
        present = {one.made for one in self.files}
        tallies = {made: Tally() for made in ALL_OF_IT if made in present}
        bases = {one.base: number for number, one in enumerate(self.files) if one.made == BASE}
        for number, one in enumerate(self.files):
            base = bases.get(one.base)
            if one.made not in tallies or base is None or {base, number} & self.degenerate:
                continue
            pair = frozenset((base, number))
            tally = tallies[one.made]
            tally.pairs += 1
            tally.re_encoded += pair in self.re_encoded
            tally.found += pair in self.found
            is_right = pair in (self.re_encoded if one.is_re_encoded else self.found)
            if not is_right:
                tally.missed.append(one.scene)
        return tallies

    def is_truly_re_encoded(self, pair: Pair) -> bool:
        """Whether both are codings of one base."""
        a, b = (self.files[number] for number in sorted(pair))
        return a.base == b.base and a.is_re_encoded and b.is_re_encoded

    def is_of_one_base(self, pair: Pair) -> bool:
        """Whether both were made of one picture, and are not frames of a burst."""
        a, b = (self.files[number] for number in sorted(pair))
        return a.base == b.base and {a.made, b.made} <= {BASE, *ALL_OF_IT}

    def false_re_encoded(self) -> list[Pair]:
        """Pairs in a re-encoded group that are not codings of one picture."""
        return [pair for pair in self.re_encoded if not self.is_truly_re_encoded(pair)]

    def false_found(self) -> list[Pair]:
        """Pairs in any group that are not of one picture."""
        return [pair for pair in self.found if not self.is_of_one_base(pair)]

    def all_re_encoded(self) -> list[Pair]:
        """Every pair that should stand in a re-encoded group."""
        by_base: Mapping[int, list[int]] = defaultdict(list)
        for number, one in enumerate(self.files):
            if one.is_re_encoded and number not in self.degenerate:
                by_base[one.base].append(number)
        return [
            frozenset(pair) for together in by_base.values() for pair in combinations(together, 2)
        ]

    def told(self, pair: Iterable[int]) -> str:
        """A pair in words."""
        return " | ".join(
            f"{self.files[number].made} of {self.files[number].scene}" for number in sorted(pair)
        )


def _now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


def measured(labelled: Sequence[Labelled]) -> list[Finding]:
    """What the worker finds in each of the files."""
    analyst = Analyst(WorkerLimits(exiftool=shutil.which("exiftool")))
    try:
        found = [analyst.analyse(Look(bytes(one.path))) for one in labelled]
    finally:
        analyst.close()
    assert all(isinstance(one, Finding) for one in found)
    return found


def recorded(store: Store, findings: Sequence[Finding], root: Path) -> list[int]:
    """Write findings into a store, each with a file; returns the contents' ids."""
    (record,) = store.adopt(root)

    def write() -> list[int]:
        ids = []
        for number, finding in enumerate(findings):
            assert finding.measurement is not None
            assert finding.sha256 is not None
            original_id = originals.put(finding.sha256, finding.stat.size, finding.measurement)
            files.put(
                record.id,
                b"%d.jpg" % number,
                radical=str(number),
                stat=finding.stat,
                is_nested=False,
                original_id=original_id,
                condition=Condition(finding.measurement.kind, FileStatus.OK),
                at="2026-01-02T03:04:05+00:00",
            )
            originals.add_reference(original_id)
            settle_capture_times([original_id], _now)
            ids.append(original_id)
        return ids

    return store.write(write)


def judged(labelled: Sequence[Labelled], folder: Path, preset: str = "normal") -> Judged:
    """Measure, record and group the set in a new store below `folder`."""
    (folder / "pictures").mkdir()
    findings = measured(labelled)
    with opened_store(folder / "near.db") as store:
        ids = recorded(store, findings, folder / "pictures")
        lookalikes = Lookalikes(PRESETS[preset])
        groups: list[DuplicateGroup] = []
        for start in range(0, len(ids), 64):
            part = ids[start : start + 64]
            store.write(lambda part=part: lookalikes.regroup(part))
        groups = store.read(lambda: every_group(ids))
    return with_groups(labelled, findings, ids, groups)


def every_group(ids: Sequence[int]) -> list[DuplicateGroup]:
    """The groups that stand."""
    return list(duplicate_groups.touching(ids).values())


def with_groups(
    labelled: Sequence[Labelled],
    findings: Sequence[Finding],
    ids: Sequence[int],
    groups: Iterable[DuplicateGroup],
) -> Judged:
    """The pairs behind the groups, by the numbers of the files."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, original_id in enumerate(ids):
        numbers[original_id].append(number)
    result = Judged(list(labelled), set(), set(), set())
    for group in groups:
        target = (
            result.re_encoded
            if group.duplicate_class is DuplicateClass.RE_ENCODED
            else result.similar
        )
        members = [number for m in group.members for number in numbers[m.original_id]]
        target |= {frozenset(pair) for pair in combinations(members, 2)}
    for same in numbers.values():
        result.re_encoded |= {frozenset(pair) for pair in combinations(same, 2)}
    for number, finding in enumerate(findings):
        print_ = finding.measurement.fingerprint if finding.measurement else None
        if print_ is None or print_.is_degenerate:
            result.degenerate.add(number)
    return result


def misses_by_scene(tallies: Mapping[str, Tally]) -> Counter[str]:
    """Which pictures are hard."""
    return Counter(scene for tally in tallies.values() for scene in tally.missed)
