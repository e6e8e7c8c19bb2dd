"""What a third picture may say about two."""

import pytest

from support.looks import scene, seen
from twinlens.grouping.witnesses import settled
from twinlens.model.groups import DuplicateClass
from twinlens.model.verdicts import Verdict

_RE_ENCODED = Verdict(DuplicateClass.RE_ENCODED, 99.0, 0, "re-encoded: alike", 95.0)
_BESIDE = Verdict(DuplicateClass.SIMILAR, 98.0, 2, "similar: moved", 80.0, needs_witness=True)


@pytest.mark.parametrize(
    ("size", "said"),
    [((480, 360), DuplicateClass.RE_ENCODED), ((64, 48), DuplicateClass.SIMILAR)],
)
def test_a_witness_is_no_smaller_than_those_it_speaks_for(
    size: tuple[int, int], said: DuplicateClass
) -> None:
    members = [seen("a", scene(1)), seen("b", scene(1)), seen("c", scene(1, size))]

    found = settled({(0, 1): _BESIDE, (0, 2): _RE_ENCODED, (1, 2): _RE_ENCODED}, members)

    assert found[0, 1].duplicate_class is said
