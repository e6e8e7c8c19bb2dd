"""Claims about the passes that group everything anew: what they judge, and when they are due."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from support.made_up import measured, put_file, put_original, stat
from support.stores import Store
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.rebuild import Rebuild
from twinlens.ingest.regroup import Regrouper
from twinlens.jobs.definition import JobDefinition, Outcome
from twinlens.store import duplicate_groups
from twinlens.store.tables import DuplicateGroup, Lookalike

KEPT = "as it was judged"


class Library:
    """Three pictures, of which two look alike, and the passes under one preset."""

    def __init__(self, store: Store, root_id: int) -> None:
        self.store = store
        self.alike = [
            store.write(lambda: self._picture(root_id, "a", 600, 0x0F1E2D3C4B5A6978)),
            store.write(lambda: self._picture(root_id, "b", 900, 0x0F1E2D3C4B5A6978)),
        ]
        self.other = store.write(lambda: self._picture(root_id, "c", 600, 0x123456789ABCDEF0))
        self.rebuild_under("normal")
        # So that a verdict that is judged anew is told from one that is not.
        store.write(Lookalike.update(rule=KEPT).execute)

    @staticmethod
    def _picture(root_id: int, word: str, width: int, phash: int) -> int:
        looks = replace(measured(phash=phash), width=width, height=width * 2 // 3)
        original_id = put_original(word, measurement=looks)
        put_file(root_id, f"{word}.jpg".encode(), original_id, at=stat(width + len(word)))
        return original_id

    def passes(self, preset: str) -> Rebuild:
        regrouper = Regrouper(PRESETS[preset])
        return Rebuild(self.store.database, self.store.writer, regrouper, regrouper.regroup)

    def rebuild_under(self, preset: str) -> list[int]:
        """Carry out the pass for duplicates; the contents it went over."""
        definition = self.passes(preset).definitions()[1]
        items = list(definition.discover({}))
        self.absorb(definition, items)
        definition.finalize()
        return items

    def absorb(self, definition: JobDefinition, items: Iterable[int]) -> None:
        self.store.write(lambda: definition.absorb([Outcome(item) for item in items]))

    def rules(self) -> list[str]:
        return self.store.read(lambda: [row.rule for row in Lookalike.select()])

    def is_due(self, preset: str) -> bool:
        return self.store.read(self.passes(preset).is_due)

    def groups(self) -> list[list[int]]:
        found = self.store.read(lambda: duplicate_groups.touching([*self.alike, self.other]))
        return [sorted(m.original_id for m in group.members) for group in found.values()]


@pytest.fixture
def library(store: Store, root_id: int) -> Library:
    return Library(store, root_id)


def test_under_the_same_rules_groups_follow_from_the_verdicts_that_stand(library: Library) -> None:
    assert library.groups() == [library.alike]
    library.store.write(DuplicateGroup.delete().execute)

    assert library.rebuild_under("normal") == library.alike

    assert library.groups() == [library.alike]
    assert library.rules() == [KEPT]


def test_a_group_without_a_verdict_goes(library: Library) -> None:
    library.store.write(Lookalike.delete().execute)

    assert library.rebuild_under("normal") == library.alike

    assert library.groups() == []


def test_under_other_rules_every_pair_is_judged_anew(library: Library) -> None:
    assert library.is_due("loose")

    assert library.rebuild_under("loose") == [*library.alike, library.other]

    assert len(library.rules()) == 1
    assert library.rules() != [KEPT]
    assert not library.is_due("loose")


def test_rules_that_come_back_before_the_pass_is_over_call_for_judging_all_again(
    library: Library,
) -> None:
    definition = library.passes("loose").definitions()[1]
    library.absorb(definition, list(definition.discover({}))[:1])

    assert library.is_due("normal")
    assert library.rebuild_under("normal") == [*library.alike, library.other]
    assert not library.is_due("normal")


def test_a_library_of_the_version_before_is_not_judged_anew(library: Library) -> None:
    """Its verdicts were made by the rules that its groups were made by."""
    library.store.write(
        lambda: library.store.database.peewee.execute_sql(
            "DELETE FROM meta WHERE key = 'verdict_rules'"
        )
    )

    assert not library.is_due("normal")
    library.store.write(library.passes("normal").remember_first_rules)
    assert library.rebuild_under("normal") == library.alike
    assert library.rules() == [KEPT]
