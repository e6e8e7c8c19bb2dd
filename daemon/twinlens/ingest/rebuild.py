"""Groups everything anew from the store, reading no picture: two jobs of the framework.

`detect_bursts` makes the photographs and bursts anew, bucket by bucket; `detect_duplicates` the
groups of near duplicates, and each content's date where the rules for dates changed. A verdict
depends on two contents and the rules alone and is kept up as they change, so pairs are judged anew
only by other rules; else the groups follow from the verdicts that stand. All take the very way that
a single arrival takes, in batches, each in one transaction: so their result is that of the live
path, arrivals go on in between, and a pass that was stopped goes on where it was.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from twinlens.ingest.recorder import Touched
from twinlens.ingest.regroup import Regrouper
from twinlens.jobs.definition import Item, JobDefinition, Outcome
from twinlens.store import duplicate_groups, file_groups, lookalikes, meta
from twinlens.store import originals as originals_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

DETECT_BURSTS: Final = "detect_bursts"
DETECT_DUPLICATES: Final = "detect_duplicates"
REBUILDS: Final = (DETECT_BURSTS, DETECT_DUPLICATES)
"""In the order they have to run: pictures of one photograph are no duplicates of each other."""

GROUPING_RULES: Final = "grouping_rules"
"""The fact that remembers what the stored groups were made by."""

VERDICT_RULES: Final = "verdict_rules"
"""The fact that remembers what the stored verdicts were made by."""

_UNDER_WAY: Final = "under way to "

_BATCH: Final = 64
"""Small: the writer does nothing else meanwhile."""


class Rebuild:
    """The two jobs. `regroup` must be called inside a transaction of the writer."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        regrouper: Regrouper,
        regroup: Callable[[Touched], object],
    ) -> None:
        self._database = database
        self._writer = writer
        self._regrouper = regrouper
        self._regroup = regroup

    def definitions(self) -> tuple[JobDefinition, JobDefinition]:
        """The jobs, for the registry."""
        return (
            JobDefinition(
                name=DETECT_BURSTS,
                discover=self._buckets,
                prepare=_nothing_to_process,
                process=_nothing_to_process,
                absorb=self._group_buckets,
                batch_size=_BATCH,
            ),
            JobDefinition(
                name=DETECT_DUPLICATES,
                discover=self._contents_concerned,
                prepare=_nothing_to_process,
                process=_nothing_to_process,
                absorb=self._group_contents,
                finalize=self._remember_rules,
                batch_size=_BATCH,
            ),
        )

    def is_due(self) -> bool:
        """Whether the stored groups were made by other rules. Inside a connection.

        A library without groups is not due: what it records is grouped by today's rules.
        """
        known = [(meta.read(fact), rules) for fact, rules in self._facts()]
        return any(stored is not None and stored != rules for stored, rules in known)

    def remember_first_rules(self) -> None:
        """Note what a new library is grouped by. In a transaction of the writer."""
        for fact, rules in self._facts():
            if meta.read(fact) is None:
                meta.write(fact, rules)

    def _buckets(self, argument: dict[str, object]) -> Iterator[Item]:
        with self._database.reading():
            found = sorted(file_groups.every_bucket())
        for root_id, bucket in found:
            yield [root_id, bucket]

    def _contents_concerned(self, argument: dict[str, object]) -> Iterator[Item]:
        with self._database.reading():
            if self._are_verdicts_outdated() or self._are_dates_outdated():
                found = originals_store.every_id()
            else:
                found = lookalikes.judged_ids() | duplicate_groups.every_member()
        yield from sorted(found)

    def _group_buckets(self, outcomes: Sequence[Outcome]) -> None:
        self._regroup(Touched({(int(o.item[0]), str(o.item[1])) for o in outcomes}, set()))

    def _group_contents(self, outcomes: Sequence[Outcome]) -> None:
        ids = {int(outcome.item) for outcome in outcomes}
        judged = self._regrouper.settle_dates(ids) if self._are_dates_outdated() else set()
        if self._are_verdicts_outdated():
            # From now on they are of two kinds, whatever rules the next start has.
            meta.write(VERDICT_RULES, _UNDER_WAY + self._regrouper.verdict_rules)
            judged = ids
        self._regroup(Touched(set(), judged))
        self._regrouper.regroup_as_judged(ids - judged)

    def _are_verdicts_outdated(self) -> bool:
        return meta.read(VERDICT_RULES) != self._regrouper.verdict_rules

    def _are_dates_outdated(self) -> bool:
        stored = meta.read(GROUPING_RULES) or ""
        return stored.partition(":")[0] != self._regrouper.rules.partition(":")[0]

    def _facts(self) -> Sequence[tuple[str, str]]:
        regrouper = self._regrouper
        return (GROUPING_RULES, regrouper.rules), (VERDICT_RULES, regrouper.verdict_rules)

    def _remember_rules(self) -> dict[str, object]:
        def remember() -> None:
            for fact, rules in self._facts():
                meta.write(fact, rules)

        self._writer.call(remember)
        return {"rules": self._regrouper.rules}


def _nothing_to_process(item: Item) -> None:
    """All of the work is in the store: no worker is asked."""
