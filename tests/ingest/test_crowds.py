"""Contents that look like more others than copies could be: looks say nothing of them, whatever the
order in which they come and go, and what is done for them grows with their number."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from support.made_up import AT, digest, measured, put_file, put_original, stat
from support.stores import Store
from twinlens.grouping.duplicates import PRESETS
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.grouping.verdicts import Picture, has_to_be_looked_at
from twinlens.ingest import lookalikes as module
from twinlens.ingest import neighbours
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.model.groups import DuplicateGroup
from twinlens.store import duplicate_groups, files, lookalikes, originals
from twinlens.store.tables import Lookalike

_NORMAL = PRESETS["normal"]
_FRAME, _OTHER = 0x0F1E2D3C4B5A6978, 0x123456789ABCDEF0


def _come(root_id: int, word: str, *, pixels: str | None = None) -> int:
    """A frame of a fixed camera, or a picture of its own where the word begins so; its id."""
    looks = measured(phash=_OTHER if word.startswith("other") else _FRAME)
    width = 600 + 3 * (sum(map(ord, word)) % 50)
    look = replace(looks, width=width, height=width * 2 // 3, image_digest=pixels)
    original_id = put_original(word, measurement=look)
    put_file(root_id, f"{word} {original_id}.jpg".encode(), original_id, at=stat(original_id))
    return original_id


def _go(original_id: int) -> None:
    for file in files.of_original(original_id):
        files.delete(file.id)
    originals.remove_reference(original_id, AT)


def _said(store: Store) -> dict[str, DuplicateGroup]:
    return store.read(lambda: duplicate_groups.touching(originals.every_id()))


@pytest.fixture
def small_crowds(monkeypatch: pytest.MonkeyPatch) -> int:
    """Six neighbours are the most."""
    monkeypatch.setattr(module, "MOST_ALIKE", 6)
    monkeypatch.setattr(neighbours, "_CROWD", 0)
    return 6


def test_a_picture_that_goes_is_searched_for_only_where_somebody_stands_in_a_crowd(
    store: Store, root_id: int, small_crowds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches = []
    within = SimilarityIndex.within

    def counted(index: SimilarityIndex, *asked: Any) -> list[int]:
        searches.append(asked)
        return within(index, *asked)

    monkeypatch.setattr(SimilarityIndex, "within", counted)
    live = Lookalikes(_NORMAL)

    def searches_when_one_goes() -> int:
        gone = ids.pop()
        store.write(lambda: _go(gone))
        searches.clear()
        store.write(lambda: live.regroup([gone]))
        return len(searches)

    ids = [store.write(lambda n=n: _come(root_id, f"frame {n}")) for n in range(small_crowds + 1)]
    store.write(lambda: live.regroup(ids))
    assert searches
    assert searches_when_one_goes() == 0

    ids += [store.write(lambda n=n: _come(root_id, f"frame 1{n}")) for n in range(4)]
    store.write(lambda: live.regroup(ids))
    assert searches_when_one_goes() > 0


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_a_crowd_gives_the_groups_of_a_rebuild(
    store: Store, root_id: int, small_crowds: int, seed: int
) -> None:
    draw = Random(seed)
    words = [f"frame {n}" for n in range(12)] + ["other a", "other b"]
    live = Lookalikes(_NORMAL)
    here: dict[str, int] = {}
    seen = set()
    for _ in range(40):
        come = [word for word in words if word not in here and draw.random() < 0.4]
        go = [word for word in here if draw.random() < 0.3]
        changed = [here.pop(word) for word in go]
        store.write(lambda changed=changed: [_go(one) for one in changed])
        for word in come:
            here[word] = store.write(lambda word=word: _come(root_id, word))
        changed += [here[word] for word in come]
        if draw.random() < 0.3:
            live.forget_index()
        store.write(lambda changed=changed: live.regroup(changed))

        after_life = _said(store)
        rebuilt = store.read(lambda: list(Lookalikes(_NORMAL).groups_under(_NORMAL)))
        assert after_life.keys() == {group.key for group in rebuilt}
        frames = sum(word.startswith("frame") for word in here)
        is_crowd = frames > small_crowds + 1
        seen.add(is_crowd)
        grouped = {digest(w) for w in here if w.startswith("frame")} if frames > 1 else set()
        held = {m.original_id for group in after_life.values() for m in group.members}
        assert (not is_crowd and bool(grouped)) == any(
            here[word] in held for word in here if word.startswith("frame")
        )
    assert seen == {True, False}


def test_copies_of_one_picture_are_no_crowd_however_many(
    store: Store, root_id: int, small_crowds: int
) -> None:
    """A picture that was sent on without its metadata is still found beside 20 exports of it."""
    live = Lookalikes(_NORMAL)
    exports = store.write(
        lambda: [_come(root_id, f"frame {'x' * n}", pixels="x") for n in range(20)]
    )
    store.write(lambda: live.regroup(exports))
    assert [len(group.members) for group in _said(store).values()] == [20]

    sent_on = store.write(lambda: _come(root_id, "frame sent on"))
    store.write(lambda: live.regroup([sent_on]))

    assert store.read(lambda: lookalikes.crowded([*exports, sent_on])) == set()
    held = {m.original_id for group in _said(store).values() for m in group.members}
    assert held == {*exports, sent_on}
    rebuilt = store.read(lambda: list(live.groups_under(_NORMAL)))
    assert _said(store).keys() == {group.key for group in rebuilt}


def test_as_many_exports_of_two_encodings_are_not_held_against_each_other(
    store: Store, root_id: int, small_crowds: int
) -> None:
    live = Lookalikes(_NORMAL)
    both = [
        store.write(
            lambda p=pixels: [_come(root_id, f"frame {p} {n}", pixels=p) for n in range(20)]
        )
        for pixels in ("x", "y")
    ]
    store.write(lambda: live.regroup([*both[0], *both[1]]))

    assert store.read(Lookalike.select().count) == 0
    assert sorted(len(group.members) for group in _said(store).values()) == [20, 20]


def test_frames_without_times_are_looked_at_in_proportion_to_their_number(
    store: Store, root_id: int, small_crowds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counting(a: Picture, b: Picture) -> bool:
        asked.append(1)
        return has_to_be_looked_at(a, b)

    monkeypatch.setattr(module, "has_to_be_looked_at", counting)
    live = Lookalikes(_NORMAL)
    for number in range(80):
        one = store.write(lambda number=number: _come(root_id, f"frame {number}"))
        store.write(lambda one=one: live.regroup([one]))

    assert len(asked) <= 80 * small_crowds
    assert store.read(Lookalike.select().count) == 0
    assert _said(store) == {}
