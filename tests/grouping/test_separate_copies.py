"""Which files of one content are copies of each other."""

from itertools import permutations

from twinlens.grouping.separate_copies import separate_copies

ONE, TWO, THREE, FOUR = ((7, inode) for inode in (1, 2, 3, 4))


def test_names_of_one_inode_are_one_copy() -> None:
    found = separate_copies([(ONE, None), (ONE, None), (TWO, None)])

    assert (len(found.copies), found.spare) == (2, 1)
    assert separate_copies([(ONE, None), (ONE, None)]).spare == 0


def test_files_of_one_photograph_are_no_copies_of_each_other() -> None:
    alone = separate_copies([(ONE, 5), (TWO, 5)])
    copied = separate_copies([(ONE, 5), (TWO, 5), (THREE, 6), (FOUR, None)])

    assert (len(alone.copies), alone.spare) == (1, 0)
    assert (len(copied.copies), copied.spare) == (3, 2)


def test_what_hangs_together_does_so_in_any_order() -> None:
    files = [(ONE, 5), (TWO, 5), (TWO, 6), (THREE, 6), (FOUR, None)]

    assert {separate_copies(order) for order in permutations(files)} == {separate_copies(files)}
    assert separate_copies(files).copies == (frozenset({ONE, TWO, THREE}), frozenset({FOUR}))


def test_nothing_is_no_copy() -> None:
    assert (separate_copies([]).copies, separate_copies([]).spare) == ((), 0)
