"""Whose standing among others changed when bursts were made anew.

Two frames of one burst are no duplicates of each other, so a verdict goes by whether two files
stand in one burst, and under one number. A series that grows by a frame says nothing new of those
that it held: only the frame, and whoever is parted or joined, has to be compared again.
"""

from collections.abc import Iterable

from twinlens.model.groups import FileGroup

_Standing = dict[int, tuple[int, int | None]]


def parted_anew(before: Iterable[FileGroup], after: Iterable[FileGroup]) -> set[int]:
    """The ids of the files of which one at least of each pair stands otherwise than before: apart
    and now in one burst or the other way round, or under one number and now under two."""
    old, new = _standing(before), _standing(after)
    together: dict[tuple[int, int], list[int]] = {}
    for file_id in old.keys() & new.keys():
        together.setdefault((old[file_id][0], new[file_id][0]), []).append(file_id)
    unchanged: set[int] = set()
    settled_old, settled_new = set[int](), set[int]()
    # Of each burst the largest part that stays together may stay as it is.
    for (was, now), file_ids in sorted(
        together.items(), key=lambda one: (-len(one[1]), min(one[1]))
    ):
        if was not in settled_old and now not in settled_new and _keep_numbers(file_ids, old, new):
            settled_old.add(was)
            settled_new.add(now)
            unchanged.update(file_ids)
    return (old.keys() | new.keys()) - unchanged


def _standing(groups: Iterable[FileGroup]) -> _Standing:
    return {
        member.file_id: (number, member.sequence)
        for number, group in enumerate(groups)
        for member in group.members
    }


def _keep_numbers(file_ids: Iterable[int], old: _Standing, new: _Standing) -> bool:
    """Whether files that shared a number share one still, and no others do."""
    pairs = {(old[file_id][1], new[file_id][1]) for file_id in file_ids}
    return len(pairs) == len({was for was, _ in pairs}) == len({now for _, now in pairs})
