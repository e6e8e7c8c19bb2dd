"""Who has to be compared again when bursts were made anew."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from twinlens.grouping.partings import parted_anew
from twinlens.model.groups import FileGroup, FileMember, GroupType

_Bursts = dict[int, tuple[int, int]]


def _groups(standing: _Bursts) -> list[FileGroup]:
    return [
        FileGroup(
            GroupType.BURST,
            "rule",
            tuple(
                FileMember(file_id, "image", False, "", sequence=number)
                for file_id, (in_burst, number) in standing.items()
                if in_burst == burst
            ),
        )
        for burst in sorted({burst for burst, _ in standing.values()})
    ]


def _relation(standing: _Bursts, a: int, b: int) -> str:
    if a not in standing or b not in standing or standing[a][0] != standing[b][0]:
        return "apart"
    return "one shot" if standing[a][1] == standing[b][1] else "two shots"


_standings = st.dictionaries(
    st.integers(1, 8), st.tuples(st.integers(1, 3), st.integers(1, 4)), max_size=8
)


@given(_standings, _standings)
def test_two_who_are_not_compared_again_stand_to_each_other_as_before(
    before: _Bursts, after: _Bursts
) -> None:
    changed = parted_anew(_groups(before), _groups(after))

    for a, b in combinations(sorted((before.keys() | after.keys()) - changed), 2):
        assert _relation(before, a, b) == _relation(after, a, b)
    # A file outside of both plays no part in any burst, then or now.
    for one in before.keys() ^ after.keys():
        assert one in changed


def test_a_series_that_grows_at_its_start_means_nothing_new_for_those_it_held() -> None:
    before = {file_id: (1, file_id) for file_id in range(2, 1000)}
    after = {file_id: (1, file_id) for file_id in range(1, 1000)} | {1000: (1, 1000)}
    shifted = {file_id: (1, number + 7) for file_id, (_, number) in after.items()}

    assert parted_anew(_groups(before), _groups(shifted)) == {1, 1000}
    assert parted_anew(_groups(before), []) == set(before)
